"""The ways to round a layer's weights, by name: to the nearest level, by GPTQ, or by AdaRound beside it.

For few bits, scales are chosen by what rounding makes of them, and weights are rounded again after it, one by one. What
a channel has in the end is what has the least error at its output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcuq.errors import UsageError, suggestion
from mcuq.quantize.adaround import ITERATIONS, learned
from mcuq.quantize.descent import descended
from mcuq.quantize.gptq import round_with_feedback
from mcuq.quantize.moments import powers, products
from mcuq.quantize.scheme import Array, Grid, Scheme
from mcuq.quantize.weighted_layer import WeightedLayer

NEAREST, GPTQ, ADAROUND = ROUNDINGS = ("nearest", "gptq", "adaround")
DEFAULT = ADAROUND

NARROW_BITS = 8
"""With as many, and more, nothing but GPTQ is worth its time."""

MOST_PRODUCTS = 2e11
"""Multiplications that AdaRound may take in a model: about half a minute. They are counted instead of seconds, so that
a model is rounded the same each time."""

LEAST_ITERATIONS = 50
"""Where fewer are left, the model is so large that AdaRound is left out, and scales are not tried."""

_TRIED = (1.0, 0.75, 0.85, 0.92, 1.08, 1.2)
"""Of the scales with the least error where nothing is fed back."""

_REFITS = 2


@dataclass(frozen=True, slots=True)
class Rounding:
    """A way to round, by ``name``; AdaRound has so many ``iterations``."""

    name: str = GPTQ
    iterations: int = ITERATIONS

    def rounded(self, rows: Array, hessian: Array, scheme: Scheme) -> tuple[Grid, Array]:
        """The grid of ``scheme`` for weights ``rows`` (channels, depth), and the integers on it; ``hessian`` as in
        ``gptq``.
        """
        grid = scheme.grid(rows, np.diagonal(hessian, axis1=1, axis2=2))
        if self.name == NEAREST:
            return grid, grid.nearest(rows / grid.scales[:, None])
        if scheme.bits >= NARROW_BITS:
            return grid, round_with_feedback(rows, hessian, grid)
        thorough = self.iterations >= LEAST_ITERATIONS
        grid, integers = _fed_back(rows, hessian, grid, _TRIED if scheme.free_scales and thorough else (1.0,))
        found = _finished(rows, hessian, grid, integers, scheme)
        if self.name == GPTQ or not thorough:
            return found
        other = _finished(rows, hessian, grid, learned(rows, hessian, grid, self.iterations), scheme)
        return _better(rows, hessian, found, other)


def rounding_named(name: str, layers: Sequence[WeightedLayer] = ()) -> Rounding:
    """The way to round a model's ``layers``, within ``MOST_PRODUCTS``. Raises ``UsageError`` for an unknown name."""
    if name not in ROUNDINGS:
        hint = suggestion(name, ROUNDINGS, f"they are: {', '.join(ROUNDINGS)}")
        raise UsageError(f"there is no way to round called {name!r}", hint=hint)
    products_once = sum(layer.weights.size * layer.row_kinds[1] for layer in layers)
    return Rounding(name, min(ITERATIONS, int(MOST_PRODUCTS / max(1, products_once))))


def _finished(rows: Array, hessian: Array, grid: Grid, integers: Array, scheme: Scheme) -> tuple[Grid, Array]:
    """``integers``, and scales where they are free, improved in turns."""
    integers = descended(rows, hessian, grid, integers)
    for _ in range(_REFITS if scheme.free_scales else 0):
        grid = with_scales(grid, integers, products(rows, hessian), hessian)
        integers = descended(rows, hessian, grid, integers)
    return grid, integers


def _better(rows: Array, hessian: Array, one: tuple[Grid, Array], other: tuple[Grid, Array]) -> tuple[Grid, Array]:
    """For each channel the one with less error."""
    errors = [powers(grid.real(integers) - rows, hessian) for grid, integers in (one, other)]
    second = errors[1] < errors[0]
    scales = np.where(second, other[0].scales, one[0].scales)
    return Grid(one[0].levels, scales), np.where(second[:, None], other[1], one[1])


def with_scales(grid: Grid, integers: Array, wanted: Array, hessian: Array) -> Grid:
    """``grid`` with the scales that bring ``integers`` nearest to an output whose products with the inputs are
    ``wanted`` (channels, depth) on average.
    """
    above, below = (integers * wanted).sum(axis=1), powers(integers.astype(np.float64), hessian)
    possible = (above > 0.0) & (below > 0.0)
    return Grid(grid.levels, np.where(possible, above / np.where(possible, below, 1.0), grid.scales))


def _fed_back(rows: Array, hessian: Array, grid: Grid, factors: Sequence[float]) -> tuple[Grid, Array]:
    """By GPTQ, for each channel with the scale, of ``factors`` times those of ``grid``, that has the least error."""
    scales = np.outer(factors, grid.scales)
    every = Grid(grid.levels, scales.ravel())
    repeated = hessian if len(hessian) == 1 else np.tile(hessian, (len(factors), 1, 1))
    many = np.tile(rows, (len(factors), 1))
    integers = round_with_feedback(many, repeated, every)
    errors = powers(every.real(integers) - many, repeated).reshape(scales.shape)
    best = errors.argmin(axis=0), np.arange(len(rows))
    return Grid(grid.levels, scales[best]), integers.reshape(len(factors), *rows.shape)[best]
