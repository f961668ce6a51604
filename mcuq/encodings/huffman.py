"""Canonical Huffman codes: short ones for frequent weights, each of a whole number of bits."""

from __future__ import annotations

import heapq
from itertools import pairwise

import numpy as np

from mcuq.encodings.base import Encoding, Measured, histogram, packed_bits, stream_bytes
from mcuq.ops.base import Array

LONGEST = 15
TABLE_WORDS = 160
"""Two for each length, and halfwords for the next eight bits."""


def code_lengths(counts: Array) -> Array:
    """The length of each weight's code: the best there are of at most ``LONGEST`` bits, or nearly."""
    floor = 0
    while True:
        lengths = _unlimited(np.maximum(counts, floor))
        if int(lengths.max()) <= LONGEST:
            return lengths
        floor = max(1, 2 * floor)  # rare weights count as less rare


def _unlimited(counts: Array) -> Array:
    """Huffman's: the two rarest are joined until one is left."""
    heap: list[tuple[int, int, tuple[int, ...]]] = [(int(count), index, (index,)) for index, count in enumerate(counts)]
    heapq.heapify(heap)
    lengths = np.zeros(len(counts), np.int64)
    while len(heap) > 1:
        (first, order, some), (second, _, others) = heapq.heappop(heap), heapq.heappop(heap)
        lengths[[*some, *others]] += 1
        heapq.heappush(heap, (first + second, order, some + others))
    return lengths


def measure(values: Array, counts: Array) -> Measured | str:
    if len(values) <= 2:
        return "one bit for a weight is enough"
    lengths = code_lengths(counts)
    shortest = int(lengths.min())
    head = 2 * (LONGEST + 1 - shortest) + len(values)
    return Measured(head + stream_bytes(int(counts @ lengths)), shortest, TABLE_WORDS)


def encode(weights: Array) -> Array:
    values, counts = histogram(weights)
    lengths = code_lengths(counts)
    order = np.lexsort((values, lengths))
    codes = np.zeros(len(values), np.int64)
    for before, after in pairwise(order):
        codes[after] = (codes[before] + 1) << (lengths[after] - lengths[before])
    places = np.searchsorted(values, weights)
    of_length = np.bincount(lengths, minlength=LONGEST + 1)[int(lengths.min()) :]
    head = (of_length.astype(">u2").view(np.uint8), values[order].astype(np.int8).view(np.uint8))
    return np.concatenate([*head, packed_bits(codes[places], lengths[places])])


ENCODING = Encoding("huffman", measure, encode, 23.0, 22)
