"""Biases, multipliers and shifts of a layer's channels in a few bytes each (mcuq_expand_records.h). No kernel.

What LiteRT computes with is found again bit by bit, or the layer has no such records. Any file's biases take as many
bytes as the largest needs, and multiplier and shift four bytes together where shifts differ by up to three. One byte is
enough for both where the channels' scales are a float32 of the layer times k, 16 to 31 times a power of two (schemes
with ``+dq``): which base gives all multipliers is the intersection of what each channel allows, by the values alone.
"""

from __future__ import annotations

import struct

import numpy as np

from mcuq.ops.base import Array

MANTISSAS = range(16, 32)
MOST_EXPONENT = 15
HEAD_BYTES = 12
NEAR = 1e-6
"""What of a 32nd a rounded multiplier may be off its scale's mantissa, for a base to be looked for."""

NOT_NORMAL = "a multiplier has no 31 bits"


def pack(biases: Array, multipliers: Array, shifts: Array) -> Array | str:
    """The bytes that expand to these tables (channels,), or why there are none."""
    if ((multipliers < 1 << 30) | (multipliers >= 1 << 31)).any():
        return NOT_NORMAL
    unit, bias_bytes, numbers = _biases(biases.astype(np.int64))
    base, top, codes = _codes(multipliers, shifts) or (0, int(shifts.max()), None)
    factor_bytes = 1
    if codes is None:
        codes = (multipliers.astype(np.int64) - (1 << 30)) | ((top - shifts.astype(np.int64)) << 30)
        factor_bytes = 4 if int(top - shifts.min()) < 4 else 5
    head = struct.pack("<BBBbQ", bias_bytes, unit, factor_bytes, top, base)
    rows = np.concatenate([_octets(numbers, bias_bytes), _octets(codes, factor_bytes)], axis=1)
    return np.concatenate([np.frombuffer(head, np.uint8), rows.reshape(-1)])


def _octets(numbers: Array, count: int) -> Array:
    """(channels, count) bytes, the lowest first."""
    octets: Array = np.ascontiguousarray(numbers.astype("<i8")).view(np.uint8).reshape(-1, 8)[:, :count]
    return octets


def _biases(biases: Array) -> tuple[int, int, Array]:
    """The largest power of two that divides all, in how many bytes the quotients fit, and these."""
    together = int(np.bitwise_or.reduce(biases))
    unit = min((together & -together).bit_length() - 1, 30) if together else 0
    quotients = biases >> unit
    bits = 1 + int(np.where(quotients < 0, ~quotients, quotients).max()).bit_length()
    return unit, -(-bits // 8), quotients


def _codes(multipliers: Array, shifts: Array) -> tuple[int, int, Array] | None:
    """The base, the shift s and a code for each channel, or None where the multipliers have no common base."""
    values = multipliers.astype(np.float64) * np.exp2(shifts - shifts.max())
    for mantissa in MANTISSAS:
        fractions, _ = np.frexp(values / values[0] * mantissa)
        factors = np.rint(32 * fractions).astype(np.int64)
        if np.abs(32 * fractions - factors).max() > NEAR:
            continue
        factors = np.where(factors == 32, 16, factors)
        base = _base(multipliers, factors)
        if base is None:
            continue
        doubled = np.array([base * int(factor) >> 62 for factor in factors])
        exponents = shifts - doubled
        top = int(exponents.max())
        if int(top - exponents.min()) <= MOST_EXPONENT:
            return base, top, (factors - 16) | ((top - exponents) << 4)
    return None


def _base(multipliers: Array, factors: Array) -> int | None:
    """What times each of ``factors``, rounded to 31 bits, is the channel's multiplier."""
    low, high = 1 << 57, (1 << 58) - 1
    first = (int(multipliers[0]) << 31) // int(factors[0])
    near = first if first >= low else 2 * first
    for multiplier, factor in {(int(m), int(f)) for m, f in zip(multipliers, factors, strict=True)}:
        half = 1 << (30 + (near * factor >> 62))  # of the multiplier's last bit
        low = max(low, -(-(2 * multiplier - 1) * half // factor))
        high = min(high, -(-(2 * multiplier + 1) * half // factor) - 1)
    return (low + high) // 2 if low <= high else None
