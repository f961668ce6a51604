"""A build in a simulator: the same firmware, link and data as on a board, with instructions counted."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from mcuq.board import Board, simulated_board
from mcuq.built import Built
from mcuq.data import Dataset
from mcuq.errors import UsageError
from mcuq.host_run import HostRuns, figures, run_host
from mcuq.measure import Streamed, Ticks, check_identity, count_run, stream
from mcuq.model import Progress, input_specs
from mcuq.renode import counts_instructions, machine_of
from mcuq.report import Agreement, Count, LayerReport, Report
from mcuq.runners.qemu import QemuRunner
from mcuq.runners.renode import RenodeRunner
from mcuq.toolchain import find_tool

RANDOM_SAMPLES = 8
FEW_SAMPLES = 8
"""Up to so many samples, one run of the simulator does everything: starting a second one would take longer."""


_CLOCK_FELL_BACK = "in Renode the board's own clock did not start: the firmware ran on the internal oscillator"
Engine: TypeAlias = Literal["qemu", "renode"]


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """``timeout_s`` bounds one inference, ``limit`` the number of samples."""

    timeout_s: float = 120.0
    limit: int | None = None
    engine: Engine = "qemu"


@dataclass(frozen=True, slots=True)
class _Simulated:
    """What one engine found: ``total`` and ``layers`` are instructions, None where they were not counted."""

    engine: str
    machine: Board
    streamed: Streamed
    total: int | None
    layers: tuple[int | None, ...]
    stack_used: int
    notes: tuple[str, ...] = ()


def simulate(built: Built, data: Dataset | None, options: SimulationOptions, progress: Progress) -> Report:
    """Run ``data`` (random inputs when None) and report; raises ``RunError`` when the simulator dies or hangs."""
    _check_engine(built.board, options.engine)  # before minutes of LiteRT
    given = data is not None
    samples = data if data is not None else random_data(built)
    if options.limit is not None:
        samples = samples.head(options.limit)
    runs = run_host(built.model, samples, progress)
    in_engine = _in_renode if options.engine == "renode" else _in_qemu
    found_in = in_engine(built, runs, options, progress)
    streamed, machine = found_in.streamed, found_in.machine
    what = f"{samples.count} {'samples' if given else 'random inputs'}"
    found = figures(runs, streamed.outputs[0], samples, what)
    return dataclasses.replace(
        built.report,
        command="sim",
        engine=found_in.engine,
        simulated_on=None if machine == built.board else machine.name,
        samples=samples.count,
        data=what,
        mismatched_bytes=streamed.mismatched_bytes,
        mismatched_samples=streamed.mismatched_samples,
        compared_bytes=streamed.compared_bytes,
        accuracy=found.accuracy,
        agreement=found.agreement if given else Agreement(),
        instructions_per_inference=Count("unknown" if found_in.total is None else "counted", found_in.total),
        layers=tuple(
            LayerReport(layer.name, layer.op, layer.kernel, count, layer.refusals)
            for layer, count in zip(built.report.layers, found_in.layers, strict=True)
        ),
        stack_used_bytes=found_in.stack_used,
        notes=(*(note for note in built.report.notes if note != _CLOCK_FELL_BACK), *runs.notes, *found_in.notes),
    )


def _check_engine(board: Board, engine: Engine) -> None:
    """Raises ``BoardError`` when the engine has no machine for the board, ``ToolError`` when it is not installed."""
    if engine == "renode":
        machine_of(board)
    find_tool("renode" if engine == "renode" else "qemu-system-arm")


def _in_renode(built: Built, runs: HostRuns, options: SimulationOptions, progress: Progress) -> _Simulated:
    """The image that is flashed, in one run that counts and compares."""

    def told(done: int, of: int) -> None:
        progress(f"{built.board.name} in Renode", done, of)

    told(0, len(runs.inputs[0]))
    runner = RenodeRunner(built.board, built.image)
    with runner.start() as target, target.open_link(run_timeout_s=options.timeout_s) as link:
        identity = check_identity(link, built.report.build_id, built.model.name, built.number)
        ticks = count_run(link, runs.inputs)
        streamed = stream(link, runs.inputs, runs.outputs, told)
        stack_used = link.stack_high_water().used_bytes
        target.check()
    counted = identity.counter == "dwt" and counts_instructions(built.board)
    return _Simulated(
        engine="Renode",
        machine=built.board,
        streamed=streamed,
        total=ticks.total if counted else None,
        layers=ticks.layers if counted else tuple(None for _ in ticks.layers),
        stack_used=stack_used,
        notes=(_CLOCK_FELL_BACK,) if identity.clock_fallback else (),
    )


def _in_qemu(built: Built, runs: HostRuns, options: SimulationOptions, progress: Progress) -> _Simulated:
    machine = simulated_board(built.board)
    runner = QemuRunner(machine, built.simulated_image or built.image)
    streamed, ticks, stack_used = _run(runner, built, runs, options, progress)
    return _Simulated(
        engine="QEMU",
        machine=machine,
        streamed=streamed,
        total=_instructions(machine, ticks.total),
        layers=tuple(_instructions(machine, count) for count in ticks.layers),
        stack_used=stack_used,
    )


def _run(
    runner: QemuRunner, built: Built, runs: HostRuns, options: SimulationOptions, progress: Progress
) -> tuple[Streamed, Ticks, int]:
    """One counted run of the first sample; then all samples, in a simulator that need not count when they are many."""
    few = len(runs.inputs[0]) <= FEW_SAMPLES

    def told(done: int, of: int) -> None:
        progress(f"{runner.board.name} in QEMU", done, of)

    told(0, len(runs.inputs[0]))
    with runner.start() as target, target.open_link(run_timeout_s=options.timeout_s) as link:
        check_identity(link, built.report.build_id, built.model.name, built.number)
        ticks = count_run(link, runs.inputs)
        if few:
            return stream(link, runs.inputs, runs.outputs, told), ticks, link.stack_high_water().used_bytes
    with (
        dataclasses.replace(runner, count=False).start() as target,
        target.open_link(run_timeout_s=options.timeout_s) as link,
    ):
        check_identity(link, built.report.build_id, built.model.name, built.number)
        return stream(link, runs.inputs, runs.outputs, told), ticks, link.stack_high_water().used_bytes


def _instructions(machine: Board, ticks: int | None) -> int | None:
    if ticks is None or machine.qemu is None:
        return None
    return machine.qemu.instructions(ticks)


def random_data(built: Built) -> Dataset:
    """Random values over each input's whole range: they prove bytes, and say nothing of accuracy."""
    rng = np.random.default_rng(0)
    arrays = []
    for spec in input_specs(built.model.file_graph):
        if spec.dtype == "float32":
            arrays.append(rng.normal(0.0, 1.0, (RANDOM_SAMPLES, *spec.shape)).astype(np.float32))
        elif spec.dtype in ("int8", "uint8", "int16"):
            limits = np.iinfo(spec.dtype)
            values = rng.integers(limits.min, limits.max + 1, (RANDOM_SAMPLES, *spec.shape))
            arrays.append(values.astype(spec.dtype))
        else:
            raise UsageError(f"input {spec.name!r} is {spec.dtype}: give data with --data")
    return Dataset(tuple(arrays), None, "random inputs")
