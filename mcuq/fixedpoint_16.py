"""Logistic function and hyperbolic tangent of 16-bit fixed-point numbers, as LiteRT's integer LSTM computes them.

The argument has some integer bits and 15 less fractional ones, the result none and 15. Tables of all 65,536 arguments:
polynomial for the last quarter below zero, constants for whole powers, three steps of Newton's division.
Source: gemmlowp ``fixedpoint.h``.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.int64]
ONE = 32767
"""The number one, where there are no integer bits."""
EXP_MINUS_EIGHTH = 28918
THIRD = 10923
EXP_OF_POWERS = (25520, 19875, 12055, 4435, 600, 11, 0)
"""exp(-2^n) from n = -2 on, with no integer bits."""
FORTY_EIGHT_17THS = 23130
MINUS_THIRTY_TWO_17THS = -15420
"""With two integer bits."""


def _wrap(value: Words) -> Words:
    return ((value + 32768) & 0xFFFF) - 32768


def _saturate(value: Words) -> Words:
    clipped: Words = np.clip(value, -32768, 32767)
    return clipped


def high_multiply(first: Words | int, second: Words | int) -> Words:
    """round(first · second / 2^15), half up, saturating."""
    return _saturate((np.asarray(first, np.int64) * second + (1 << 14)) >> 15)


def _shift_right(value: Words, exponent: int) -> Words:
    """Half away from zero."""
    mask = (1 << exponent) - 1
    return (value >> exponent) + ((value & mask) > (mask >> 1) + (value < 0))


def exp_of_negative(a: Words, integer_bits: int) -> Words:
    """exp(a) for ``a`` <= 0."""
    fraction = 15 - integer_bits
    quarter = 1 << (fraction - 2)
    last = (a & (quarter - 1)) - quarter  # a modulo a quarter, less a quarter
    x = _wrap(_saturate(last << integer_bits) + (1 << 12))
    x2 = high_multiply(x, x)
    x3, x4 = high_multiply(x2, x), high_multiply(x2, x2)
    rest = _shift_right(_wrap(high_multiply(_wrap(_shift_right(x4, 2) + x3), THIRD) + x2), 1)
    result = _saturate(EXP_MINUS_EIGHTH + high_multiply(EXP_MINUS_EIGHTH, _wrap(x + rest)))
    remainder = _wrap(last - a)
    for power, factor in enumerate(EXP_OF_POWERS, -2):
        if integer_bits > power:
            result = np.where(remainder & (1 << (fraction + power)), high_multiply(result, factor), result)
    return np.where(a == 0, ONE, result)


def _reciprocal(a: Words) -> Words:
    """1 / ((1 + a) / 2) for ``a`` in 0 .. 1, with two integer bits."""
    total = a + ONE
    half = np.where(total >= 0, total + 1, total - 1) // 2
    x = _wrap(FORTY_EIGHT_17THS + high_multiply(half, MINUS_THIRTY_TWO_17THS))
    for _ in range(3):
        error = _wrap((1 << 13) - high_multiply(half, x))
        x = _wrap(x + _saturate(high_multiply(x, error) << 2))
    return x


def tanh(a: Words, integer_bits: int) -> Words:
    exponent = exp_of_negative(np.where(a < 0, a, _wrap(-a)), integer_bits + 1)
    size = _saturate(_wrap(_reciprocal(exponent) - (1 << 13)) << 2)
    return np.where(a == 0, 0, np.where(a < 0, _wrap(-size), size))


def logistic(a: Words, integer_bits: int) -> Words:
    exponent = exp_of_negative(np.where(a > 0, _wrap(-a), a), integer_bits)
    positive = _saturate(_reciprocal(exponent) << 1)
    return np.where(a == 0, 1 << 14, np.where(a > 0, positive, _wrap(ONE - positive)))


@functools.cache
def tanh_table(integer_bits: int) -> Words:
    """By ``argument + 32768``."""
    return tanh(np.arange(-32768, 32768), integer_bits)


@functools.cache
def logistic_table() -> Words:
    """By ``argument + 32768``; the argument has three integer bits."""
    return logistic(np.arange(-32768, 32768), 3)
