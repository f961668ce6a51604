"""Powers of two and zero: weights of plus or minus 1, 2, 4 … 64 steps, so that a product is a shift."""

from __future__ import annotations

import numpy as np

from mcuq.quantize.grids import best_scales
from mcuq.quantize.scheme import Array, Grid, Scheme

_POWERS = 2 ** np.arange(7)
LEVELS = np.sort(np.concatenate([-_POWERS, [0], _POWERS]))


def grid(rows: Array, importance: Array) -> Grid:
    return best_scales(rows, importance, LEVELS)


SCHEMES = (Scheme("log2", "powers of two", 4.0, grid, searched=False),)
