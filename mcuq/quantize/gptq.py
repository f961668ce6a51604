"""Rounding with error feedback: what rounding one weight does to a layer's output, the weights after it take back.

Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", 2023, with weights
in order of importance, for any grid.
"""

from __future__ import annotations

import numpy as np

from mcuq.quantize.moments import products
from mcuq.quantize.scheme import Array, Grid

DAMPING = 0.01
"""Of the mean of the Hessian's diagonal, added to it."""

BLOCK = 32
"""Weights after whose rounding those far behind are moved, all at once: it is quicker than one by one."""


def damped(hessian: Array) -> Array:
    """``hessian`` (n, depth, depth) made safely positive definite."""
    depth = hessian.shape[-1]
    mean = np.trace(hessian, axis1=1, axis2=2) / depth
    return np.asarray(hessian + (DAMPING * mean + 1e-10)[:, None, None] * np.eye(depth))


def round_with_feedback(rows: Array, hessian: Array, grid: Grid) -> Array:
    """The integers, int64, for weights ``rows`` (channels, depth) on ``grid``.

    ``hessian`` is the second moment of each row's inputs: (channels, depth, depth), or (1, depth, depth) for all.
    """
    order = np.argsort(-hessian.mean(axis=0).diagonal(), kind="stable")
    feedback = _factor(damped(hessian)[:, order][:, :, order])
    left, scales = rows[:, order].astype(np.float64), grid.scales
    found = np.zeros(rows.shape, np.int64)
    for begin in range(0, len(order), BLOCK):
        end = min(begin + BLOCK, len(order))
        errors = np.zeros((len(rows), end - begin))
        for k in range(begin, end):
            integers = grid.nearest(left[:, k] / scales)
            found[:, order[k]] = integers
            errors[:, k - begin] = error = (left[:, k] - integers * scales) / feedback[:, k, k]
            left[:, k:end] -= error[:, None] * feedback[:, k, k:end]
        left[:, end:] -= products(errors, feedback[:, begin:end, end:])
    return found


def _factor(hessian: Array) -> Array:
    """The upper Cholesky factor of the inverse."""
    return np.asarray(np.linalg.cholesky(np.linalg.inv(hessian)).transpose(0, 2, 1))
