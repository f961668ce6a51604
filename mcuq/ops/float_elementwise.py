"""ADD, SUB, MUL, DIV, POW, MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, PRELU, comparisons: float32, with broadcasting.

Single precision, each operation rounded once; fused activations clamp, between the finite numbers where there is none.
PRELU: ``out = in`` from 0 up, else ``alpha · in``. POW is computed in double precision (``mcuq_real.h``) and rounded.
What an operation with no answer gives (0/0) is not a number; which of its bytes, is not defined.
Source: TFLite ``reference_ops``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.activation import Activation
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.comparisons import FUNCTIONS as COMPARISONS
from mcuq.ops.elementwise import attributes, case, few_cases, few_loops, output_has_the_broadcast_shape
from mcuq.ops.floats import clamped, ends_of, named, real_tensors
from mcuq.ops.real_functions import power
from mcuq.ops.unary import same_shape

CLAMPED: dict[str, Callable[[Array, Array], Array]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.divide,
}
PLAIN: dict[str, Callable[[Array, Array], Array]] = {
    "MAXIMUM": lambda x, y: np.where(x > y, x, y),
    "MINIMUM": lambda x, y: np.where(x < y, x, y),
    "SQUARED_DIFFERENCE": lambda x, y: (x - y) * (x - y),
    "PRELU": lambda x, y: np.where(x >= 0, x, x * y),
}
POWER = "POW"
_BY_NAME: dict[str, Callable[[Array, Array], Array]] = {
    **{named(op): function for functions in (CLAMPED, PLAIN) for op, function in functions.items()},
    **{named(op): function for op, function in COMPARISONS.items()},
    named(POWER): power,
}


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x, y = inputs[0], inputs[1]
    assert x is not None and y is not None
    with np.errstate(all="ignore"):
        found = _BY_NAME[layer.op](x, y)
        if layer.op.split()[0] in CLAMPED:
            found = clamped(found, ends_of(layer.attributes.activation))
    return (np.asarray(found, layer.output.type.dtype.numpy).reshape(layer.output.shape),)


_FLOAT = Operand((), dtype=DType.FLOAT32)


def _activated(op: str) -> tuple[Case, ...]:
    if op not in CLAMPED:
        return ()
    activations = (Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)
    return tuple(
        case(a.name.lower(), (1, 4, 3, 5), (5,), dtype=DType.FLOAT32, activation=a) for a in activations
    )  # fmt: skip


def _cases(op: str) -> tuple[Case, ...]:
    output = Operand((), dtype=DType.BOOL if op in COMPARISONS else DType.FLOAT32)
    found = few_cases(_FLOAT, _FLOAT, output)
    made = (*(found if op == "ADD" else found[:4:3]), *_activated(op))
    return (
        tuple(dataclasses.replace(one, inputs=tuple(_away_from_zero(one.inputs))) for one in made)
        if op == "DIV"
        else made
    )


def _away_from_zero(inputs: Sequence[Operand | None]) -> Iterator[Operand | None]:
    """With a divisor that is at least 1: what bytes 0/0 gives is not defined."""
    dividend, divisor = inputs
    yield dividend
    yield None if divisor is None else dataclasses.replace(divisor, least=1)


def _operator(op: str) -> Operator:
    made = (DType.BOOL,) if op in COMPARISONS else (DType.FLOAT32,)
    types = (real_tensors(0, 1, outputs=made), output_has_the_broadcast_shape, few_loops)
    clamp = (rules.fused_activation_is_a_clamp,) if op in CLAMPED else ()
    slopes = (same_shape,) if op == "PRELU" else ()
    return Operator(named(op), attributes, (*types, *clamp, *slopes), reference, _cases(op), ulps=int(op == POWER))


OPERATORS = tuple(_operator(op) for op in (*CLAMPED, *PLAIN, *COMPARISONS, POWER))
