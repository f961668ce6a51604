"""SOFTMAX of int16: exp and 1 / (1 + x) as tables of 513 values with lines between them. No operator.

Integer, with ``d = q - max(q)`` of the row: ``requantize(d)`` in steps of 10 / 65535, two roundings; ``e`` its
exponential in Q0.15, next to nothing below -10; the sum of the ``e`` normalised to 1 .. 2 with 16 fractional bits; its
reciprocal in Q0.15; then ``clamp(round(e · reciprocal / 2**k))``. A table's value is off its function by half of the
error that the line behind it has in its middle.
Source: TFLite ``reference_ops::SoftmaxInt16`` (softmax.h), ``LUTPopulate`` and ``LUTLookup`` (common.h).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import Layer
from mcuq.ops.base import Array

STEPS = 512
LEAST_ARGUMENT = -10.0
MAX_SCALE = 5.0
"""Times beta: the shift is at most 15 then, and differences have 16 bits and a sign."""
_ONE = 1 << 15
_HALF_WAY = _ONE + (1 << 16)


def _rounded(real: Array) -> Array:
    """Halves away from zero."""
    whole: Array = np.trunc(real + np.copysign(0.5, real))
    return whole


def _table(function: Callable[[Array], Array], low: float, high: float) -> Array:
    step = (high - low) / STEPS
    x = low + np.arange(STEPS + 1) * step
    here, following = (_ONE * function(at) for at in (x, x + step))
    on_the_line = _rounded((following + _rounded(here)) / 2)
    bias = _rounded((on_the_line - _rounded(_ONE * function(x + step / 2))) / 2)
    bias[STEPS] = 0  # behind the last one there is no line
    values: Array = np.clip(_rounded(here) - bias, -_ONE, _ONE - 1).astype(np.int16)
    return values


@functools.cache
def exponentials() -> Array:
    """Of -10 .. 0."""
    return _table(np.exp, LEAST_ARGUMENT, 0.0)


@functools.cache
def reciprocals() -> Array:
    """1 / (1 + x) of 0 .. 1."""
    return _table(lambda x: 1 / (1 + x), 0.0, 1.0)


def _looked_up(table: Array, value: Array) -> Array:
    """The table at int16 values, -32768 standing for the first entry."""
    clipped, wide = np.clip(value, -_ONE, _ONE - 1), table.astype(np.int64)
    index = 256 + (clipped >> 7)
    found: Array = wide[index] + (((wide[index + 1] - wide[index]) * (clipped & 127) + 64) >> 7)
    return found


def requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift of differences, which become steps of 10 / 65535; scale times beta in single precision."""
    scale = np.float32(layer.input(0).type.scale) * np.float32(layer.attributes.beta)
    return quantize_multiplier(float(scale) / (-LEAST_ARGUMENT / 65535))


def reference(layer: Layer, x: Array) -> Array:
    """The output for an input of at least one axis."""
    wide = x.astype(np.int64)
    differences = wide - wide.max(axis=-1, keepdims=True)
    e = _looked_up(exponentials(), requantize_double(differences, *requantization(layer)) + _ONE - 1)
    total = e.sum(axis=-1, keepdims=True)
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64)
    normalised = ((total << (31 - bits)) + (1 << 13)) >> 14
    scaled = e * _looked_up(reciprocals(), normalised - _HALF_WAY) + (np.int64(1) << (bits - 2))
    output: Array = np.clip(scaled >> (bits - 1), 0, _ONE - 1).astype(np.int16)
    return output
