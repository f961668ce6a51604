"""ADD: ``out = act(in1 + in2)`` with broadcasting.

Integer: both inputs are brought to ``t``, twice the greater input scale, 20 bits up:
``x_i = requantize((q_i - z_i) << 20, s_i / t)``, then ``clamp(z_out + requantize(x_1 + x_2, t / (2**20 · s_out)))``.
With int16 inputs 15 bits up. Every factor is below one and every requantization rounds twice.
Source: TFLite ``reference_integer_ops::AddFunc`` and ``add.cc``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array, Operator
from mcuq.ops.elementwise import (
    BROADCAST_CASES,
    WIDE_CASES,
    attributes,
    both_int8_or_int16,
    case,
    few_loops,
    output_has_the_broadcast_shape,
)

LEFT_SHIFT, LEFT_SHIFT_INT16 = 20, 15


@dataclass(frozen=True, slots=True)
class Scaling:
    """Multiplier and shift of the two inputs and of the sum."""

    input1: tuple[int, int]
    input2: tuple[int, int]
    output: tuple[int, int]


def left_shift(layer: Layer) -> int:
    """Bits by which inputs are brought up."""
    return LEFT_SHIFT_INT16 if rules.is_wide(layer) else LEFT_SHIFT


def int16_scales_are_general(layer: Layer) -> str | None:
    """scales of int16 tensors are not all powers of two: LiteRT then only shifts"""
    tensors = (layer.input(0), layer.input(1), layer.output)
    powers = all(math.frexp(tensor.type.scale)[0] == 0.5 for tensor in tensors)
    return "all scales of int16 tensors are powers of two" if rules.is_wide(layer) and powers else None


def scaling(layer: Layer) -> Scaling:
    scale1, scale2 = layer.input(0).type.scale, layer.input(1).type.scale
    twice_greater = 2 * max(scale1, scale2)
    return Scaling(
        quantize_multiplier(scale1 / twice_greater),
        quantize_multiplier(scale2 / twice_greater),
        quantize_multiplier(twice_greater / ((1 << left_shift(layer)) * layer.output.type.scale)),
    )


def output_factor_below_one(layer: Layer) -> str | None:
    """the output's scale is not finer than about a 500,000th of the greater input scale, where LiteRT stops"""
    _, shift = scaling(layer).output
    return None if shift <= 0 else f"the output's scale {layer.output.type.scale:g} is too fine for the inputs' scales"


def scaled_inputs(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, Array]:
    """Both inputs on the common scale (int64)."""
    x1, x2 = inputs[0], inputs[1]
    assert x1 is not None and x2 is not None
    factors = scaling(layer)
    shifted1 = (x1.astype(np.int64) - layer.input(0).type.zero_point) << left_shift(layer)
    shifted2 = (x2.astype(np.int64) - layer.input(1).type.zero_point) << left_shift(layer)
    return requantize_double(shifted1, *factors.input1), requantize_double(shifted2, *factors.input2)


def requantized_output(layer: Layer, total: Array) -> Array:
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    scaled = requantize_double(total, *scaling(layer).output)
    clamped: Array = np.clip(scaled + layer.output.type.zero_point, low, high).astype(layer.output.type.dtype.numpy)
    return clamped.reshape(layer.output.shape)


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x1, x2 = scaled_inputs(layer, inputs)
    return (requantized_output(layer, x1 + x2),)


CONSTRAINTS = (
    both_int8_or_int16,
    int16_scales_are_general,
    output_has_the_broadcast_shape,
    few_loops,
    rules.fused_activation_is_a_clamp,
    rules.clamp_fits_int32,
    output_factor_below_one,
)

CASES = (
    *BROADCAST_CASES,
    case("equal_scales", (1, 8, 3, 7), scales=(0.05, 0.05, 0.05)),
    case("halves_round", (1, 16, 4, 7), scales=(0.5, 0.5, 1.0), zero_points=(0, 0, 0)),
    case("very_different_scales", (1, 8, 3, 7), scales=(0.5, 1e-4, 0.6)),
    case("vanishing_input", (1, 8, 3, 7), scales=(1e-12, 0.04, 0.05)),
    case("fine_output", (1, 8, 3, 7), scales=(0.05, 0.03, 1e-6)),
    case("coarse_output", (1, 8, 3, 7), scales=(0.05, 0.03, 100.0)),
    case("vanishing_output", (1, 8, 3, 7), scales=(1e-8, 1e-8, 100.0)),
    case("eight_elements", (1, 8), scales=(0.02, 0.05, 0.06)),
    *WIDE_CASES,
)

OPERATORS = (Operator("ADD", attributes, CONSTRAINTS, reference, CASES),)
