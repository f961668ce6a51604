"""LOGISTIC and TANH of int16: one table of the logistic function with lines between its values. No operator.

Integer: ``x = round(q · m / 2**s)`` in steps of 1/12288, of which 512 lead from one of the 256 values to the next (256
for TANH, as ``tanh(x) = 2 · logistic(2x) - 1``); the mirror image below zero. Scales of 2**-12, for TANH of 2**-11 too,
take ``m = 3`` (6) and ``s = 0``; others the greatest ``m`` of 15 bits. A table's value is off the function by half of
the error that the line behind it has in its middle.
Source: TFLite ``reference_integer_ops`` (logistic.h, tanh.h) and ``activations.cc`` (``SigmoidPrepare``,
``TanhPrepare``).
"""

from __future__ import annotations

import functools
import math

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Constraint, Operand

LAST = 255
_ONE = 1 << 16
_UNITS = 4096 * 3
_POWERS = {"LOGISTIC": {-12: 3}, "TANH": {-12: 3, -11: 6}}
"""The multiplier for an input scale of a power of two, by its exponent."""


@functools.cache
def table() -> Array:
    """The logistic function of 0, 1/24, 2/24 and so on, in 65,536ths."""

    def function(i: Array) -> Array:
        values: Array = _ONE / (1 + np.exp(-i / 24))
        return values

    i = np.arange(LAST + 1, dtype=np.float64)
    error = (function(i) + function(i + 1)) / 2 - function(i + 0.5)
    values = np.floor(function(i) - error / 2 + 0.5)
    values[LAST] = _ONE - 1
    return values.astype(np.uint16)


def scaling(layer: Layer) -> tuple[int, int]:
    """What an input is multiplied with, and the shift to the right behind it."""
    scale = layer.input(0).type.scale
    mantissa, exponent = math.frexp(scale)
    power = _POWERS[layer.op].get(exponent - 1)
    if mantissa == 0.5 and power is not None:
        return power, 0
    multiplier, shift = scale * _UNITS, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        multiplier, shift = 2 * multiplier, shift + 1
    return int(multiplier), shift


def scales_are_clear(layer: Layer) -> str | None:
    """int16 has an output scale of 1/32768; its input scale is less than 5, and a power of two or far from it"""
    if not rules.is_wide(layer):
        return None
    x, y = layer.input(0).type.scale, layer.output.type.scale
    if y != 2**-15:
        return f"the output's scale is {y:g}, 1/32768 is needed"
    if not 0 < x < 5:
        return f"the input's scale is {x:g}"
    # LiteRT takes the nearest power of two where the logarithm is about a thousandth off it.
    distance = abs(math.log2(x) - round(math.log2(x)))
    return f"the input's scale is {x:g}, all but a power of two" if 0 < distance < 0.002 else None


def reference(layer: Layer, q: Array) -> Array:
    multiplier, shift = scaling(layer)
    x = (q.astype(np.int64) * multiplier + ((1 << shift) >> 1)) >> shift
    bits, size, values = (9 if layer.op == "LOGISTIC" else 8), np.abs(x), table().astype(np.int64)
    index = np.minimum(size >> bits, LAST - 1)
    line = (values[index] << bits) + (size & ((1 << bits) - 1)) * (values[index + 1] - values[index])
    most = 32767 << 10 if layer.op == "LOGISTIC" else 65535 << 8
    found = np.where(size >= LAST << bits, most, line)
    if layer.op == "LOGISTIC":
        rounded = np.where(x >= 0, found + 512, (1 << 25) - found + 511) >> 10
    else:
        above = found - (1 << 23)
        rounded = np.where(x >= 0, above + 128, 127 - above) >> 8
    return rounded.astype(np.int16)


def _case(name: str, scale: float) -> Case:
    x, y = (Operand((1500,), each, 0, DType.INT16) for each in (scale, 2**-15))
    return Case(f"int16_{name}", (x,), (y,))


CASES = (
    _case("usual", 3e-4),
    _case("power_of_two", 2**-12),
    _case("greater_power_of_two", 2**-11),
    _case("greatest_scale", 4.99),
    _case("vanishing", 1e-12),
)
RULES: tuple[Constraint, ...] = (rules.int8_or_int16_activations, scales_are_clear)
