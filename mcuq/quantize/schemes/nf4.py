"""NF4: the 16 values of NormalFloat, which equal shares of normally distributed weights are nearest to, in 1/127s
(Dettmers et al., "QLoRA", 2023, appendix E).
"""

from __future__ import annotations

import numpy as np

from mcuq.quantize.grids import LARGEST, best_scales
from mcuq.quantize.scheme import Array, Grid, Scheme

NORMAL_FLOAT = np.array(
    [
        *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
        *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
        *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
        *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
    ]
)
LEVELS = np.rint(LARGEST * NORMAL_FLOAT).astype(np.int64)


def grid(rows: Array, importance: Array) -> Grid:
    return best_scales(rows, importance, LEVELS)


SCHEMES = (Scheme("nf4", "the NormalFloat palette of 16", 4.0, grid, searched=False),)
