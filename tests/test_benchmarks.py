"""The benchmark's own parts: code of others behind the firmware, and the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.bakenn_model import bakenn_code
from benchmarks.foreign import Figures, build_foreign, run_foreign
from benchmarks.tables import Row, long_table, replace_tables, short_table
from mcuq.board import board_named
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import DType
from mcuq.ops.conv_2d import CASES
from mcuq.reference import run_reference
from tests.harness.tflite_writer import write_case

BOARD = board_named("mps2-an386")


def test_a_convolution_through_bakenn_runs_behind_the_firmware_and_is_counted(tmp_path: Path) -> None:
    pytest.importorskip("bakenn", reason="bakenn is not installed: its code was not run")
    case = next(case for case in CASES if case.inputs[0] is not None and case.inputs[0].dtype is DType.INT8)
    tflite = write_case("CONV_2D", case)
    graph = bind(read_tflite(tflite, "conv.tflite"))
    code = bakenn_code(graph, tmp_path / "c", "conv")
    inputs = np.random.default_rng(0).integers(-128, 128, (3, *graph.input_tensors[0].shape[1:])).astype(np.int8)
    (expected,) = run_reference(tflite, (inputs,))
    elf = build_foreign(code, BOARD, tmp_path / "elf", inputs[0].nbytes, expected[0].nbytes)
    right = run_foreign(elf, BOARD, code.arena_bytes, inputs, expected)
    wrong = run_foreign(elf, BOARD, code.arena_bytes, inputs, expected ^ np.int8(1))
    assert (right.mismatched_bytes, right.compared_bytes) == (0, expected.nbytes)
    assert wrong.mismatched_bytes == expected.nbytes
    assert 1000 < right.instructions < right.cycles


def _row(engine: str, cycles: int) -> Row:
    return Row("ic", "cortex-m4", engine, Figures(cycles // 2, cycles, 1000, 20000, 1, 40), "")


def test_tables_take_the_place_of_those_between_their_markers(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("a\n<!-- short table -->\nold\n<!-- end -->\nb\n<!-- table -->\nold\n<!-- end -->\nc\n")
    rows = [_row("cmsis-nn", 30_000_000), _row("mcuq", 10_000_000), Row("ic", "cortex-m4", "other", None, "no | way")]
    replace_tables(file, {"table": long_table(rows, ["- a note"]), "short table": short_table(rows)})
    text = file.read_text()
    assert "old" not in text
    assert "| ic | 30.00 M / 10.00 M | x3.0 | 1,000 / 1,000 | 20,000 / 20,000 |" in text
    assert "| ic | cortex-m4 | other | no / way | | | | |\n\n- a note\n<!-- end -->\nc\n" in text
    with pytest.raises(SystemExit, match="has none of"):
        replace_tables(tmp_path / "page.md", {"another": ""})
