"""Weights and constants for sums of three pixels in two words (firmware/kernels/mcuq_triples.h). No kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcuq.ops.base import Array

SUM_END = 1 << 20
"""Sums of a part are -SUM_END .. SUM_END - 1."""

UNROLLED = 4
"""Taps that the loop takes at once."""

_WEIGHT_OFFSET = 128


@dataclass(frozen=True, slots=True)
class Parts:
    """Taps in so many parts, of so many taps each; the last is filled up with zeros."""

    count: int
    taps: int

    @property
    def all_taps(self) -> int:
        return self.count * self.taps

    @property
    def packed_bytes(self) -> int:
        return 4 * self.count * (2 * self.taps + 2)


def sums_fit(rows: Array, end: int = SUM_END) -> bool:
    """Are the sums of ``rows`` (outputs, taps) times any int8 inputs -end .. end - 1?"""
    wide = rows.astype(np.int64)
    greatest = np.maximum(wide * -128, wide * 127).sum(axis=1)
    least = np.minimum(wide * -128, wide * 127).sum(axis=1)
    return int(greatest.max(initial=0)) < end and int(least.min(initial=0)) >= -end


def parts_for(rows: Array, end: int = SUM_END) -> Parts:
    """The fewest parts of the taps of ``rows`` (outputs, taps) whose sums of int8 inputs are -end .. end - 1."""
    taps = rows.shape[1]
    for count in range(1, taps + 1):
        parts = Parts(count, -(-taps // (count * UNROLLED)) * UNROLLED)
        if sums_fit(padded(rows, parts).reshape(len(rows) * count, parts.taps), end):
            return parts
    raise AssertionError("four taps always fit")


def stream(rows: Array, parts: Parts, constants: tuple[Array, ...]) -> Array:
    """int32 words: for each four of ``rows`` (outputs, taps) the words of all taps, then their ``constants``.

    ``constants`` are (outputs,) each; those of an output stand side by side.
    """
    groups = -(-len(rows) // 4)
    every = np.zeros((4 * groups, parts.all_taps), np.int64)
    every[: len(rows)] = padded(rows, parts)
    bytes_ = (every + _WEIGHT_OFFSET).reshape(groups, 4, parts.all_taps)
    words = (bytes_ << np.array([0, 8, 16, 24])[None, :, None]).sum(axis=1)
    return with_constants(words, constants, 4)


def with_constants(words: Array, constants: tuple[Array, ...], group: int) -> Array:
    """int32: the ``words`` of each ``group`` of outputs (groups, words), then its ``constants``, each (outputs,)."""
    values = np.zeros((group * len(words), len(constants)), np.int64)
    values[: len(constants[0])] = np.stack(constants, axis=1)
    both = np.concatenate([words, values.reshape(len(words), -1)], axis=1)
    result: Array = (both & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return result


def padded(rows: Array, parts: Parts) -> Array:
    return np.pad(rows.astype(np.int64), ((0, 0), (0, parts.all_taps - rows.shape[1])))
