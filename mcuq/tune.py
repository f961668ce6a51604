"""Try every kernel that runs a layer, for every layer, on the simulated core, and keep the best choice.

A round builds one image in which each layer has its next kernel; so there are as many rounds as the layer with most
kernels has. Bytes are held to LiteRT's in every round. Nothing is written here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq.board import Board, all_boards, simulated_board
from mcuq.build import BuildOptions, build, found_cmsis_nn
from mcuq.built import load_built
from mcuq.errors import MismatchError
from mcuq.estimate.estimate import estimate
from mcuq.fit import Goals
from mcuq.image import board_toolchain, compile_kernels
from mcuq.kernels.base import Target
from mcuq.model import Model, Progress
from mcuq.planner.choose import Budget, LayerOptions, Optimize, choose, survey, with_cycles
from mcuq.simulate import SimulationOptions, simulate
from mcuq.tuned import Tuned, TunedLayer

Cycles = Mapping[tuple[str, str], int]
"""(layer, kernel) → cycles."""


@dataclass(frozen=True, slots=True)
class TuneResult:
    """What was found, and the cycles of the choice that a build without it would make."""

    tuned: Tuned
    untuned_cycles: int
    tuned_cycles: int


def tune(
    model: Model, board: Board, cmsis_nn: Path | None, goals: Goals, timeout_s: float, progress: Progress
) -> TuneResult:
    """``cmsis_nn`` as in ``BuildOptions``. Raises ``MismatchError`` when a kernel computes other bytes than LiteRT."""
    copy = found_cmsis_nn(goals.policy, cmsis_nn)
    target = Target(board.core_with_fpu, frozenset() if copy is None else copy.functions)
    surveyed = survey(model.graph, target, goals.policy)
    cycles = _tried(model, surveyed, _trial_board(board), cmsis_nn, goals, timeout_s, progress)
    known = with_cycles(surveyed, cycles)
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        code_of = compile_kernels(surveyed, copy, board_toolchain(board), Path(folder))
    budget = Budget(goals.flash_bytes, goals.ram_bytes)
    before, _ = choose(surveyed, goals.optimize, budget, code_of)
    after, cost = choose(known, goals.optimize, budget, code_of)
    layers = [
        TunedLayer(
            name=layer.layer.name,
            kernel=after[layer.layer.name],
            cycles={option.kernel: option.cycles for option in layer.options},
        )
        for layer in known
    ]
    tuned = Tuned(
        schema_version=1,
        model=model.name,
        core=board.core,
        kind="estimated from instructions counted in QEMU",
        optimize=goals.optimize.value,
        layer=layers,
    )
    return TuneResult(tuned, sum(cycles[entry] for entry in before.items()), cost.cycles)


def _trial_board(board: Board) -> Board:
    """A machine with room for any choice: that with most RAM, of those that run the core's code.

    The code of a Cortex-M0 runs on a Cortex-M3.
    """
    core = board.core_with_fpu
    able = [other for other in all_boards() if other.qemu is not None and other.core_with_fpu.runs_code_of(core)]
    if not able:
        return simulated_board(board)
    return max(able, key=lambda other: other.ram_bytes).model_copy(update={"core": board.core})


def _tried(
    model: Model,
    surveyed: Sequence[LayerOptions],
    board: Board,
    cmsis_nn: Path | None,
    goals: Goals,
    timeout_s: float,
    progress: Progress,
) -> Cycles:
    """Every layer with every option."""
    rounds = max((len(layer.options) for layer in surveyed), default=0)
    found: dict[tuple[str, str], int] = {}
    with tempfile.TemporaryDirectory(prefix="mcuq-") as temporary:
        file = Path(temporary) / f"{model.name}.tflite"
        file.write_bytes(model.tflite)
        for number in range(rounds):
            progress("trying kernels", number, rounds)
            choices = {
                layer.layer.name: layer.options[min(number, len(layer.options) - 1)].kernel for layer in surveyed
            }
            folder = Path(temporary) / "build"
            trial = Goals(Optimize.SPEED, policy=goals.policy, choices=choices)
            build(BuildOptions(file, board, folder, goals=trial, cmsis_nn=cmsis_nn), _quiet)
            built = load_built(folder)
            report = simulate(built, None, SimulationOptions(timeout_s, limit=1), _quiet)
            if report.mismatched_bytes:
                raise MismatchError(
                    f"{report.mismatched_bytes} bytes differ from LiteRT's",
                    details=tuple(f"{layer}: {kernel}" for layer, kernel in choices.items()),
                    hint="report this as a defect of mcuq",
                )
            for layer in estimate(built, timeout_s, _quiet).layers:
                found[layer.name, layer.kernel] = layer.cycles
        progress("trying kernels", rounds, rounds)
    return found


def _quiet(_stage: str, _done: int, _of: int) -> None:
    """No progress: a round is one step of it."""
