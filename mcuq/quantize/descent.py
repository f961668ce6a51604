"""Rounding again, weight by weight: each takes the level that is best while all others stay, until none moves."""

from __future__ import annotations

from mcuq.quantize.moments import products
from mcuq.quantize.scheme import Array, Grid

MOST_PASSES = 6


def descended(rows: Array, hessian: Array, grid: Grid, integers: Array) -> Array:
    """``integers`` for weights ``rows`` (channels, depth) on ``grid``, moved to where the output has less error.

    ``hessian`` as in ``gptq``, positive definite.
    """
    found: Array = integers.copy()
    scales = grid.scales
    slopes = products(grid.real(found) - rows, hessian)
    for _ in range(MOST_PASSES):
        moved = False
        for k in range(rows.shape[1]):
            best = grid.nearest(found[:, k] - slopes[:, k] / (hessian[:, k, k] * scales))
            if (best != found[:, k]).any():
                slopes += ((best - found[:, k]) * scales)[:, None] * hessian[:, k]
                found[:, k], moved = best, True
        if not moved:
            break
    return found
