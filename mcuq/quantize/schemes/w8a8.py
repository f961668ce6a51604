"""Eight bits: -127 to 127, reaching to each channel's largest weight, as TFLite's quantization specification has it.

With activations of eight bits, or of sixteen (TFLite's 16x8).
"""

from __future__ import annotations

import numpy as np

from mcuq.quantize.grids import LARGEST, largest_fits
from mcuq.quantize.scheme import Array, Grid, Scheme

_LEVELS = np.arange(-LARGEST, LARGEST + 1)


def grid(rows: Array, _importance: Array) -> Grid:
    return largest_fits(rows, _LEVELS)


SCHEMES = (
    Scheme("w8a8", "int8 weights", 8.0, grid),
    Scheme("w8a16", "int8 weights, int16 activations", 8.0, grid, activation_bits=16, searched=False),
)
