"""A build in a simulator: the same firmware, link and data as on a board, with instructions counted exactly."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from mcuq.board import Board, simulated_board
from mcuq.built import Built
from mcuq.data import Dataset
from mcuq.errors import UsageError
from mcuq.host_run import HostRuns, figures, run_host
from mcuq.measure import Streamed, Ticks, check_identity, count_run, stream
from mcuq.model import Progress, input_specs
from mcuq.report import Agreement, Count, LayerReport, Report
from mcuq.runners.qemu import QemuRunner
from mcuq.toolchain import find_tool

RANDOM_SAMPLES = 8
FEW_SAMPLES = 8
"""Up to so many samples, one run of the simulator does everything: starting a second one would take longer."""


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """``timeout_s`` bounds one inference, ``limit`` the number of samples."""

    timeout_s: float = 120.0
    limit: int | None = None


def simulate(built: Built, data: Dataset | None, options: SimulationOptions, progress: Progress) -> Report:
    """Run ``data`` (random inputs when None) and report; raises ``RunError`` when the simulator dies or hangs."""
    find_tool("qemu-system-arm")  # before minutes of LiteRT
    given = data is not None
    samples = data if data is not None else random_data(built)
    if options.limit is not None:
        samples = samples.head(options.limit)
    runs = run_host(built.model, samples, progress)
    machine = simulated_board(built.board)
    runner = QemuRunner(machine, built.simulated_image or built.image)
    streamed, ticks, stack_used = _run(runner, built, runs, options, progress)
    what = f"{samples.count} {'samples' if given else 'random inputs'}"
    found = figures(runs, streamed.outputs[0], samples, what)
    return dataclasses.replace(
        built.report,
        command="sim",
        engine="QEMU",
        simulated_on=None if machine == built.board else machine.name,
        samples=samples.count,
        data=what,
        mismatched_bytes=streamed.mismatched_bytes,
        mismatched_samples=streamed.mismatched_samples,
        compared_bytes=streamed.compared_bytes,
        accuracy=found.accuracy,
        agreement=found.agreement if given else Agreement(),
        instructions_per_inference=Count("counted", _instructions(machine, ticks.total)),
        layers=tuple(
            LayerReport(layer.name, layer.op, layer.kernel, _instructions(machine, count), layer.refusals)
            for layer, count in zip(built.report.layers, ticks.layers, strict=True)
        ),
        stack_used_bytes=stack_used,
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
        check_identity(link, built.report.build_id, built.model.name)
        ticks = count_run(link, runs.inputs)
        if few:
            return stream(link, runs.inputs, runs.outputs, told), ticks, link.stack_high_water().used_bytes
    with (
        dataclasses.replace(runner, count=False).start() as target,
        target.open_link(run_timeout_s=options.timeout_s) as link,
    ):
        check_identity(link, built.report.build_id, built.model.name)
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
        elif spec.dtype in ("int8", "uint8"):
            limits = np.iinfo(spec.dtype)
            values = rng.integers(limits.min, limits.max + 1, (RANDOM_SAMPLES, *spec.shape))
            arrays.append(values.astype(spec.dtype))
        else:
            raise UsageError(f"input {spec.name!r} is {spec.dtype}: give data with --data")
    return Dataset(tuple(arrays), None, "random inputs")
