"""Real factors as integer multiplier and shift, and the two ways in which LiteRT rounds a requantization.

All functions take numpy integer arrays or Python integers and compute in 64 bits, so nothing here overflows for
32-bit accumulators. The bytes agree with LiteRT's reference kernels (``BUILTIN_REF``).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def quantize_multiplier(factor: float) -> tuple[int, int]:
    """The Q31 ``multiplier`` and the power-of-two ``shift`` with ``factor ≈ multiplier · 2**(shift - 31)``.

    A shift below -31 becomes the pair (0, 0) and a shift above 30 is clamped, as in LiteRT's ``QuantizeMultiplier``.
    """
    if factor == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(factor)
    # LiteRT rounds half away from zero; the mantissa is positive or negative, never halfway for |m| in [0.5, 1).
    multiplier = math.floor(abs(mantissa) * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        return (1 << 31) - 1, 30
    return (multiplier if mantissa > 0 else -multiplier), shift


def doubling_high_multiply(value: Any, multiplier: Any) -> IntArray:
    """``round(value · multiplier / 2**31)``, half away from zero if positive, saturating (gemmlowp's SRDHM)."""
    product = np.asarray(value, np.int64) * np.asarray(multiplier, np.int64)
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # C's division truncates towards zero.
    quotient: IntArray = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    saturated: IntArray = np.minimum(quotient, np.int64((1 << 31) - 1))
    return saturated


def rounding_divide_by_power_of_two(value: Any, exponent: Any) -> IntArray:
    """``round(value / 2**exponent)``, half away from zero (gemmlowp's RoundingDivideByPOT)."""
    value = np.asarray(value, np.int64)
    exponent = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    remainder = value & mask
    threshold = (mask >> 1) + (value < 0)
    result: IntArray = (value >> exponent) + (remainder > threshold)
    return result


def requantize_double(accumulator: Any, multiplier: Any, shift: Any) -> IntArray:
    """Multiply with two roundings: doubling high multiply, then rounding shift (LiteRT's convolutions)."""
    shift = np.asarray(shift, np.int64)
    left = np.maximum(shift, 0)
    right = np.maximum(-shift, 0)
    shifted = np.asarray(accumulator, np.int64) << left
    return rounding_divide_by_power_of_two(doubling_high_multiply(shifted, multiplier), right)


def requantize_wide(accumulator: Any, multiplier: Any, shift: Any) -> IntArray:
    """Multiply a sum of up to 48 bits by the multiplier's upper half, with one rounding, half up."""
    multiplier = np.asarray(multiplier, np.int64)
    upper = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    total_shift = 15 - np.asarray(shift, np.int64)
    result: IntArray = (
        np.asarray(accumulator, np.int64) * upper + (np.int64(1) << (total_shift - 1))
    ) >> total_shift  # fmt: skip
    return result


def requantize_single(accumulator: Any, multiplier: Any, shift: Any) -> IntArray:
    """Multiply with one rounding, half up (LiteRT's FULLY_CONNECTED)."""
    total_shift = 31 - np.asarray(shift, np.int64)
    product = np.asarray(accumulator, np.int64) * np.asarray(multiplier, np.int64)
    result: IntArray = (product + (np.int64(1) << (total_shift - 1))) >> total_shift
    return result
