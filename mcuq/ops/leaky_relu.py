"""LEAKY_RELU: ``out = in`` where it is positive, else ``alpha · in``, int8 or int16.

Integer: ``clamp(z_out + requantize(q - z_in, m, s))`` with two roundings; the factor is ``s_in / s_out`` from the zero
point up, ``s_in · alpha / s_out`` below it, each in single precision, as LiteRT computes it.
Source: TFLite ``reference_ops::QuantizeLeakyRelu`` and ``activations.cc`` (``LeakyReluPrepare``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import most_shift, same_shape


@dataclass(frozen=True, slots=True)
class LeakyRelu:
    """Attributes of LEAKY_RELU: the slope below zero."""

    alpha: float


def attributes(options: Mapping[str, Any], _layer: Layer) -> LeakyRelu:
    return LeakyRelu(float(options.get("alpha", 0.0)))


def requantizations(layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Multiplier and shift for positive inputs, and for negative ones."""
    scale, alpha = np.float32(layer.input(0).type.scale), np.float32(layer.attributes.alpha)
    output = np.float32(layer.output.type.scale)
    with np.errstate(over="ignore", under="ignore"):
        positive, negative = float(scale / output), float(scale * alpha / output)
    return quantize_multiplier(positive), quantize_multiplier(negative)


def alpha_is_finite(layer: Layer) -> str | None:
    """alpha is a finite number"""
    alpha = layer.attributes.alpha
    return None if np.isfinite(alpha) else f"alpha is {alpha}"


def scaled_input_fits_int32(layer: Layer) -> str | None:
    """the input's scale, and alpha times it, are less than 2**23 times the output's, of int16 2**15 times"""
    shift = max(shift for _, shift in requantizations(layer))
    return None if shift <= most_shift(layer) else f"the input is scaled up by 2**{shift}, which overflows int32"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x = inputs[0]
    assert x is not None
    difference = x.astype(np.int64) - layer.input(0).type.zero_point
    positive, negative = (requantize_double(difference, *factor) for factor in requantizations(layer))
    scaled = np.where(difference >= 0, positive, negative)
    limits = np.iinfo(layer.output.type.dtype.value)
    return (np.clip(scaled + layer.output.type.zero_point, limits.min, limits.max).astype(limits.dtype),)


def _case(
    name: str,
    alpha: float,
    scales: tuple[float, float] = (0.05, 0.041),
    zero_points: tuple[int, int] = (-7, -100),
    shape: tuple[int, ...] = (256,),
    dtype: DType = DType.INT8,
) -> Case:
    operands = [Operand(shape, scale, zero, dtype) for scale, zero in zip(scales, zero_points, strict=True)]
    return Case(name, (operands[0],), (operands[1],), {"alpha": float(np.float32(alpha))})


CASES = (
    _case("usual", 0.3, shape=(1, 5, 3, 7)),
    _case("same_quantization", 0.1, (0.05, 0.05), (-7, -7)),
    _case("single_precision", 0.2, (0.0123456789, 0.0314159265), (1, 2)),
    _case("negative_alpha", -0.5, zero_points=(-128, 127)),
    _case("no_slope", 0.0, zero_points=(127, -128)),
    _case("steep", 3.7),
    _case("far_finer_output", 0.3, (1.0, 2e-7)),
    _case("vanishing_input", 0.3, (1e-12, 1.0)),
    _case("int16", 0.3, (2e-4, 1.7e-4), (0, 0), dtype=DType.INT16),
    _case("int16_negative_alpha", -0.7, (1.0, 4e-5), (0, 0), dtype=DType.INT16),
)

OPERATORS = (
    Operator(
        "LEAKY_RELU",
        attributes,
        (rules.int8_or_int16_activations, same_shape, alpha_is_finite, scaled_input_fits_int32),
        reference,
        CASES,
        of_a_byte=True,
    ),
)
