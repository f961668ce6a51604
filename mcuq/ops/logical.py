"""LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT of bool tensors, the first two with broadcasting.

Source: TFLite ``logical.cc`` and ``elementwise.cc`` (``LogicalNotEval``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.elementwise import attributes, few_cases, few_loops, output_has_the_broadcast_shape
from mcuq.ops.unary import same_shape

_BOOL = (DType.BOOL,)
_FUNCTIONS = {"LOGICAL_AND": np.logical_and, "LOGICAL_OR": np.logical_or}


def no_attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x1, x2 = inputs[0], inputs[1]
    assert x1 is not None and x2 is not None
    return (_FUNCTIONS[layer.op](x1, x2).reshape(layer.output.shape),)


def not_reference(_layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    return (np.logical_not(inputs[0]),)


_OPERAND = Operand((), dtype=DType.BOOL)
_VECTOR = Operand((300,), dtype=DType.BOOL)

OPERATORS = (
    *(
        Operator(
            name,
            attributes,
            (rules.element_types((0, 1), _BOOL, _BOOL), output_has_the_broadcast_shape, few_loops),
            reference,
            few_cases(_OPERAND, _OPERAND, _OPERAND),
        )
        for name in _FUNCTIONS
    ),
    Operator(
        "LOGICAL_NOT",
        no_attributes,
        (rules.element_types((0,), _BOOL, _BOOL), same_shape),
        not_reference,
        (Case("usual", (_VECTOR,), (_VECTOR,)),),
        of_a_byte=True,
    ),
)
