"""AdaRound: whether a weight is rounded up or down is learned from what it does to the layer's output.

Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020. Each weight lies between two levels
of its grid, at a share that is learned: a rectified sigmoid of a variable, which a regularizer pushes to 0 or 1 more
and more. The output's error is a form of the inputs' second moments, so no samples have to be gone through.
"""

from __future__ import annotations

import numpy as np

from mcuq.quantize.moments import powers, products
from mcuq.quantize.scheme import Array, Grid

ITERATIONS = 300
"""Enough: a thousand bring 0.05 dB more."""

_RATE = 0.1
_STRETCH = 1.2
"""The sigmoid reaches from -0.1 to 1.1, and is cut off at 0 and 1."""

_WEIGHT = 30.0
"""Of the regularizer, where the error of rounding to the nearest level is 1 a weight."""

_FREE = 0.2
"""The share of the iterations without regularizer."""

_SHARPEST, _SMOOTHEST = 20.0, 2.0
"""The regularizer's exponent, from the first to the last iteration."""

_FIRST, _SECOND = 0.9, 0.999
"""What Adam keeps of its averages in each iteration."""

_NO_ERROR = 1e-9
"""In parts of the output: a channel that rounds with less has nothing to learn."""


def learned(rows: Array, hessian: Array, grid: Grid, iterations: int = ITERATIONS) -> Array:
    """The integers, int64, for weights ``rows`` (channels, depth) on ``grid``; ``hessian`` as in ``gptq``."""
    levels, scales = grid.levels, grid.scales[:, None]
    steps = rows / scales
    place = np.clip(np.searchsorted(levels, steps, side="right") - 1, 0, max(0, len(levels) - 2))
    below, above = levels[place], levels[np.minimum(place + 1, len(levels) - 1)]
    gaps = np.asarray((above - below) * scales, np.float32)
    start = np.clip((steps - below) / np.maximum(above - below, 1), 0.0, 1.0)
    nearest = powers(np.where(start < 0.5, below, above) * scales - rows, hessian)
    counts = nearest > _NO_ERROR * powers(rows, hessian)
    weight = np.where(counts, rows.shape[1] / np.where(counts, nearest, 1.0), 0.0)[:, None].astype(np.float32)
    offset, small = np.asarray(below * scales - rows, np.float32), hessian.astype(np.float32)
    shares = _learned(start.astype(np.float32), offset, gaps, 2.0 * weight * gaps, small, iterations)
    return np.asarray(np.where(shares < 0.5, below, above))


def _learned(start: Array, offset: Array, gaps: Array, pull: Array, hessian: Array, iterations: int) -> Array:
    """The shares of ``gaps`` to add to ``offset``, which is the error without; Adam from ``start``."""
    margin = (_STRETCH - 1) / 2
    variables = -np.log(_STRETCH / (start + margin) - 1)
    first, second = np.zeros_like(variables), np.zeros_like(variables)
    shares = start
    for step in range(iterations):
        sigmoid = 1 / (1 + np.exp(-variables))
        stretched = _STRETCH * sigmoid - margin
        shares = np.clip(stretched, 0.0, 1.0)
        slopes = products(offset + shares * gaps, hessian) * pull
        if (annealed := (step / iterations - _FREE) / (1 - _FREE)) >= 0.0:
            slopes -= _WEIGHT * _regularizer(shares, _SHARPEST + (_SMOOTHEST - _SHARPEST) * annealed)
        slopes *= (_STRETCH * sigmoid * (1 - sigmoid)) * (shares == stretched)
        first = _FIRST * first + (1 - _FIRST) * slopes
        second = _SECOND * second + (1 - _SECOND) * slopes**2
        mean, square = first / (1 - _FIRST ** (step + 1)), second / (1 - _SECOND ** (step + 1))
        variables = variables - _RATE * mean / (np.sqrt(square) + 1e-8)
    return shares


def _regularizer(shares: Array, exponent: float) -> Array:
    """The slopes of |2 · share - 1| to the ``exponent``, which is 1 where a share is 0 or 1."""
    sides = 2 * shares - 1
    return np.asarray(2 * exponent * np.sign(sides) * np.abs(sides) ** (exponent - 1))
