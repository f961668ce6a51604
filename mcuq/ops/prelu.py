"""PRELU: ``out = in`` where it is positive, else ``alpha · in``, int8, the slopes broadcast.

Integer: ``clamp(z_out + requantize(q - z_in, s_in / s_out))`` from the zero point up, below it
``clamp(z_out + requantize((q - z_in) · (q_alpha - z_alpha), s_in · s_alpha / s_out))``; two roundings, the factors in
single precision, as LiteRT computes them.
Source: TFLite ``reference_ops::BroadcastPrelu4DSlow`` and ``activations.cc`` (``PreluPrepare``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.elementwise import attributes, few_loops, output_has_the_broadcast_shape
from mcuq.ops.mul import MAX_SHIFT as MAX_PRODUCT_SHIFT
from mcuq.ops.unary import MAX_SHIFT, same_shape


def requantizations(layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Multiplier and shift for positive inputs, and for products of negative ones with slopes."""
    scale, alpha, output = (np.float32(tensor.type.scale) for tensor in (layer.input(0), layer.input(1), layer.output))
    with np.errstate(over="ignore", under="ignore"):
        positive, negative = float(scale / output), float(scale * alpha / output)
    return quantize_multiplier(positive), quantize_multiplier(negative)


def scaled_values_fit_int32(layer: Layer) -> str | None:
    """the input's scale is less than 2**23 times the output's, and times the slopes' less than 2**15 times"""
    (_, positive), (_, negative) = requantizations(layer)
    if positive > MAX_SHIFT or negative > MAX_PRODUCT_SHIFT:
        return f"values are scaled up by 2**{positive} and 2**{negative}, which overflows int32"
    return None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x, alpha = inputs[0], inputs[1]
    assert x is not None and alpha is not None
    difference = x.astype(np.int64) - layer.input(0).type.zero_point
    product = difference * (alpha.astype(np.int64) - layer.input(1).type.zero_point)
    positive, negative = requantizations(layer)
    scaled = np.where(difference >= 0, requantize_double(difference, *positive), requantize_double(product, *negative))
    return (np.clip(scaled + layer.output.type.zero_point, -128, 127).astype(np.int8),)


def _case(
    name: str,
    shape: tuple[int, ...],
    slopes: tuple[int, ...],
    *,
    scales: tuple[float, float, float] = (0.0513, 0.0027, 0.0611),
    zero_points: tuple[int, int, int] = (-7, 5, 3),
    constant: bool = True,
) -> Case:
    x, alpha, y = (Operand(shape, scale, zero) for scale, zero in zip(scales, zero_points, strict=True))
    alpha = dataclasses.replace(alpha, shape=slopes, data="random" if constant else None)
    return Case(name, (x, alpha), (y,))


CASES = (
    _case("channels", (1, 4, 3, 5), (1, 1, 5)),
    _case("a_slope_an_element", (1, 4, 3, 5), (4, 3, 5)),
    _case("one_slope", (1, 5, 3, 7), (1, 1, 1)),
    _case("rank_2", (2, 9), (9,)),
    _case("slopes_are_activations", (1, 4, 3, 5), (1, 4, 3, 5), constant=False),
    _case("same_quantization", (1, 4, 3, 5), (5,), scales=(0.05, 0.01, 0.05), zero_points=(-7, 0, -7)),
    _case("zero_points_at_the_ends", (1, 4, 3, 5), (4, 1, 1), zero_points=(127, -128, -128)),
    _case("finer_output", (1, 4, 3, 5), (5,), scales=(0.9, 0.01, 1e-4)),
)

OPERATORS = (
    Operator(
        "PRELU",
        attributes,
        (
            rules.quantized_activations((0, 1)),
            same_shape,
            output_has_the_broadcast_shape,
            few_loops,
            scaled_values_fit_int32,
        ),
        reference,
        CASES,
    ),
)
