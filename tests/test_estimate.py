"""The estimator: the plugin's counts are the firmware's own, and the timing tables say what the manuals say."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcuq.board import board_named
from mcuq.build import BuildOptions, build
from mcuq.built import load_built
from mcuq.cli import run
from mcuq.errors import ToolError
from mcuq.estimate.disassembly import Instruction, Program, disassemble
from mcuq.estimate.estimate import estimate
from mcuq.estimate.timing import CORES, cycles
from mcuq.ops.conv_2d import CASES
from mcuq.simulate import SimulationOptions, simulate
from tests.harness.tflite_writer import write_case


def _quiet(_stage: str, _done: int, _of: int) -> None:
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("estimate")
    (where / "conv.tflite").write_bytes(write_case("CONV_2D", CASES[0]))
    build(BuildOptions(where / "conv.tflite", board_named("mps2-an386"), where / "built"), _quiet)
    return where / "built"


def test_plugin_and_firmware_count_the_same_instructions(folder: Path) -> None:
    built = load_built(folder)
    counted = simulate(built, None, SimulationOptions(), _quiet)
    estimated = estimate(built, 30.0, _quiet)
    for layer, other in zip(counted.layers, estimated.layers, strict=True):
        assert layer.instructions is not None
        # The call into the model and the hook's own call stand in one count and not in the other.
        assert abs(layer.instructions - other.instructions) <= 40
        assert other.instructions > 1000


def test_every_core_has_timings_and_faster_cores_take_fewer_cycles(folder: Path) -> None:
    built = load_built(folder)
    program = disassemble(built.image)
    counts = dict.fromkeys(program.instructions, 3)
    found = {core: cycles(core, program, counts) for core in CORES}
    assert found["cortex-m7"] < found["cortex-m4"] <= found["cortex-m0"]


def test_missing_host_compiler_is_told_with_the_command_that_installs_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "arm-none-eabi-objdump").symlink_to("/usr/bin/arm-none-eabi-objdump")
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ToolError, match="gcc was not found"):
        estimate(load_built(folder), 30.0, _quiet)


def _program(*lines: tuple[str, str]) -> Program:
    instructions = {4 * i: Instruction(4 * i, name, operands, "f") for i, (name, operands) in enumerate(lines)}
    return Program(instructions, {"f": 0})


# Cortex-M4 TRM, table 3-1: name, operands, cycles when run once (a branch that is taken, since nothing follows it).
M4 = (
    ("add", "r0, r1, r2", 1),
    ("ldr", "r0, [r1, #4]", 2),
    ("str", "r0, [r1, #4]", 1),
    ("ldmia", "r0!, {r1, r2, r3-r5}", 6),
    ("push", "{r4, r5, lr}", 4),
    ("pop", "{r4, r5, pc}", 6),
    ("bne", "0x10", 3),
    ("b", "0x10", 3),
    ("bl", "0x10 <f>", 3),
    ("smlad", "r0, r1, r2, r0", 1),
    ("sdiv", "r0, r1, r2", 6),
    ("vmla.f32", "s0, s1, s2", 3),
)


@pytest.mark.parametrize(("name", "operands", "wanted"), M4, ids=[name for name, _, _ in M4])
def test_cortex_m4_cycles_are_the_manuals(name: str, operands: str, wanted: int) -> None:
    assert cycles("cortex-m4", _program((name, operands)), {0: 1}) == wanted


def test_a_load_after_a_load_is_pipelined_on_cortex_m4() -> None:
    program = _program(("ldr", "r0, [r1]"), ("ldr", "r2, [r3]"))
    assert cycles("cortex-m4", program, {0: 1, 4: 1}) == 3


def test_a_branch_that_falls_through_costs_one_cycle() -> None:
    program = _program(("bne", "0x10"), ("add", "r0, r1, r2"))
    assert cycles("cortex-m4", program, {0: 10, 4: 10}) == 20
    assert cycles("cortex-m4", program, {0: 10, 4: 1}) == 10 + 9 * 2 + 1


def test_cortex_m7_issues_a_multiply_with_a_load_but_not_two_multiplies() -> None:
    together = _program(("smlad", "r0, r1, r2, r0"), ("ldr", "r3, [r4]"))
    apart = _program(("smlad", "r0, r1, r2, r0"), ("smlad", "r3, r1, r2, r3"))
    dependent = _program(("ldr", "r1, [r4]"), ("smlad", "r0, r1, r2, r0"))
    counts = {0: 1, 4: 1}
    assert [cycles("cortex-m7", p, counts) for p in (together, apart, dependent)] == [1, 2, 3]


def test_a_build_folder_may_be_named_relative_to_where_one_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parent)
    assert run(["estimate", folder.name, "--json"]) == 0
    assert '"kind": "estimated"' in capfd.readouterr().out
