"""Functions of real numbers in double precision, operation by operation as ``firmware/kernels/mcuq_real.h`` has them.

A C library's functions differ from one to the next in the last place. These give the same bits wherever they run, and
rounded to single precision are the nearest float but for about one in a thousand. No operator.
"""

from __future__ import annotations

import math

import numpy as np

from mcuq.ops.base import Array

EIGHTH = math.log(2) / 8
POWERS = tuple(2.0 ** (i / 8) for i in range(8))
LEAST, MOST = -110.0, 90.0
"""Arguments of exp beyond which a float is 0 or infinite."""
_LOG_TERMS = (1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3)
_EXP_TERMS = (1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0)

_SIN_TERMS = tuple((-1) ** n / math.factorial(2 * n + 1) for n in range(6, 0, -1))
_COS_TERMS = tuple((-1) ** n / math.factorial(2 * n) for n in range(7, 0, -1))
_TWO_OVER_PI = (0x517CC1B7, 0x27220A94, 0xFE13ABE8, 0xFA9A6EE0, 0x6DB14ACC, 0x9E21C820, 0xFF28B1D5)
"""Its binary digits, the first that of 1."""
_QUARTER = (1.5707963267341256, 6.077100506506192e-11)
"""Half of pi as 32 binary digits behind the point, and the rest."""
_FAR = 1048576.0
_ERFC_TERMS = (
    1.474566159990204e-06, 2.665629412800452e-06, -1.3670691446457942e-05, -9.986588683211585e-06,
    7.478451982873815e-05, -2.2132615461416966e-05, -0.00033293655038163527, 0.0004205317674620203,
    0.001545738843077523, -0.003239963287169517, -0.010755397576956803, 0.01822114789555631,
    0.13973605020909569, 0.3435803414076526, 0.51079135258281,
)  # fmt: skip
"""``exp(x²) · erfc(x) / t`` by powers of ``2t - 1``, ``t = 2 / (2 + x)``: fitted, off by less than 2**-31."""


def _polynomial(terms: tuple[float, ...], x: Array) -> Array:
    found = np.full_like(x, terms[0])
    for term in terms[1:]:
        found = found * x + term
    return found


def _reduced(x: Array) -> tuple[Array, Array]:
    """``x = k · log(2)/8 + r``: k, and exp(r) - 1."""
    steps = x / EIGHTH
    k = np.trunc(steps + np.where(steps < 0, -0.5, 0.5))
    r = x - k * EIGHTH
    return k.astype(np.int64), _polynomial(_EXP_TERMS, r) * r


def _scaled(k: Array, minus_one: Array) -> Array:
    table = np.array(POWERS)[k & 7]
    found: Array = np.ldexp(table + table * minus_one, (k >> 3).astype(np.int32))
    return found


def _within(x: Array) -> Array:
    wide = np.asarray(x, np.float64)
    return np.where(np.isnan(wide), 0.0, np.clip(wide, LEAST, MOST))


def exp(x: Array) -> Array:
    """e to the power of x."""
    return np.where(np.isnan(x), np.asarray(x, np.float64), _scaled(*_reduced(_within(x))))


def expm1(x: Array) -> Array:
    """e to the power of x, minus 1, exact also near 0."""
    k, minus_one = _reduced(_within(x))
    return np.where(np.isnan(x), np.asarray(x, np.float64), np.where(k == 0, minus_one, _scaled(k, minus_one) - 1.0))


