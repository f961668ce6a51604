"""Weights of four or two bits for cores without the DSP extension: two sums of 16 bits in a word. No kernel."""

from __future__ import annotations

import numpy as np

from mcuq.kernels.narrow_weights import int2_refusal, int4_refusal
from mcuq.kernels.triples import Parts, padded, parts_for
from mcuq.ops.base import Array

GROUP = 8
"""Outputs that advance together."""

SUM_END = 1 << 15
"""Sums of a part are -SUM_END .. SUM_END - 1."""

BITS = {"int4": 4, "int2": 2}


def kind_refusal(rows: Array, kind: str) -> str | None:
    """Why ``rows`` (outputs, depth) are not kept in as many bits as ``kind`` has, or None."""
    refusal = int2_refusal(rows)
    if kind == "int2":
        return refusal
    return "two bits for a weight are enough" if refusal is None else int4_refusal(rows)


def pair_parts(rows: Array) -> Parts:
    return parts_for(rows, SUM_END)


def codes(rows: Array, parts: Parts, kind: str) -> Array:
    """(groups, outputs of a group, taps of all parts): what stands for the weights of ``rows`` (outputs, depth)."""
    groups = -(-len(rows) // GROUP)
    every = np.zeros((groups * GROUP, parts.all_taps), np.int64)
    every[: len(rows)] = padded(rows, parts)
    result: Array = every.reshape(groups, GROUP, -1) + (8 if kind == "int4" else 2)
    return result
