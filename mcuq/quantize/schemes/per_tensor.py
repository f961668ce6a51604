"""One scale for all channels of a layer (``+pt``), as older runtimes want it: eight and four bits."""

from __future__ import annotations

import functools

import numpy as np

from mcuq.quantize.grids import LARGEST, best_scales, largest_fits
from mcuq.quantize.scheme import Array, Grid, Scheme


def _eight(rows: Array, _importance: Array) -> Grid:
    return _shared(largest_fits(rows.reshape(1, -1), np.arange(-LARGEST, LARGEST + 1)), len(rows))


def _narrow(bits: int, rows: Array, importance: Array) -> Grid:
    half = 1 << (bits - 1)
    together = np.broadcast_to(importance, rows.shape).reshape(1, -1)
    return _shared(best_scales(rows.reshape(1, -1), together, np.arange(-half, half)), len(rows))


def _shared(grid: Grid, channels: int) -> Grid:
    return Grid(grid.levels, np.repeat(grid.scales, channels))


SCHEMES = (
    Scheme("w8a8+pt", "int8 weights, one scale a layer", 8.0, _eight, per_tensor=True, searched=False),
    Scheme(
        "w4a8+pt",
        "int4 weights, one scale a layer",
        4.0,
        functools.partial(_narrow, 4),
        per_tensor=True,
        searched=False,
    ),
)
