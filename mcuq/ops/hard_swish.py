"""HARD_SWISH: ``out = in · clamp(in + 3, 0, 6) / 6``, int8.

Integer, all values int16, from ``x = (q - z_in) · 2**7``: ``y = SRDHM(x, m_out)``, the input on the output's scale
before its shift; ``r``, the input in 3/2**15, saturating, by a multiplier between left shifts that saturate or before a
rounding right shift; ``clamp(z_out + rshift((r + 2**15) / 2 · y / 2**15, e))``, the last product truncated towards
zero. Multipliers are those of float32 factors, rounded to 16 bits.
Source: TFLite ``reference_ops::HardSwish`` (hard_swish.h) and ``activations.cc`` (``HardSwishPrepare``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import same_shape

_LEAST, _GREATEST = -(1 << 15), (1 << 15) - 1


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def _short_multiplier(factor: np.float32) -> tuple[int, int]:
    """Multiplier of 16 bits and its exponent."""
    multiplier, exponent = quantize_multiplier(float(factor))
    return min((multiplier + (1 << 15)) >> 16, _GREATEST), exponent


def factors(layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Multiplier and exponent from the input in 128ths to the output's scale, and to 3/2**15."""
    fine_scale = np.float32(1 / 128) * np.float32(layer.input(0).type.scale)
    with np.errstate(over="ignore"):
        to_output = fine_scale / np.float32(layer.output.type.scale)
    return _short_multiplier(to_output), _short_multiplier(fine_scale / (np.float32(3) / np.float32(32768)))


def output_is_not_far_finer(layer: Layer) -> str | None:
    """the input's scale is less than 128 times the output's, where LiteRT stops"""
    (_, exponent), _ = factors(layer)
    return None if exponent <= 0 else f"the input's scale is 2**{exponent + 6} times the output's or more"


def _rounded_product(a: Array, b: int) -> Array:
    """``round(a · b / 2**15)``, halves away from zero if positive."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    quotient: Array = np.where(nudged >= 0, nudged >> 15, -((-nudged) >> 15))
    return np.minimum(quotient, _GREATEST)


def _saturated(values: Array) -> Array:
    clipped: Array = np.clip(values, _LEAST, _GREATEST)
    return clipped


def _shifted_right(values: Array, exponent: int) -> Array:
    """Rounding shift of int16 values; from 2**16 on, LiteRT's mask of 16 bits is all ones."""
    mask = (1 << exponent) - 1 if exponent < 16 else -1
    shifted: Array = (values >> exponent) + ((values & mask) > (mask >> 1) + (values < 0))
    return shifted


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    (output_multiplier, output_exponent), (relu_multiplier, relu_exponent) = factors(layer)
    fine = (inputs[0].astype(np.int64) - layer.input(0).type.zero_point) << 7
    before_shift = _rounded_product(fine, output_multiplier)
    gate = _saturated(fine << max(0, relu_exponent - 1))
    gate = _rounded_product(gate, relu_multiplier)
    if relu_exponent > 0:
        gate = _saturated(gate << 1)
    if relu_exponent < 0:
        gate = _shifted_right(gate, -relu_exponent)
    gate = (gate + (1 << 15)) >> 1
    product = gate * before_shift
    truncated = np.where(product >= 0, product >> 15, -((-product) >> 15))
    scaled = _shifted_right(truncated, -output_exponent) + layer.output.type.zero_point
    return (np.clip(scaled, -128, 127).astype(np.int8),)


def _case(
    name: str, scales: tuple[float, float], zero_points: tuple[int, int] = (-7, -120), shape: tuple[int, ...] = (256,)
) -> Case:
    operands = [Operand(shape, scale, zero) for scale, zero in zip(scales, zero_points, strict=True)]
    return Case(name, (operands[0],), (operands[1],))


CASES = (
    _case("usual", (0.05, 0.03), shape=(1, 5, 3, 7)),
    _case("mostly_saturating", (0.7, 0.35), (-128, -127)),
    _case("all_of_the_gate", (6 / 255, 0.0137), (0, 0)),
    _case("flat", (1e-4, 1e-4), (127, 127)),
    _case("coarse_output", (0.05, 3.0)),
    _case("finest_output", (0.5, 0.0041)),
    _case("vanishing_input", (1e-8, 0.01)),
    _case("far", (40.0, 20.0), (-128, 5)),
)

OPERATORS = (
    Operator(
        "HARD_SWISH",
        attributes,
        (rules.quantized_activations((0,)), same_shape, output_is_not_far_finer),
        reference,
        CASES,
        of_a_byte=True,
    ),
)
