"""LiteRT's fixed-point ``1 / n`` and ``1 / √n``, by Newton's method, and its logarithm, by a quotient. No operator.

Source: TFLite ``GetReciprocal``, ``GetInvSqrtQuantizedMultiplierExp`` and ``log_x_for_x_greater_than_or_equal_to_1``
(common.h), gemmlowp ``fixedpoint.h``.
"""

from __future__ import annotations

import functools

from mcuq.fixedpoint import doubling_high_multiply, rounding_divide_by_power_of_two

_LIMIT = 1 << 31
_SQRT_HALF, _FOURTH_ROOT_HALF, _LOG_2 = 1518500250, 1805811301, 1488522236
"""√½, ⁴√½ and log 2 in Q0.31."""
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
    x = _product(x, _SQRT_HALF)
    if shift < 0:
        x, shift = x << -shift, 0
    return x, -shift


_ALPHA_N, _ALPHA_D, _ALPHA_I, _ALPHA_F = 117049297, 127690142, 1057819769, 638450708
"""Coefficients of the quotient that approximates the logarithm about ⁴√½, in Q0.31."""
_SUM_BITS = 12
_QUARTER = 1 << 23
"""In Q6.25."""


def _rounded_shift(value: int, bits: int) -> int:
    return int(rounding_divide_by_power_of_two(value, bits))


def logarithm(value: int) -> int:
    """log of a Q12.19 value of at least 1, in Q5.26.

    The value is brought to ``r`` in √½ .. √2 or so times a power of two, either with its leading bit or with that of
    the value times √½, whichever makes r less.
    """
    zeros = 32 - value.bit_length()
    r_a = _shifted_left(_product(_shifted_left(value, zeros - 1), _SQRT_HALF), 1)
    power_a = _shifted_left(_SUM_BITS - zeros, 25) + _QUARTER
    headroom = 31 - _product(value, _SQRT_HALF).bit_length()
    r_b = _shifted_left(value, headroom)
    power_b = _shifted_left(_SUM_BITS - headroom, 25) - _QUARTER
    r, power = min(r_a, r_b), max(power_a, power_b)
    p = (r + _FOURTH_ROOT_HALF + 1) >> 1
    q = 2 * (r - _FOURTH_ROOT_HALF)
    square = _product(q, q)
    numerator = _product(q, r) + _product(_product(q, square), _ALPHA_N)
    denominator = _product(p, _ALPHA_I + q + _product(_ALPHA_D, square)) + _product(_ALPHA_F, q)
    quotient = _product(_rounded_shift(numerator, 6), reciprocal_of_normalised(_LIMIT + denominator))
    return _shifted_left(_product(power, _LOG_2) + quotient, 1)
