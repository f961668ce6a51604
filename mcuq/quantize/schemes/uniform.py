"""Four and two bits, evenly spaced: -8 to 7 and -2 to 1, the scale of each channel with the least weighted error.

``+lr4``: with a low-rank residual.
"""

from __future__ import annotations

import functools

import numpy as np

from mcuq.quantize.grids import best_scales
from mcuq.quantize.scheme import Array, Grid, Scheme


def grid(bits: int, rows: Array, importance: Array) -> Grid:
    half = 1 << (bits - 1)
    return best_scales(rows, importance, np.arange(-half, half))


SCHEMES = (
    *(
        Scheme(f"w{bits}a8", f"int{bits} weights", float(bits), functools.partial(grid, bits), searched=bits > 2)
        for bits in (4, 2)
    ),
    Scheme(
        "w2a8+lr4",
        "int2 weights, and an int8 branch of rank 4",
        2.0,
        functools.partial(grid, 2),
        rank=4,
        searched=False,
    ),
)
