"""Weights that are decoded once and stay in RAM: the same bytes, in the RAM that is left, and less to do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcuq.board import board_named
from mcuq.cli import run
from mcuq.core import Core, core_named
from mcuq.ops import operators
from mcuq.planner.keep import keep, kept_bytes
from mcuq.planner.lower import KernelPolicy
from tests.harness.suite import SuiteCase, differences_in_qemu, differences_on_the_host, suite_cases
from tests.harness.tflite_writer import write_case

CASES = {
    "CONV_2D": ("bell_in_parts", "ternary_in_parts"),
    "DEPTHWISE_CONV_2D": ("bell", "ternary"),
    "FULLY_CONNECTED": ("bell_in_parts", "ternary"),
    "TRANSPOSE_CONV": ("ternary",),
}


def kept_cases(core: Core) -> Iterator[SuiteCase]:
    """Every kernel that decodes weights, for layers whose sums of rows are multiples of nothing."""
    cases = [(op, case) for op, names in CASES.items() for case in operators()[op].cases if case.name in names]
    for case in suite_cases(core, KernelPolicy.MCUQ, cases):
        if found := keep([case.plan], 1 << 20):
            yield dataclasses.replace(case, plan=found[0][0])


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "cortex-m55"])
def test_kept_weights_give_litert_bytes_on_the_host_under_sanitizers(core: str, tmp_path: Path) -> None:
    cases = tuple(kept_cases(core_named(core)))
    assert {case.operator for case in cases} == set(CASES)
    assert {case.kernel.removesuffix("_short").rsplit("_", 1)[1] for case in cases} >= {"trits", "huffman", "tans"}
    assert differences_on_the_host(cases, tmp_path) == []


def test_kept_weights_give_litert_bytes_in_qemu_on_helium(tmp_path: Path) -> None:
    board = board_named("mps3-an547")
    assert differences_in_qemu(board, tuple(kept_cases(board.core_with_fpu)), tmp_path) == []


def test_no_more_weights_stay_than_there_is_room_for() -> None:
    case = next(c for c in kept_cases(core_named("cortex-m4")) if c.case.name == "bell_in_parts")
    needed = kept_bytes([step.lowering for step in case.plan.program.steps])
    assert needed >= 21 * 3 * 3 * 24
    (plain,) = (
        c
        for c in suite_cases(core_named("cortex-m4"), KernelPolicy.MCUQ, [(case.operator, case.case)])
        if c.kernel == case.kernel
    )
    assert keep([plain.plan], needed - 1) is None
    found = keep([plain.plan], needed)
    assert found is not None
    assert found[0][0].arena_bytes < plain.plan.arena_bytes


def test_ram_that_was_given_holds_decoded_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By the image: fewer instructions in each inference, the bytes of RAM that are told, the flash as before."""
    monkeypatch.chdir(tmp_path)
    (case,) = (case for case in operators()["FULLY_CONNECTED"].cases if case.name == "bell_in_parts")
    Path("net.tflite").write_bytes(write_case("FULLY_CONNECTED", case))
    found = {}
    for ram in ("8K", "32K"):
        build = ["build", "net.tflite", "--board", "mps2-an386", "--optimize", "size", "--ram", ram, "-o", ram]
        assert run([*build, "--json"]) == 0
        built = json.loads(capfd.readouterr().out)
        assert run(["sim", ram, "--json"]) == 0
        simulated = json.loads(capfd.readouterr().out)
        assert simulated["mismatched_bytes"] == 0
        assert bool([note for note in built["notes"] if "decoded once and stay in RAM" in note]) == (ram == "32K")
        found[ram] = built["ram_bytes"], built["flash_bytes"], simulated["instructions_per_inference"]["value"]
    (little, flash, slow), (much, same, quick) = found["8K"], found["32K"]
    assert 9_000 < much - little < 11_000  # 10,000 weights and a table, less what the decoder had of the arena
    assert flash - 300 < same <= flash
    assert quick < slow / 2
