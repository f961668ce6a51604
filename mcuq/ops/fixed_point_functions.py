"""LiteRT's fixed-point ``1 / n`` and ``1 / √n``, by Newton's method. No operator.

Source: TFLite ``GetReciprocal`` and ``GetInvSqrtQuantizedMultiplierExp`` (common.h), gemmlowp ``fixedpoint.h``.
"""

from __future__ import annotations

import functools

from mcuq.fixedpoint import doubling_high_multiply, rounding_divide_by_power_of_two

_LIMIT = 1 << 31
_HALF_SQRT_2 = 1518500250
"""√2 / 2 in Q0.31."""
_THREE_HALVES = (1 << 28) + (1 << 27)
"""In Q3.28."""


def _product(a: int, b: int) -> int:
    return int(doubling_high_multiply(a, b))


def _shifted_left(value: int, bits: int) -> int:
    return max(-_LIMIT, min(value << bits, _LIMIT - 1))


def reciprocal_of_normalised(value: int) -> int:
    """``2**31 / value`` in Q0.31 for a value of 2**31 .. 2**32 - 1."""
    half_denominator = value >> 1
    # Newton's method for 1/d in Q2.29, started at 48/17 - 32/17 d.
    x = 1515870810 + _product(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - _product(half_denominator, x)
        x += _product(x, error) * 4
    return min(x * 2, _LIMIT - 1)


@functools.lru_cache(maxsize=1 << 12)
def inverse_square_root(value: int) -> tuple[int, int]:
    """``m`` and ``s`` with ``1 / √value ≈ m · 2**(s - 31)``; 0 counts as 1."""
    if value <= 1:
        return _LIMIT - 1, 0
    shift = 11
    while value >= 1 << 29:
        value //= 4
        shift += 1
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    shift -= pairs
    value <<= 2 * pairs
    half = int(rounding_divide_by_power_of_two(value >> 1, 1))
    x = 1 << 28
    for _ in range(5):
        cube = _shifted_left(_product(_product(x, x), x), 6)
        x = _shifted_left(_product(_THREE_HALVES, x) - _product(half, cube), 3)
    x = _product(x, _HALF_SQRT_2)
    if shift < 0:
        x, shift = x << -shift, 0
    return x, -shift
