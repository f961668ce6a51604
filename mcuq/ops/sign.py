"""ABS and NEG: ``out = |in|`` and ``out = -in``, int8.

ABS in integers: ``clamp(z_out + requantize(|q - z_in|, s_in / s_out))`` with two roundings, the factor in single
precision; without requantization where the scales are equal. NEG: LiteRT negates the byte, modulo 256, whatever the
quantizations are; only with equal scales and zero points of 0 is that the negative.
Source: TFLite ``elementwise.cc`` (``AbsEvalQuantized``), ``reference_ops::Negate``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import MAX_SHIFT, same_shape


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def requantization(layer: Layer) -> tuple[int, int] | None:
    """Multiplier and shift from the input's scale to the output's; None where they are equal."""
    scale, output = np.float32(layer.input(0).type.scale), np.float32(layer.output.type.scale)
    with np.errstate(over="ignore"):
        return None if scale == output else quantize_multiplier(float(scale / output))


def scaled_input_fits_int32(layer: Layer) -> str | None:
    """the input's scale is less than 2**23 times the output's"""
    _, shift = requantization(layer) or (0, 0)
    return None if shift <= MAX_SHIFT else f"the input is scaled up by 2**{shift}, which overflows int32"


def abs_reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    value = np.abs(inputs[0].astype(np.int64) - layer.input(0).type.zero_point)
    factor = requantization(layer)
    scaled = value if factor is None else requantize_double(value, *factor)
    return (np.clip(scaled + layer.output.type.zero_point, -128, 127).astype(np.int8),)


def neg_reference(_layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    return (np.negative(inputs[0].astype(np.int8)),)


def _case(
    name: str,
    scales: tuple[float, float],
    zero_points: tuple[int, int] = (-7, -20),
    shape: tuple[int, ...] = (256,),
) -> Case:
    operands = [Operand(shape, scale, zero) for scale, zero in zip(scales, zero_points, strict=True)]
    return Case(name, (operands[0],), (operands[1],))


CASES = (
    _case("usual", (0.05, 0.04), shape=(1, 5, 3, 7)),
    _case("same_scale", (0.05, 0.05), (3, -128)),
    _case("symmetric", (0.05, 0.05), (0, 0)),
    _case("single_precision", (0.0123456789, 0.0314159265), (-128, 127)),
    _case("finer_output", (0.4, 0.0002), (127, -128)),
)

OPERATORS = (
    Operator(
        "ABS",
        attributes,
        (rules.quantized_activations((0,)), same_shape, scaled_input_fits_int32),
        abs_reference,
        CASES,
        of_a_byte=True,
    ),
    Operator("NEG", attributes, (rules.quantized_activations((0,)), same_shape), neg_reference, CASES, of_a_byte=True),
)
