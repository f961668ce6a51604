"""SQUARED_DIFFERENCE: ``out = (in1 - in2)²`` with broadcasting, int8.

Integer: both inputs are brought to ``t``, twice the greater input scale, 7 bits up:
``x_i = requantize((q_i - z_i) << 7, s_i / t)``, then ``clamp(z_out + requantize((x_1 - x_2)², t² / (2**14 · s_out)))``.
Every factor is below one, ``t`` and the last factor in single precision, and every requantization rounds twice.
Source: TFLite ``squared_difference.cc``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.add import Scaling
from mcuq.ops.base import Array, Operand, Operator
from mcuq.ops.elementwise import attributes, case, few_cases, few_loops, output_has_the_broadcast_shape

LEFT_SHIFT = 7


def scaling(layer: Layer) -> Scaling:
    scale1, scale2 = layer.input(0).type.scale, layer.input(1).type.scale
    twice_greater = 2 * max(scale1, scale2)
    return Scaling(
        quantize_multiplier(scale1 / twice_greater),
        quantize_multiplier(scale2 / twice_greater),
        quantize_multiplier(
            twice_greater**2 / float(np.float32(1 << 2 * LEFT_SHIFT) * np.float32(layer.output.type.scale))
        ),
    )


def output_factor_below_one(layer: Layer) -> str | None:
    """the output's scale is more than four times the square of the greater input scale / 2**14, where LiteRT stops"""
    _, shift = scaling(layer).output
    return None if shift <= 0 else f"the output's scale {layer.output.type.scale:g} is too fine for the inputs' scales"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x1, x2 = inputs[0], inputs[1]
    assert x1 is not None and x2 is not None
    factors = scaling(layer)
    shifted1 = (x1.astype(np.int64) - layer.input(0).type.zero_point) << LEFT_SHIFT
    shifted2 = (x2.astype(np.int64) - layer.input(1).type.zero_point) << LEFT_SHIFT
    difference = requantize_double(shifted1, *factors.input1) - requantize_double(shifted2, *factors.input2)
    scaled = requantize_double(difference**2, *factors.output) + layer.output.type.zero_point
    return (np.clip(scaled, -128, 127).astype(np.int8).reshape(layer.output.shape),)


CASES = (
    *few_cases(Operand((), 0.0513, -7), Operand((), 0.0297, 5), Operand((), 0.21, -128)),
    case("equal_scales", (1, 8, 3, 7), scales=(0.05, 0.05, 0.3), activation=None),
    case("zero_points_at_the_ends", (1, 8, 3, 7), zero_points=(-128, 127, -128), activation=None),
    case("vanishing_input", (1, 8, 3, 7), scales=(1e-12, 0.04, 0.05), activation=None),
    case("fine_output", (1, 8, 3, 7), scales=(0.05, 0.03, 1e-5), activation=None),
)

OPERATORS = (
    Operator(
        "SQUARED_DIFFERENCE",
        attributes,
        (
            rules.quantized_activations((0, 1)),
            output_has_the_broadcast_shape,
            few_loops,
            output_factor_below_one,
        ),
        reference,
        CASES,
    ),
)
