"""Codebooks: the 16, 8 or 4 values that suit a layer, by k-means on its weights divided by their channel's scale."""

from __future__ import annotations

import functools

from mcuq.quantize.grids import palette
from mcuq.quantize.scheme import Array, Grid, Scheme


def grid(colours: int, rows: Array, importance: Array) -> Grid:
    return palette(rows, importance, colours)


SCHEMES = (
    *(
        Scheme(f"codebook{colours}", f"a palette of {colours} weights a layer", bits, functools.partial(grid, colours))
        for colours, bits in ((16, 4.0), (8, 3.0), (4, 2.0))
    ),
    Scheme(
        "codebook4+lr4",
        "a palette of 4 weights a layer, and an int8 branch of rank 4",
        2.0,
        functools.partial(grid, 4),
        rank=4,
        searched=False,
    ),
)
