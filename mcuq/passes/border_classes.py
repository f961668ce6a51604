"""Border classes: the taps of a padded window that lie inside the input, as few cases as there are. No pass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcuq.ops.conv_geometry import Axis

IntArray = npt.NDArray[np.int64]


def valid_taps(axis: Axis) -> IntArray:
    """(classes, window): for each kind of output position along ``axis``, 1 for taps inside the input, else 0."""
    positions = np.arange(axis.output)[:, None] * axis.stride - axis.pad_before
    taps = positions + np.arange(axis.window)[None, :] * axis.dilation
    inside = (taps >= 0) & (taps < axis.input)
    classes: IntArray = np.unique(inside, axis=0).astype(np.int64)
    return classes


def class_sums(products: IntArray, height: Axis, width: Axis) -> IntArray:
    """(row classes, column classes, channels): ``products`` (window height, width, channels) summed over valid taps."""
    sums: IntArray = np.einsum("rk,kxo,cx->rco", valid_taps(height), products, valid_taps(width))
    return sums
