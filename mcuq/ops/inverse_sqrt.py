"""LiteRT's fixed-point ``1 / √n`` of an integer, by Newton's method. No operator.

Source: TFLite ``GetInvSqrtQuantizedMultiplierExp`` (common.h) in gemmlowp's fixed point, Q3.28.
"""

from __future__ import annotations

import functools

from mcuq.fixedpoint import doubling_high_multiply, rounding_divide_by_power_of_two

_LIMIT = 1 << 31
_HALF_SQRT_2 = 1518500250
"""√2 / 2 in Q0.31."""
_THREE_HALVES = (1 << 28) + (1 << 27)


def _product(a: int, b: int) -> int:
    return int(doubling_high_multiply(a, b))


def _shifted_left(value: int, bits: int) -> int:
    return max(-_LIMIT, min(value << bits, _LIMIT - 1))


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
