"""What an encoding of weights is, and what all share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mcuq.ops.base import Array


@dataclass(frozen=True, slots=True)
class Measured:
    """What weights take in an encoding, its table included: ``bytes`` in flash (of tans nearly), ``table_words`` of
    scratch memory. ``option`` is what the decoder is told.
    """

    bytes: int
    option: int
    table_words: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """``measure`` is given the distinct values of weights, ascending, and how often each occurs: it says why they have
    no such encoding, or what they take. ``encode`` makes bytes of weights (a flat int8 array) that have one.

    ``weight_cycles`` and ``table_cycles`` (for each of its words) estimate decoding on a Cortex-M4.
    """

    name: str
    measure: Callable[[Array, Array], Measured | str]
    encode: Callable[[Array], Array]
    weight_cycles: float
    table_cycles: int = 0


def histogram(weights: Array) -> tuple[Array, Array]:
    """The distinct values of ``weights``, ascending, and how often each occurs."""
    values, counts = np.unique(weights, return_counts=True)
    return values.astype(np.int64), counts.astype(np.int64)


def entropy_bits(counts: Array) -> float:
    """Shannon's limit for a weight, in bits, where each is coded by itself."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def packed_bits(values: Array, lengths: Array) -> Array:
    """``values`` of so many bits each, one after the other, most significant bits first, as an even count of bytes."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    bits = np.zeros(-(-total // 16) * 16, np.uint8)
    for place in range(int(lengths.max(initial=0))):
        wide = lengths > place
        bits[ends[wide] - 1 - place] = (values[wide] >> place) & 1
    result: Array = np.packbits(bits)
    return result


def stream_bytes(bits: float) -> int:
    """So many bits as ``packed_bits`` packs them."""
    return -(-math.ceil(bits) // 16) * 2
