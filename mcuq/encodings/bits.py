"""Codes of one to four bits, and what they stand for: for weights of at most 16 values."""

from __future__ import annotations

import numpy as np

from mcuq.encodings.base import Encoding, Measured, packed_bits, stream_bytes
from mcuq.ops.base import Array

MOST_BITS = 4


def width(values: int) -> int:
    """Bits of a code for one of so many values."""
    return max(1, (values - 1).bit_length())


def measure(values: Array, counts: Array) -> Measured | str:
    bits = width(len(values))
    if bits > MOST_BITS:
        return f"the weights have {len(values)} distinct values, {1 << MOST_BITS} are possible"
    return Measured((1 << bits) + stream_bytes(bits * int(counts.sum())), bits, 4)


def encode(weights: Array) -> Array:
    palette, codes = np.unique(weights, return_inverse=True)
    bits = width(len(palette))
    filled = np.pad(palette, (0, (1 << bits) - len(palette)), mode="edge").astype(np.int8)
    return np.concatenate([filled.view(np.uint8), packed_bits(codes.reshape(-1), np.full(codes.size, bits))])


ENCODING = Encoding("bits", measure, encode, 10.5)
