"""FLOOR_DIV and FLOOR_MOD: the quotient rounded down, and its remainder, of bytes, int8, with broadcasting.

Integer: ``⌊q_1 / q_2⌋`` modulo 256, and ``q_1 - q_2 · ⌊q_1 / q_2⌋``: LiteRT divides the bytes, whatever the
quantizations are. It stops where a divisor is 0; here such a divisor counts as 1.
Source: TFLite ``floor_div.cc``, ``floor_mod.cc``, ``reference_ops::FloorDiv`` and ``FloorMod``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.elementwise import attributes, broadcast_shape, few_loops, output_has_the_broadcast_shape

_FUNCTIONS = {"FLOOR_DIV": np.floor_divide, "FLOOR_MOD": np.mod}


def divisor_is_not_zero(layer: Layer) -> str | None:
    """no constant divisor is 0"""
    divisor = layer.input(1).data
    return "a divisor is 0" if divisor is not None and not divisor.all() else None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None and inputs[1] is not None
    x, d = inputs[0].astype(np.int64), inputs[1].astype(np.int64)
    found: Array = _FUNCTIONS[layer.op](x, np.where(d == 0, 1, d))
    return (found.astype(np.int8).reshape(layer.output.shape),)


def _case(name: str, shape1: tuple[int, ...], shape2: tuple[int, ...], constant: tuple[int, ...] | None = None) -> Case:
    inputs = (Operand(shape1, 0.05, -7), Operand(shape2, 0.05, 3, data=constant, least=1))
    return Case(name, inputs, (Operand(broadcast_shape(shape1, shape2), 0.05, 3),))


CASES = (
    _case("same_shape", (1, 8, 3, 7), (1, 8, 3, 7)),
    _case("constant_divisors", (60, 7), (7,), (-128, -7, -1, 1, 3, 10, 127)),
    _case("four_loops", (2, 1, 3, 1), (1, 4, 3, 5)),
)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (rules.quantized_activations((0, 1)), output_has_the_broadcast_shape, few_loops, divisor_is_not_zero),
        reference,
        CASES,
    )
    for name in _FUNCTIONS
)
