"""Element-wise operators of one tensor: rules and single-precision arithmetic that they share. No operator."""

from __future__ import annotations

import numpy as np

from mcuq.ir import DType, Layer, TensorType
from mcuq.ops.base import Array

MAX_SHIFT = 23
"""A difference of two int8 values is at most 255, so a greater left shift leaves int32."""
MAX_SHIFT_INT16 = 15
"""Of int16, to whose rescaled value a zero point may be added."""


def most_shift(layer: Layer) -> int:
    """The greatest left shift with which every input stays inside int32."""
    return MAX_SHIFT_INT16 if layer.input(0).type.dtype is DType.INT16 else MAX_SHIFT


def same_shape(layer: Layer) -> str | None:
    """the output has the input's shape"""
    found, expected = layer.output.shape, layer.input(0).shape
    return None if found == expected else f"the output is {found}, the input {expected}"


def dequantized(values: Array, type_: TensorType) -> Array:
    """``scale · (q - zero_point)`` in single precision."""
    difference = values.astype(np.int32) - type_.zero_point
    real: Array = np.float32(type_.scale) * difference.astype(np.float32)
    return real


def quantized_like_a_table(real: Array, type_: TensorType) -> Array:
    """float32 values in the output's quantization, in single precision as LiteRT fills its tables."""
    scaled = real * (np.float32(1) / np.float32(type_.scale))
    limits = np.iinfo(type_.dtype.value)
    rounded = round_half_away(np.clip(scaled, -1e6, 1e6)) + type_.zero_point
    quantized: Array = np.clip(rounded, limits.min, limits.max).astype(type_.dtype.numpy)
    return quantized


def round_half_away(real: Array) -> Array:
    """float32 values of at most 2**23 rounded to int64, halves away from zero (C's ``roundf``)."""
    whole = np.trunc(real)
    away = np.where(np.abs(real - whole) >= np.float32(0.5), np.copysign(np.float32(1), real), np.float32(0))
    rounded: Array = (whole + away).astype(np.int64)
    return rounded
