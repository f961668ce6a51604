"""What mcuq makes of mutated files, in processes that may not take over 1 GB or hang; and whether LiteRT agrees.

``python -m tests.harness.tflite_fuzz FIRST COUNT STEP`` is one such process: it prints a line before and after each
mutation, so that the one it dies of is known.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcuq.codegen.model import generate
from mcuq.core import core_named
from mcuq.errors import UnsupportedError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import DType, Graph
from mcuq.kernels.base import Target
from mcuq.litert import LiteRT
from mcuq.model import input_specs, is_quantized
from mcuq.ops.floats import is_float
from mcuq.passes import run_passes
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from tests.harness.ladder import random_input, reference_outputs
from tests.harness.tflite_mutations import mutant

MEMORY_BYTES = 1 << 30
PROCESSOR_S = 10
MOST_ELEMENTS = 1 << 18
"""Larger models are compiled but not run."""
MOST_PLANNED = 1 << 22
CORES = ("cortex-m0", "cortex-m4", "cortex-m55")


@dataclass(frozen=True)
class Verdict:
    """``kind``: refused, compiled (LiteRT refuses it, or it is too large to run), right, or wrong with the reason."""

    number: int
    kind: str
    detail: str = ""


def litert_answer(model: bytes, inputs: list[np.ndarray]) -> list[np.ndarray] | None:
    """What LiteRT gives; None where it refuses the model or dies of it."""
    try:
        return LiteRT(model, exact=True, all_tensors=False, time_limit_s=20).run(inputs)
    except UnsupportedError:
        return None


def verdict(number: int) -> Verdict:
    """What comes of mutation ``number``."""
    made = mutant(number)
    try:
        file_graph = read_tflite(made.content, "fuzz.tflite")
        if not is_quantized(file_graph):
            input_specs(file_graph)
            return Verdict(number, "refused", "not quantized")
        bound = bind(file_graph)
        graph = run_passes(bound)
        if not graph.nodes:
            return Verdict(number, "refused", "it computes nothing")
        _generated(graph, number)
    except UnsupportedError as error:
        if "report this as a defect" in str(error):
            return Verdict(number, "wrong", f"{made.seed}: {error}")
        assert error.exit_code == 3 and error.message
        return Verdict(number, "refused", error.message)
    except Exception:
        last = traceback.format_exc().strip().splitlines()
        return Verdict(number, "wrong", f"{made.seed}: " + " | ".join(line.strip() for line in last[-5:]))
    return _run(number, made.seed, made.content, bound, graph)


def _generated(graph: Graph, number: int) -> None:
    """C for one of several cores."""
    if sum(tensor.type.bytes for tensor in graph.tensors.values()) < MOST_PLANNED:
        core = core_named(CORES[number % len(CORES)])
        generate(plan(lower(graph, Target(core), KernelPolicy.MCUQ)), "fuzz", "fuzz")


def _run(number: int, seed: str, content: bytes, bound: Graph, graph: Graph) -> Verdict:
    if sum(tensor.type.elements for tensor in bound.tensors.values()) > MOST_ELEMENTS:
        return Verdict(number, "compiled", "large")
    if any(is_float(node.op) for node in bound.nodes):
        return Verdict(number, "compiled", "floats, which LiteRT rounds otherwise")
    if any(tensor.type.dtype is DType.FLOAT32 for tensor in bound.input_tensors):
        return Verdict(number, "compiled", "floats, which may overflow integers: LiteRT does not define that")
    rng = np.random.default_rng(number)
    inputs = [random_input(tensor.shape, tensor.type.dtype, rng) for tensor in bound.input_tensors]
    wanted = litert_answer(content, inputs)
    if wanted is None:
        return Verdict(number, "compiled", "LiteRT refuses it")
    given = dict(zip(bound.inputs, inputs, strict=True))
    for what, one in (("as read", bound), ("after passes", graph)):
        try:
            found = reference_outputs(one, [given[name] for name in one.inputs])
        except Exception as error:
            return Verdict(number, "wrong", f"{seed}: {what}: {type(error).__name__}: {error}")
        for name, got, want in zip(graph.outputs, found, wanted, strict=True):
            if _sizes(got) != _sizes(want) or got.dtype != want.dtype:
                types = f"{got.dtype}{got.shape}, LiteRT's {want.dtype}{want.shape}"
                return Verdict(number, "wrong", f"{seed}: {what}: {name} is {types}")
            if got.tobytes() != want.tobytes():
                share = np.mean(got != want)
                ops = ",".join(node.op for node in bound.nodes)
                return Verdict(number, "wrong", f"{seed}: {what}: {ops} {name}: {share:.0%} of values differ")
    return Verdict(number, "right")


def _sizes(array: np.ndarray) -> list[int]:
    """A shape without its ones, which LiteRT counts otherwise in files that leave options out."""
    return [size for size in array.shape if size != 1]


def verdicts(first: int, count: int, processes: int = 2) -> list[Verdict]:
    """What comes of ``count`` mutations, in several processes at once."""
    folder = Path(__file__).resolve().parent.parent.parent
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(folder), *sys.path]), OPENBLAS_NUM_THREADS="1")
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.harness.tflite_fuzz", str(first + i), str(first + count), str(processes)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for i in range(processes)
    ]  # fmt: skip
    return sorted((found for process in started for found in _told(process)), key=lambda one: one.number)


def _told(process: subprocess.Popen[str]) -> Iterator[Verdict]:
    said, errors = process.communicate()
    begun: int | None = None
    for line in said.splitlines():
        number, kind, detail = line.split("\t")
        begun = int(number) if kind == "begun" else None
        if kind != "begun":
            yield Verdict(int(number), kind, detail)
    if process.returncode:
        how = f"the process ended with {process.returncode}: {errors[-300:]}"
        yield Verdict(-1 if begun is None else begun, "wrong", how)


def main(first: int, end: int, step: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(first, end, step):
        print(number, "begun", "", sep="\t", flush=True)
        signal.setitimer(signal.ITIMER_VIRTUAL, PROCESSOR_S)  # its default action ends the process
        found = verdict(number)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        print(number, found.kind, " ".join(found.detail.split()), sep="\t", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
