"""Ternary and binary weights: -1, 0, 1 and -1, 1 times a channel's scale (Li et al., "Ternary Weight Networks", 2016;
Rastegari et al., "XNOR-Net", 2016). Without training they cost most nets their accuracy.
"""

from __future__ import annotations

import numpy as np

from mcuq.quantize.grids import best_scales
from mcuq.quantize.scheme import Array, Grid, Scheme


def ternary(rows: Array, importance: Array) -> Grid:
    return best_scales(rows, importance, np.array([-1, 0, 1]))


def binary(rows: Array, importance: Array) -> Grid:
    return best_scales(rows, importance, np.array([-1, 1]))


SCHEMES = (
    Scheme("ternary", "-1, 0 and 1 times a scale", 1.6, ternary),
    Scheme("binary", "-1 and 1 times a scale", 1.0, binary, searched=False),
    Scheme("binary+a1", "-1 and 1 times a scale, inputs of two values", 1.0, binary, two_valued=True, searched=False),
)
