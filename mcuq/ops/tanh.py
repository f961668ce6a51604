"""TANH: ``out = tanh(in)`` for int8. Of int16: ``sigmoid_int16.py``.

Integer: for each of the 256 inputs, in single precision: ``x = s_in · (q - z_in)``,
``clamp(round(tanh(x) / s_out) + z_out)``, halves away from zero.
Source: TFLite ``activations.cc`` (``TanhPrepare``) and ``LUTPopulateInt8``.
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


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    if rules.is_wide(layer):
        return (sigmoid_int16.reference(layer, inputs[0]),)
    x = dequantized(inputs[0], layer.input(0).type)
    # C libraries differ in the last bit of tanhf; correctly rounded, as here, is what the newer ones give.
    return (quantized_like_a_table(np.tanh(x.astype(np.float64)).astype(np.float32), layer.output.type),)


def _case(
    name: str,
    scale: float,
    zero_points: tuple[int, int] = (-7, 0),
    output_scale: float = 1 / 128,
    shape: tuple[int, ...] = (2000,),
) -> Case:
    return Case(name, (Operand(shape, scale, zero_points[0]),), (Operand(shape, output_scale, zero_points[1]),))


CASES = (
    _case("usual", 0.03),
    _case("usual_4_axes", 0.0217, (12, 0), shape=(1, 5, 6, 7)),
    _case("saturating", 0.7),
    _case("flat", 1e-4, (0, 0)),
    _case("zero_points_at_the_ends", 0.02, (-128, 127)),
    _case("zero_points_at_the_other_ends", 0.02, (127, -128)),
    _case("another_output_scale", 0.02, (0, 5), 0.0091),
    _case("fine_output", 0.02, (0, 5), 1e-5),
    _case("one_element", 0.1, (0, 0), shape=(1,)),
)

OPERATORS = (
    Operator(
        "TANH",
        attributes,
        (*sigmoid_int16.RULES, same_shape),
        reference,
        (*CASES, *sigmoid_int16.CASES),
        of_a_byte=True,
    ),
)
