"""Grids fitted to weights: scales with the least weighted square error, and palettes by k-means. No scheme.

Cutting off outliers is a part of it: a scale smaller than the largest weight asks for is taken where it pays, as OCTAV
does (Sakr et al., "Optimal Clipping and Magnitude-aware Differentiation", 2022), with errors weighted by the inputs.
"""

from __future__ import annotations

import numpy as np

from mcuq.quantize.scheme import Array, Grid

LARGEST = 127
"""Levels reach to so much: -128 does not fit every kernel."""

_CANDIDATES = np.geomspace(0.08, 1.25, 56)
_REFINEMENTS = 3
_PALETTE_ROUNDS = 3
_LLOYD_ROUNDS = 25
_SAMPLE = 1 << 16
"""Weights that a palette is made from, at most."""


def largest_fits(rows: Array, levels: Array) -> Grid:
    """The grid that reaches exactly to each channel's largest weight. No weights: as if the largest were 1."""
    largest = np.abs(rows).max(axis=1)
    return Grid(levels, np.where(largest > 0.0, largest, 1.0) / np.abs(levels).max())


def best_scales(rows: Array, importance: Array, levels: Array) -> Grid:
    """For each channel the scale with the least square error, weighted by ``importance``, of rounding to ``levels``."""
    whole = largest_fits(rows, levels)
    best, least = whole.scales, np.full(len(rows), np.inf)
    for factor in _CANDIDATES:
        tried = whole.scales * factor
        errors = weighted_errors(rows, importance, Grid(levels, tried))
        best, least = np.where(errors < least, tried, best), np.minimum(errors, least)
    for _ in range(_REFINEMENTS):
        tried = _least_squares(rows, importance, Grid(levels, best))
        errors = weighted_errors(rows, importance, Grid(levels, tried))
        best, least = np.where(errors < least, tried, best), np.minimum(errors, least)
    return Grid(levels, best)


def palette(rows: Array, importance: Array, colours: int) -> Grid:
    """The grid of the ``colours`` values that suit the layer: k-means on weights divided by their channel's scale.

    Scales and palette are improved in turns. Palettes of 8 and more hold zero: it is the commonest weight, and what
    kernels fill rows up with.
    """
    grid = largest_fits(rows, np.array([-LARGEST, LARGEST]))
    for _ in range(_PALETTE_ROUNDS):
        weights = np.broadcast_to(importance, rows.shape) * grid.scales[:, None] ** 2
        centres = _k_means((rows / grid.scales[:, None]).ravel(), weights.ravel(), colours)
        if colours >= 8:
            centres[np.abs(centres).argmin()] = 0.0
        unit = LARGEST / np.abs(centres).max(initial=1e-30)
        grid = best_scales(rows, importance, np.unique(np.rint(centres * unit)).astype(np.int64))
    return grid


def weighted_errors(rows: Array, importance: Array, grid: Grid) -> Array:
    """For each channel the square error of rounding to ``grid``, weighted by ``importance``."""
    steps = rows / grid.scales[:, None]
    errors: Array = (importance * (steps - grid.nearest(steps)) ** 2).sum(axis=1) * grid.scales**2
    return errors


def _least_squares(rows: Array, importance: Array, grid: Grid) -> Array:
    """The best scales for the levels that weights have now."""
    levels = grid.nearest(rows / grid.scales[:, None])
    above, below = (importance * rows * levels).sum(axis=1), (importance * levels**2).sum(axis=1)
    scales: Array = np.where((above > 0.0) & (below > 0.0), above / np.where(below > 0.0, below, 1.0), grid.scales)
    return scales


def _k_means(values: Array, weights: Array, count: int) -> Array:
    """``count`` centres, or as many as there are distinct values, by Lloyd's method from equal shares of the weight."""
    if values.size > _SAMPLE:
        chosen = np.random.default_rng(0).choice(values.size, _SAMPLE, replace=False)
        values, weights = values[chosen], weights[chosen]
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order] + 1e-12 * (weights.max(initial=0.0) + 1e-30)
    distinct = np.unique(values)
    if len(distinct) <= count:
        return distinct
    shares = np.quantile(values, (np.arange(count) + 0.5) / count)
    centres = np.unique((shares + np.linspace(values[0], values[-1], count)) / 2)
    for _ in range(_LLOYD_ROUNDS):
        owner = np.searchsorted((centres[1:] + centres[:-1]) / 2, values)
        mass = np.bincount(owner, weights, len(centres))
        sums = np.bincount(owner, weights * values, len(centres))
        centres = np.sort(np.where(mass > 0.0, sums / np.where(mass > 0.0, mass, 1.0), centres))
    return np.asarray(centres)
