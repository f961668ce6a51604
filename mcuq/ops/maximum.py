"""MAXIMUM and MINIMUM: the greater and the lesser of two values, int8, with broadcasting.

Integer: ``max(q_1, q_2)`` and ``min(q_1, q_2)``. LiteRT compares and copies bytes, whatever the quantizations are; only
where all three are the same does it mean what it says.
Source: TFLite ``reference_ops::MaximumMinimumBroadcastSlow``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Operand, Operator
from mcuq.ops.elementwise import attributes, few_cases, few_loops, output_has_the_broadcast_shape

_FUNCTIONS = {"MAXIMUM": np.maximum, "MINIMUM": np.minimum}


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x1, x2 = inputs[0], inputs[1]
    assert x1 is not None and x2 is not None
    return (_FUNCTIONS[layer.op](x1, x2).reshape(layer.output.shape),)


_OPERAND = Operand((), 0.05, -7)
CASES = few_cases(_OPERAND, _OPERAND, _OPERAND)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (rules.quantized_activations((0, 1)), output_has_the_broadcast_shape, few_loops),
        reference,
        CASES,
    )
    for name in _FUNCTIONS
)
