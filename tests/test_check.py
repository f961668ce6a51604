"""``mcuq check``: what it says before building is what building finds; and the page on operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcuq.check import check
from mcuq.cli import run
from mcuq.fit import Goals
from mcuq.frontend.blockers import advice, unsupported
from mcuq.ir import DType, Node, Tensor, TensorType
from mcuq.operators_page import page
from mcuq.ops.base import Case, Operand
from tests.harness.net_builder import NetBuilder
from tests.harness.small_models import convolution, mcuq, report_of, wide_relu
from tests.harness.tflite_writer import write_case

GOLDEN = Path(__file__).parent / "golden" / "small.tflite"
PAGE = Path(__file__).parent.parent / "docs" / "operators.md"


def test_without_a_tool_it_tells_what_a_build_then_finds(tmp_path):
    board = ("--board", "netduinoplus2")
    checked = mcuq("check", GOLDEN, *board, "--json", cwd=tmp_path, PATH=str(tmp_path))
    assert checked.returncode == 0, checked.stderr
    found = report_of(checked)
    built = report_of(mcuq("build", GOLDEN, *board, "-o", "out", "--json", cwd=tmp_path))
    assert (found["command"], found["fits"], found["blockers"], found["error"]) == ("check", True, [], None)
    assert [(one["name"], one["kernel"]) for one in found["layers"]] == [
        (one["name"], one["kernel"]) for one in built["layers"]
    ]
    assert found["arena"] == {"kind": "counted", "value": built["arena_bytes"]}
    for name in ("flash", "ram"):
        assert found[name]["kind"] == "estimated"
        assert abs(found[name]["value"] - built[f"{name}_bytes"]) < 0.35 * built[f"{name}_bytes"]
        assert found[f"{name}_limit_bytes"] == built[f"{name}_limit_bytes"]
    assert found["constants"]["kind"] == "counted"
    assert found["constants"]["value"] == sum(one["constant_bytes"] for one in found["layers"])
    assert found["cycles"] == {"kind": "estimated", "value": sum(one["cycles"] for one in found["layers"])}


def test_a_model_of_whole_numbers_alone_is_not_taken_for_a_float_model(tmp_path):
    net = NetBuilder(1)
    for name, dtype in (("numbers", DType.INT32), ("mask", DType.BOOL)):
        net.tensors[name] = Tensor(name, TensorType((1, 12), dtype))
    net.nodes.append(Node("mask", "GREATER", {}, ("numbers", net.constant(np.array([7], np.int32))), ("mask",)))
    (tmp_path / "mask.tflite").write_bytes(net.tflite("numbers", "mask"))
    found = check(tmp_path / "mask.tflite", None, None, None, Goals(), lambda *_: None)
    assert found.error is None and [layer.op for layer in found.layers] == ["GREATER"]


def test_people_read_a_table_and_need_no_board(tmp_path):
    (tmp_path / "conv.tflite").write_bytes(convolution())
    done = mcuq("check", "conv.tflite", cwd=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "none given: kernels are chosen for a cortex-m4" in done.stdout
    assert "1 CONV_2D on " in done.stdout and "B (counted)" in done.stdout and "(estimated" in done.stdout


def test_a_model_too_large_for_the_board_is_exit_code_4_with_the_numbers(tmp_path):
    (tmp_path / "wide.tflite").write_bytes(wide_relu(20_000))
    done = mcuq("check", "wide.tflite", "--board", "microbit", "--json", cwd=tmp_path)
    found = report_of(done)
    assert (done.returncode, found["fits"], found["arena"]["value"]) == (4, False, 20_000)
    assert "the model does not fit microbit" in done.stderr and "the board has 16,384 B" in done.stderr
    within = mcuq("check", "wide.tflite", "--ram", "16K", "--board", "mps2-an386", cwd=tmp_path)
    assert within.returncode == 4 and "--ram allows 16,384 B" in within.stderr
    boardless = mcuq("check", "wide.tflite", "--ram", "16K", "--json", cwd=tmp_path)
    assert (boardless.returncode, report_of(boardless)["fits"]) == (4, False)
    assert "the model does not fit the budget" in boardless.stderr


def test_a_blocker_is_told_with_its_layer_its_reason_and_what_is_needed(tmp_path):
    case = Case("scale", (Operand((1, 8), 0.1),), (Operand((1, 8), 0.01, 3),), {"beta": 1.0})
    (tmp_path / "soft.tflite").write_bytes(write_case("SOFTMAX", case))
    done = mcuq("check", "soft.tflite", "--json", cwd=tmp_path)
    assert done.returncode == 3
    (blocker,) = report_of(done)["blockers"]
    assert (blocker["op"], blocker["reason"]) == ("SOFTMAX", "the output has scale 0.01 and zero point 3")
    assert blocker["instead"].startswith("mcuq needs: the output has scale 1/256")
    assert f"{blocker['layer']}: SOFTMAX: {blocker['reason']}; {blocker['instead']}" in done.stderr


@pytest.mark.parametrize(("content", "code"), [(None, 2), (b"", 3), (b"x" * 900, 3)])
def test_what_is_no_model_is_one_clear_error(tmp_path, capfd, content, code):
    if content is not None:
        (tmp_path / "a.tflite").write_bytes(content)
    assert run(["check", str(tmp_path / "a.tflite"), "--board", "microbit"]) == code
    said = capfd.readouterr()
    assert said.out == "" and said.err.startswith("Error: ") and "a.tflite" in said.err


def test_advice_is_for_operators_that_are_not_compiled():
    assert [op for op in advice() if unsupported("layer", op) is None] == []


def test_the_page_on_operators_is_current(request):
    if request.config.getoption("--update-goldens"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "renew with: mcuq ops --markdown >docs/operators.md"