def log(x: Array) -> Array:
    """The natural logarithm."""
    wide = np.asarray(x, np.float64)
    usual = np.isfinite(wide) & (wide > 0)
    m, k = np.frexp(np.where(usual, wide, 1.0))
    low = m < math.sqrt(0.5)
    m, k = np.where(low, m * 2.0, m), np.where(low, k - 1, k).astype(np.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    found = k * math.log(2) + 2.0 * (s + s * z * _polynomial(_LOG_TERMS, z))
    special = np.where(wide == 0, -np.inf, np.where(wide < 0, np.nan, wide))
    return np.where(usual, found, special)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    m = expm1(np.clip(2.0 * np.asarray(x, np.float64), -40.0, 40.0))
    return m / (m + 2.0)


def _quadrant(x: Array) -> tuple[Array, Array]:
    """Of finite ``x``: the nearest multiple of half of pi (its number modulo 4), and what is left."""
    steps = x * (2 / math.pi)
    k = np.trunc(np.where(np.abs(x) < _FAR, steps, 0.0) + np.where(steps < 0, -0.5, 0.5))
    near = (x - k * _QUARTER[0]) - k * _QUARTER[1]
    far_k, far = _far_quadrant(np.abs(x))
    negative = x < 0
    is_far = np.abs(x) >= _FAR
    number = np.where(is_far, np.where(negative, -far_k, far_k), k.astype(np.int64)) & 3
    return number, np.where(is_far, np.where(negative, -far, far), near)


def _far_quadrant(x: Array) -> tuple[Array, Array]:
    """The same of what is at least ``_FAR``, by all the digits of 2/pi that count modulo 4."""
    mantissa, exponent = np.frexp(np.maximum(x, _FAR))
    numbers = (mantissa * (1 << 24)).astype(np.uint64).reshape(-1).tolist()
    exponents = (exponent.astype(np.int64) - 25).reshape(-1).tolist()
    whole = int("".join(f"{word:032b}" for word in _TWO_OVER_PI), 2)
    quadrants, rests = [], []
    for number, first in zip(numbers, exponents, strict=True):  # the digits before ``first`` give multiples of 4
        digits = (whole >> (224 - 96 - first)) & ((1 << 96) - 1)
        product = (number * (digits >> 32) + ((number * (digits & 0xFFFFFFFF)) >> 32)) % (1 << 64)
        quadrant = ((product + (1 << 61)) % (1 << 64)) >> 62
        rest = (product - (quadrant << 62)) % (1 << 64)
        rests.append(float(rest - (1 << 64) if rest >> 63 else rest) * (math.pi / 2 * 2.0**-62))
        quadrants.append(quadrant)
    return np.array(quadrants, np.int64).reshape(x.shape), np.array(rests).reshape(x.shape)


def _wave(x: Array, ahead: int) -> Array:
    wide = np.asarray(x, np.float64)
    finite = np.isfinite(wide)
    quadrant, r = _quadrant(np.where(finite, wide, 0.0))
    quadrant = (quadrant + ahead) & 3
    z = r * r
    sine = r + r * z * _polynomial(_SIN_TERMS, z)
    cosine = 1.0 + z * _polynomial(_COS_TERMS, z)
    found = np.where(quadrant & 1, cosine, sine)
    return np.where(finite, np.where(quadrant & 2, -found, found), np.nan)


def sin(x: Array) -> Array:
    """The sine, of any float."""
    return _wave(x, 0)


def cos(x: Array) -> Array:
    """The cosine, of any float."""
    return _wave(x, 1)


def erfc(x: Array) -> Array:
    """The complementary error function."""
    wide = np.asarray(x, np.float64)
    positive = np.abs(wide)
    t = 2.0 / (2.0 + positive)
    found = exp(-(positive * positive)) * (t * _polynomial(_ERFC_TERMS, 2.0 * t - 1.0))
    return np.where(np.isnan(wide), wide, np.where(wide < 0, 2.0 - found, found))


def power(x: Array, y: Array) -> Array:
    """x to the power of y, where floats give one."""
    base, exponent = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    whole = np.trunc(exponent) == exponent
    odd = whole & (np.abs(exponent) < 2.0**24) & (np.mod(np.abs(exponent), 2.0) == 1.0)
    size = np.abs(base)
    logarithm = log(size)
    found = np.where(size == 1.0, 1.0, exp(exponent * logarithm))
    negative = np.signbit(base)
    signed = np.where(negative & odd, -found, found)
    signed = np.where((base < 0) & ~whole & np.isfinite(base), np.nan, signed)
    return np.where((exponent == 0) | (base == 1.0), 1.0, signed)
