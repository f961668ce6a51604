"""The estimator: the plugin's counts are the firmware's own, and the timing tables say what the manuals say."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from mcuq.board import FlashStream, board_named, placed
from mcuq.build import BuildOptions, Source, build
from mcuq.built import load_built
from mcuq.cli import run
from mcuq.estimate.disassembly import Instruction, Program, disassemble
from mcuq.estimate.estimate import BY_ADDRESS, BY_OPERATOR, Estimate, estimate
from mcuq.estimate.published import error_bar, estimated_cycles, published, timing_digest
from mcuq.estimate.summary import summary
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
    build(BuildOptions((Source(where / "conv.tflite"),), board_named("mps2-an386"), where / "built"), _quiet)
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


def test_without_a_host_compiler_cycles_are_typical_ones_and_rougher(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    finer = estimate(load_built(folder), 30.0, _quiet)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("arm-none-eabi-objdump", "qemu-system-arm"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rougher = estimate(load_built(folder), 30.0, _quiet)
    assert (finer.method, rougher.method) == (BY_ADDRESS, BY_OPERATOR)
    assert "gcc was not found" in rougher.notes[0] and "apt-get install" in rougher.notes[1]
    assert finer.error is not None and rougher.error is not None
    assert rougher.error.low < finer.error.low and finer.error.high < rougher.error.high
    assert rougher.as_dict()["flash_bytes"] == {"kind": "unknown", "value": None}
    assert finer.cycles / 2 < rougher.cycles < finer.cycles * 2


def test_loads_from_flash_are_counted_and_a_cache_that_holds_all_fetches_each_line_once(folder: Path) -> None:
    built = load_built(folder)

    def counted(cache_bytes: int) -> Estimate:
        stream = FlashStream(cycles_per_byte=0.5, cache_bytes=cache_bytes)
        board = built.board.model_copy(update={"flash_stream": stream})
        return estimate(dataclasses.replace(built, board=board), 30.0, _quiet)

    tables = sum(tensor.type.bytes for tensor in built.model.graph.tensors.values() if tensor.constant)
    plain, cached = counted(0), counted(1 << 20)
    assert tables <= plain.flash_bytes
    assert cached.flash_bytes < min(plain.flash_bytes, built.report.flash_bytes)
    assert plain.flash_cycles == sum(round(0.5 * (layer.flash_bytes or 0)) for layer in plain.layers)
    assert plain.cycles - plain.flash_cycles == cached.cycles - cached.flash_cycles


def test_weights_and_code_in_ram_cost_no_flash_on_a_board_that_another_machine_stands_in_for(tmp_path: Path) -> None:
    (tmp_path / "conv.tflite").write_bytes(write_case("CONV_2D", CASES[0]))
    board = board_named("nucleo-f746zg")
    found = []
    for where in ({}, {"weights": "ram", "hot": "ram"}):
        build(BuildOptions((Source(tmp_path / "conv.tflite"),), placed(board, where), tmp_path / "built"), _quiet)
        found.append(estimate(load_built(tmp_path / "built"), 30.0, _quiet))
    there, moved = found
    tables = sum(t.type.bytes for t in load_built(tmp_path / "built").model.graph.tensors.values() if t.constant)
    assert there.flash_bytes - moved.flash_bytes >= tables
    assert moved.flash_bytes < 100, "the literals of code that is not moved"


def test_every_published_result_was_estimated_with_the_timings_of_today() -> None:
    assert published().timing == timing_digest(), "timing rules changed: run python benchmarks/published.py"
    assert all(estimated_cycles(result) is not None for result in published().result)


def test_error_bar_spans_the_published_results_of_its_core() -> None:
    found = error_bar("cortex-m4")
    assert found is not None
    results = [one for one in published().result if one.core == "cortex-m4"]
    for one in results:
        assert 1 + found.low <= one.hz / one.inferences_per_second / (estimated_cycles(one) or 1) <= 1 + found.high
    assert found.results == len(results) == 3
    assert error_bar("cortex-m7") is None


def test_error_is_printed_with_the_number_of_results_or_the_lack_of_them(folder: Path) -> None:
    found = estimate(load_built(folder), 30.0, _quiet)
    assert f"published boards: {found.error}, n=3" in summary(found)[1]
    assert "not known" in summary(found)[2]
    other = dataclasses.replace(found, core="cortex-m7", error=None)
    assert "no published result of a cortex-m7 to hold it to" in summary(other)[1]
    assert other.as_dict()["cycles"]["error"] == {"kind": "unknown"}


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


# Cortex-M4 TRM, "Load/store timings", M0 TRM table 3-1: core, instructions that run once each, cycles of all.
PAIRS = (
    ("cortex-m4", (("str", "r0, [r1]"), ("ldr", "r2, [r3]")), 3),  # nothing is pipelined behind a store
    ("cortex-m4", (("ldr", "r3, [r1]"), ("ldr", "r2, [r3]")), 4),  # nor behind the load of its address
    ("cortex-m4", (("add", "r3, r1"), ("ldr", "r2, [r3]")), 4),  # an address made just before: one cycle more
    ("cortex-m4", (("add", "r2, r1"), ("str", "r2, [r3]")), 2),  # a value made just before: none
    ("cortex-m33", (("ldr", "r0, [r1]"), ("add", "r2, r0, r0")), 3),
    ("cortex-m33", (("ldr", "r0, [r1]"), ("add", "r2, r3, r3")), 2),
    ("cortex-m0", (("push", "{r4, lr}"), ("pop", "{r4, pc}")), 3 + 6),
    ("cortex-m0", (("blx", "r3"), ("bx", "lr")), 3 + 3),
    ("cortex-m0plus", (("push", "{r4, lr}"), ("pop", "{r4, pc}")), 3 + 5),
)


@pytest.mark.parametrize(("core", "lines", "wanted"), PAIRS, ids=[f"{c}-{a[0]}-{b[0]}" for c, (a, b), _ in PAIRS])
def test_neighbours_take_the_cycles_of_the_manuals(core: str, lines: tuple[tuple[str, str], ...], wanted: int) -> None:
    assert cycles(core, _program(*lines), {0: 1, 4: 1}) == wanted


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


def test_cortex_m7_has_one_shifter_and_takes_dsp_instructions_in_the_older_slot_only() -> None:
    two_shifts = _program(("uxtb", "r0, r1"), ("add", "r2, r3, r4, lsl #2"))
    one_shift = _program(("uxtb", "r0, r1"), ("add", "r2, r3, r4"))
    older = _program(("sxtb16", "r0, r1"), ("add", "r2, r3, r4"))
    younger = _program(("add", "r2, r3, r4"), ("sxtb16", "r0, r1"))
    counts = {0: 1, 4: 1}
    assert [cycles("cortex-m7", p, counts) for p in (two_shifts, one_shift, older, younger)] == [2, 1, 1, 2]


def test_a_build_folder_may_be_named_relative_to_where_one_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parent)
    assert run(["estimate", folder.name, "--json"]) == 0
    assert '"kind": "estimated"' in capfd.readouterr().out
