"""MUL: ``out = act(in1 · in2)`` with broadcasting.

Integer: ``clamp(z_out + requantize((q_1 - z_1) · (q_2 - z_2), m, s))`` with two roundings; the factor is
``s_1 · s_2 / s_out`` in single precision, as LiteRT computes it.
Source: TFLite ``reference_integer_ops::MulElementwise`` and ``mul.cc``.
"""

from __future__ import annotations

from collections.abc import Sequence

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

MAX_SHIFT = 15
"""A product of two int8 differences is below 2**16, so a greater left shift leaves int32."""


def product_requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift of the product."""
    scale1, scale2 = np.float32(layer.input(0).type.scale), np.float32(layer.input(1).type.scale)
    with np.errstate(over="ignore"):
        factor = scale1 * scale2 / np.float32(layer.output.type.scale)
    return quantize_multiplier(float(factor))


def scaled_product_fits_int32(layer: Layer) -> str | None:
    """the product's scale is less than 2**15 times the output's, of int16 tensors less than the output's"""
    _, shift = product_requantization(layer)
    most = 0 if rules.is_wide(layer) else MAX_SHIFT
    return None if shift <= most else f"the product is scaled up by 2**{shift}, which overflows int32"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x1, x2 = inputs[0], inputs[1]
    assert x1 is not None and x2 is not None
    offset1 = x1.astype(np.int64) - layer.input(0).type.zero_point
    offset2 = x2.astype(np.int64) - layer.input(1).type.zero_point
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    scaled = requantize_double(offset1 * offset2, *product_requantization(layer))
    clamped = np.clip(scaled + layer.output.type.zero_point, low, high).astype(layer.output.type.dtype.numpy)
    return (clamped.reshape(layer.output.shape),)


CASES = (
    *BROADCAST_CASES,
    case("halves_round", (1, 16, 4, 7), scales=(0.5, 0.5, 0.5), zero_points=(0, 0, 0)),
    case("factor_above_one", (1, 8, 3, 7), scales=(1.0, 1.0, 0.3)),
    case("greatest_factor", (1, 8, 3, 7), scales=(100.0, 3.0, 0.01)),
    case("small_factor", (1, 8, 3, 7), scales=(0.01, 0.01, 0.5)),
    case("vanishing_factor", (1, 8, 3, 7), scales=(1e-5, 1e-5, 1.0)),
    case("factor_rounded_in_single_precision", (1, 16, 8, 16), scales=(0.0123456789, 0.0314159265, 0.0271828)),
    *WIDE_CASES,
)

OPERATORS = (
    Operator(
        "MUL",
        attributes,
        (
            both_int8_or_int16,
            output_has_the_broadcast_shape,
            few_loops,
            rules.fused_activation_is_a_clamp,
            rules.clamp_fits_int32,
            scaled_product_fits_int32,
        ),
        reference,
        CASES,
    ),
)
