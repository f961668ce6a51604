"""The engines that are compared, each from a model's file to the figures of one inference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.bakenn_model import bakenn_code
from benchmarks.foreign import Figures, ForeignCode, build_foreign, run_foreign
from benchmarks.tflm_model import tflm_code
from mcuq.board import Board, board_named
from mcuq.build import BuildOptions, Source, build
from mcuq.built import load_built
from mcuq.estimate.counting import count_run
from mcuq.estimate.disassembly import disassemble
from mcuq.estimate.timing import cycles
from mcuq.fit import Goals
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.host_run import run_host
from mcuq.link import Link
from mcuq.measure import stream
from mcuq.planner.choose import Optimize
from mcuq.planner.lower import KernelPolicy
from mcuq.reference import run_reference
from mcuq.simulate import random_data

BOARDS = {
    "cortex-m0": "mps2-an385",  # M0 code on the M3 machine, which has room for all models
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m55": "mps3-an547",
}
GOALS = {
    "cmsis-nn": Goals(policy=KernelPolicy.CMSIS_NN, optimize=Optimize.SPEED),
    "mcuq": Goals(),
    **{f"mcuq-{one.value}": Goals(optimize=one) for one in Optimize},
}
SAMPLES = 4


@dataclass(frozen=True)
class Task:
    """A model to be run on a core; what is built goes below ``folder``."""

    model: str
    path: Path
    core: str
    folder: Path

    @property
    def board(self) -> Board:
        return board_named(BOARDS[self.core]).model_copy(update={"core": self.core})


def measure_mcuq(task: Task, engine: str) -> Figures:
    goal = task.folder / f"{task.model}-{task.core}-{engine}"
    (report,) = build(BuildOptions((Source(task.path),), task.board, goal, GOALS[engine]), lambda *_: None)
    built = load_built(goal)
    program = disassemble(built.image)
    runs = run_host(built.model, random_data(built).head(SAMPLES), lambda *_: None)
    wrong = compared = 0

    def run(link: Link) -> None:
        nonlocal wrong, compared
        streamed = stream(link, runs.inputs, runs.outputs, lambda *_: None)
        wrong, compared = streamed.mismatched_bytes, streamed.compared_bytes

    layers = count_run(task.board, built.image, program, 0, 120.0, run)
    return Figures(
        sum(sum(layer.counts.values()) for layer in layers),
        sum(cycles(task.core, program, layer.counts) for layer in layers),
        report.arena_bytes,
        report.flash_bytes,
        wrong,
        compared,
    )


def measure_bakenn(task: Task) -> Figures:
    graph = bind(read_tflite(task.path.read_bytes(), task.path.name))
    folder = task.folder / f"{task.model}-{task.core}-bakenn"
    code = bakenn_code(graph, folder / "c", task.model.replace("-", "_"))
    return _measure_foreign(task, code, folder)


def measure_tflm(task: Task, checkout: Path) -> Figures:
    folder = task.folder / f"{task.model}-{task.core}-tflm"
    return _measure_foreign(task, tflm_code(checkout, task.core, task.path, folder), folder)


def _measure_foreign(task: Task, code: ForeignCode, folder: Path) -> Figures:
    tflite = task.path.read_bytes()
    shape = read_tflite(tflite, task.path.name).input_tensors[0].shape
    inputs = np.random.default_rng(0).integers(-128, 128, (SAMPLES, *shape[1:])).astype(np.int8)
    (expected,) = run_reference(tflite, (inputs,))
    elf = build_foreign(code, task.board, folder / "elf", inputs[0].nbytes, expected[0].nbytes)
    return run_foreign(elf, task.board, code.arena_bytes, inputs, expected)
