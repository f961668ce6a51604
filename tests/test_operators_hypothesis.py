"""Every operator's integer reference gives LiteRT's bytes for layers that hypothesis makes up (``tests/strategies``).

A few layers an operator here; 200 in the slow test.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings

from mcuq.errors import UnsupportedError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ops import operators
from mcuq.ops.base import Case
from mcuq.ops.floats import is_float
from tests.harness.ladder import assert_as_litert, litert_outputs, random_inputs, reference_outputs, runs_of
from tests.harness.tflite_writer import case_seed, write_case
from tests.strategies import strategies

ROUNDS = 2
FEW, FEW_REAL, MANY = 20, 5, 200
quick = settings(
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def check(operator: str, case: Case) -> None:
    model = write_case(operator, case)
    try:
        graph = bind(read_tflite(model, case.name))
    except UnsupportedError:
        reject()
    rng = np.random.default_rng(case_seed(operator, case))
    for _ in range(ROUNDS):
        inputs = random_inputs(case, graph, rng)
        runs = runs_of(graph)
        for want, got in zip(litert_outputs(model, inputs, runs), reference_outputs(graph, inputs, runs), strict=True):
            assert_as_litert(operator, got, want, inputs)


def check_layers(operator: str, count: int) -> None:
    @settings(quick, max_examples=count)
    @given(strategies()[operator])
    def made(case: Case) -> None:
        check(operator, case)

    made()


@pytest.mark.parametrize("operator", strategies())
def test_made_layers_give_litert_bytes_in_the_reference(operator: str) -> None:
    check_layers(operator, FEW_REAL if is_float(operator) else FEW)


@pytest.mark.slow
@pytest.mark.parametrize("operator", strategies())
def test_many_made_layers_give_litert_bytes_in_the_reference(operator: str) -> None:
    check_layers(operator, MANY)


def test_every_operator_has_a_strategy() -> None:
    in_files = {name for name, operator in operators().items() if operator.in_files and operator.cases}
    assert sorted(in_files ^ strategies().keys()) == []
