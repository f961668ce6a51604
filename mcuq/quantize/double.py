"""Double quantization (``+dq``; Dettmers et al., "QLoRA", 2023): the scales of a layer's channels in one byte each.

A scale is the layer's unit, a float32 of 16 significant bits, times k: 16 to 31 times a power of two up to 2^15. The
product is exact in float32, so the file is a plain int8 one, and from the unit and k a device finds the very
multiplier and shift that LiteRT computes with (``mcuq.kernels.short_records``). Biases get 16 bits, times a power of
two of the layer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mcuq.quantize.grids import weighted_errors
from mcuq.quantize.scheme import Array, Grid

UNIT_BITS = 16
LEAST, MOST = 16.0, 31.0 * 2**15
BIAS_BITS = 16


def doubled(grid: Callable[[Array, Array], Grid], rows: Array, importance: Array) -> Grid:
    """``grid`` for these weights with each scale replaced by the better of its two neighbours."""
    found = grid(rows, importance)
    below = _below(found.scales, _unit(found.scales))
    above = raised(found.scales, found.scales)
    errors = [weighted_errors(rows, importance, Grid(found.levels, scales)) for scales in (below, above)]
    return Grid(found.levels, np.where(errors[0] < errors[1], below, above))


def raised(scales: Array, among: Array) -> Array:
    """``scales``, or the next ones that have the unit of a layer with the scales ``among``."""
    unit = _unit(among)
    below = _below(scales, unit)
    _, exponents = np.frexp(below / unit)
    larger: Array = np.minimum(below + np.ldexp(unit, exponents - 5), MOST * unit)
    return np.where(below < scales, larger, below)


def coarse_bias(bias: Array, scales: Array) -> Array:
    """``bias`` in multiples of ``scales``, the accumulators' unit, times a power of two with which 16 bits hold it."""
    largest = float(np.abs(bias / scales).max(initial=0.0))
    step = 2.0 ** max(0, int(np.ceil(np.log2(max(largest, 1.0) / (2 ** (BIAS_BITS - 1) - 1)))))
    found: Array = np.rint(bias / (scales * step)) * step * scales
    return found


def _unit(scales: Array) -> float:
    """The largest scale is this times ``MOST``, nearly: the unit of those that are found is the same."""
    fraction, exponent = np.frexp(scales.max() / MOST)
    return float(np.ldexp(np.floor(fraction * 2**UNIT_BITS), exponent - UNIT_BITS))


def _below(scales: Array, unit: float) -> Array:
    fractions, exponents = np.frexp(np.clip(scales / unit, LEAST, MOST))
    found: Array = np.ldexp(np.floor(32 * fractions), exponents - 5) * unit
    return found
