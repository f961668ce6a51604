"""Mutated TFLite files: one clean error or LiteRT's bytes; no crash, no hang, no gigabyte, no wrong code.

Each mutation follows from its number; ``python -m tests.harness.tflite_fuzz N N+1 1`` repeats one alone.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mcuq.core import core_named
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.kernels.base import Target
from mcuq.ops.base import Case
from mcuq.passes import run_passes
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from tests.harness.ladder import litert_outputs, random_input
from tests.harness.suite import SuiteCase, differences_on_the_host
from tests.harness.tflite_fuzz import Verdict, verdicts
from tests.harness.tflite_mutations import Mutant, mutant

FEW, MANY = 1500, 20_000
FEW_COMPILED, MANY_COMPILED = 12, 300


def checked(first: int, count: int) -> list[Verdict]:
    found = verdicts(first, count)
    assert [one for one in found if one.kind == "wrong"] == []
    assert len(found) == count
    kinds = Counter(one.kind for one in found)
    assert kinds["right"] > 0.1 * count and kinds["refused"] > 0.5 * count, kinds  # near enough to the real thing
    return found


def suite_case(made: Mutant, core: str) -> SuiteCase:
    graph = run_passes(bind(read_tflite(made.content, "fuzz.tflite")))
    rng = np.random.default_rng(made.number)
    inputs = [random_input(tensor.shape, tensor.type.dtype, rng) for tensor in graph.input_tensors]
    runs = 2 if graph.states else 1
    outputs = litert_outputs(made.content, inputs, runs)
    given, wanted = (b"".join(array.tobytes() for array in arrays) for arrays in (inputs, outputs))
    program = lower(graph, Target(core_named(core)), KernelPolicy.MCUQ)
    return SuiteCase(f"{made.number}-{made.seed}", Case("mutated", (), ()), graph, plan(program), ((given, wanted),))


def check_compiled(found: list[Verdict], count: int, core: str, folder: Path) -> None:
    right = [one.number for one in found if one.kind == "right"][:count]
    assert len(right) == count
    assert differences_on_the_host([suite_case(mutant(number), core) for number in right], folder) == []


def test_mutated_files_are_refused_or_give_litert_bytes(tmp_path: Path) -> None:
    check_compiled(checked(0, FEW), FEW_COMPILED, "cortex-m4", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4", "cortex-m55"])
def test_many_mutated_files_are_refused_or_give_litert_bytes(core: str, tmp_path: Path) -> None:
    first = FEW + MANY * ["cortex-m0", "cortex-m4", "cortex-m55"].index(core)
    check_compiled(checked(first, MANY), MANY_COMPILED, core, tmp_path)
