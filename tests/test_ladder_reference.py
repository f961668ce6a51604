"""First rung of the ladder: every operator's integer reference gives LiteRT's bytes for each of its cases."""

from __future__ import annotations

import numpy as np
import pytest

from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ops import operators
from mcuq.ops.base import Case
from tests.harness.ladder import assert_as_litert, litert_outputs, random_inputs, reference_outputs, runs_of
from tests.harness.tflite_writer import case_seed, write_case

CASES = [(operator.name, case) for operator in operators().values() for case in operator.cases]


@pytest.mark.parametrize(("operator", "case"), CASES, ids=[f"{o}-{c.name}" for o, c in CASES])
def test_integer_reference_gives_litert_bytes(operator: str, case: Case) -> None:
    model = write_case(operator, case)
    graph = bind(read_tflite(model, case.name))
    rng = np.random.default_rng(case_seed(operator, case) + 1)
    for _ in range(3):
        inputs = random_inputs(case, graph, rng)
        expected = litert_outputs(model, inputs, runs_of(graph))
        found = reference_outputs(graph, inputs, runs_of(graph))
        for want, got in zip(expected, found, strict=True):
            assert_as_litert(operator, got, want, inputs)


def test_every_operator_has_cases() -> None:
    assert operators(), "no operators found"
    without = [name for name, operator in operators().items() if operator.in_files and not operator.cases]
    # They need further subgraphs: test_recurrent.py, test_states.py.
    assert without == ["ASSIGN_VARIABLE", "LOOP", "READ_VARIABLE"]
