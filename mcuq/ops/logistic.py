"""LOGISTIC: ``out = 1 / (1 + exp(-in))`` for int8; the output's scale is 1/256. Of int16: ``sigmoid_int16.py``.

Integer: for each of the 256 inputs, in single precision: ``x = s_in · (q - z_in)``, ``y = 1 / (1 + exp(-x))``,
``clamp(round(256 · y) + z_out)``, halves away from zero.
Source: TFLite ``activations.cc`` (``SigmoidPrepare``) and ``LUTPopulateInt8``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.ir import Layer
from mcuq.ops import rules, sigmoid_int16
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import dequantized, quantized_like_a_table, same_shape


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def output_scale_is_one_256th(layer: Layer) -> str | None:
    """the output's scale is exactly 1/256, where it is int8"""
    if rules.is_wide(layer):
        return None
    found = layer.output.type.scale
    return None if found == 1 / 256 else f"the output's scale is {found:g}, 1/256 is needed"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    if rules.is_wide(layer):
        return (sigmoid_int16.reference(layer, inputs[0]),)
    x = dequantized(inputs[0], layer.input(0).type)
    # The C library's expf is within a hair of correct rounding, which double precision gives on every machine.
    with np.errstate(over="ignore"):
        exponential = np.exp(-x.astype(np.float64)).astype(np.float32)
    one = np.float32(1)
    return (quantized_like_a_table(one / (one + exponential), layer.output.type),)


def _case(name: str, scale: float, zero_points: tuple[int, int] = (-7, -128), shape: tuple[int, ...] = (2000,)) -> Case:
    return Case(name, (Operand(shape, scale, zero_points[0]),), (Operand(shape, 1 / 256, zero_points[1]),))


CASES = (
    _case("usual", 0.05),
    _case("usual_4_axes", 0.0473, (12, -128), (1, 5, 6, 7)),
    _case("saturating", 0.7, (3, -128)),
    _case("saturating_far", 5.0, (0, -128)),
    _case("flat", 1e-4, (0, -128)),
    _case("zero_points_at_the_ends", 0.04, (-128, -128)),
    _case("zero_points_at_the_other_ends", 0.04, (127, 127)),
    _case("another_output_zero_point", 0.04, (0, -100)),
    _case("one_element", 0.1, (0, -128), (1,)),
)

OPERATORS = (
    Operator(
        "LOGISTIC",
        attributes,
        (*sigmoid_int16.RULES, same_shape, output_scale_is_one_256th),
        reference,
        (*CASES, *sigmoid_int16.CASES),
        of_a_byte=True,
    ),
)
