"""SQRT and RSQRT: ``out = √in`` and ``out = 1 / √in``, int8.

SQRT for each of the 256 inputs, in single precision: ``clamp(trunc(√(s_in · (q - z_in)) / s_out) + z_out)``: LiteRT
truncates. RSQRT in integers: ``r = requantize(1, 2**20 / √(q - z_in))``, the root by Newton's method, then
``clamp(z_out + requantize(r, 1 / (√s_in · s_out) / 2**20))`` with two roundings; where ``q = z_in`` it is 127.
Below the zero point neither is defined, and LiteRT stops; here such an input counts as the zero point.
Source: TFLite ``elementwise.cc`` (``SqrtEvalQuantized``, ``RsqrtEvalQuantizedInt8``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.fixed_point_functions import inverse_square_root
from mcuq.ops.unary import same_shape

_SHIFT = 20


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def _positive(layer: Layer, x: Array | None) -> Array:
    """The differences from the zero point, none of them negative."""
    assert x is not None
    difference: Array = np.maximum(x.astype(np.int64) - layer.input(0).type.zero_point, 0)
    return difference


def root_fits_int32(layer: Layer) -> str | None:
    """the greatest root is less than 2**31 steps of the output"""
    steps = float(np.sqrt(255 * layer.input(0).type.scale) / layer.output.type.scale)
    return None if steps < 2**31 - 256 else f"the root reaches {steps:.3g} steps of the output"


def sqrt_reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    real = np.float32(layer.input(0).type.scale) * _positive(layer, inputs[0]).astype(np.float32)
    steps = np.sqrt(real) / np.float32(layer.output.type.scale)
    return (np.clip(steps.astype(np.int64) + layer.output.type.zero_point, -128, 127).astype(np.int8),)


def requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift from ``2**20 / √(q - z)`` to the output's scale."""
    root = np.sqrt(np.float32(layer.input(0).type.scale))
    multiplier, shift = quantize_multiplier(float(1 / np.float64(root * np.float32(layer.output.type.scale))))
    return multiplier, shift - _SHIFT


def shift_is_possible(layer: Layer) -> str | None:
    """the factor 1 / (√s_in · s_out) is from 2**-12 to 2**29, so that every shift stays within int32"""
    multiplier, shift = requantization(layer)
    if -31 <= shift <= 29 - _SHIFT and multiplier:
        return None
    return f"the factor to the output's scale has the exponent {shift + _SHIFT}"


def rsqrt_reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    difference = _positive(layer, inputs[0])
    factors = [inverse_square_root(value) for value in range(256)]
    roots = [int(requantize_double(1, multiplier, shift + _SHIFT)) for multiplier, shift in factors]
    scaled = requantize_double(np.array(roots)[difference], *requantization(layer)) + layer.output.type.zero_point
    return (np.where(difference == 0, 127, np.clip(scaled, -128, 127)).astype(np.int8),)


def _case(
    name: str,
    scales: tuple[float, float],
    zero_points: tuple[int, int] = (-128, -128),
    shape: tuple[int, ...] = (256,),
) -> Case:
    x = Operand(shape, scales[0], zero_points[0], least=zero_points[0])
    return Case(name, (x,), (Operand(shape, scales[1], zero_points[1]),))


CASES = (
    _case("usual", (0.05, 0.02), shape=(1, 5, 3, 7)),
    _case("some_zero_points", (0.031, 0.01), (-100, 7)),
    _case("fine_input", (1e-4, 0.05)),
    _case("coarse_input", (3.0, 0.003), (-128, 127)),
    _case("fine_output", (0.5, 1e-4), (0, -50)),
    _case("zero_point_at_the_end", (0.05, 0.02), (127, 3)),
)

OPERATORS = (
    Operator(
        "SQRT",
        attributes,
        (rules.quantized_activations((0,)), same_shape, root_fits_int32),
        sqrt_reference,
        CASES,
        of_a_byte=True,
    ),
    Operator(
        "RSQRT",
        attributes,
        (rules.quantized_activations((0,)), same_shape, shift_is_possible),
        rsqrt_reference,
        CASES,
        of_a_byte=True,
    ),
)
