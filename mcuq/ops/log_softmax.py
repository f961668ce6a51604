"""LOG_SOFTMAX: ``out = in - log Σ exp(in)`` along the last axis, int8; the output has scale 1/16 and zero point 127.

Integer, with ``d = q - max(q)`` of the row: ``x(d) = d · s_in`` in Q5.26; the sum of ``exp(x)`` as in SOFTMAX, in
Q12.19; its logarithm ``l`` in Q5.26; then ``clamp(round((x(d) - l) / 2**22) + 127)``, and -128 where x or ``x - l``
leaves Q5.26.
Source: TFLite ``reference_integer_ops::LogSoftmax`` (log_softmax.h) and ``PreprocessLogSoftmaxScalingExp``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double, rounding_divide_by_power_of_two
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.fixed_point_functions import logarithm
from mcuq.ops.softmax import (
    INTEGER_BITS,
    SUM_INTEGER_BITS,
    Softmax,
    arguments_are_representable,
    exponential_table,
    input_multiplier,
    rows_are_short,
)
from mcuq.ops.unary import same_shape

OUTPUT_SHIFT = 31 - INTEGER_BITS - 4


def attributes(_options: Mapping[str, Any], _layer: Layer) -> Softmax:
    """Those of SOFTMAX, of which it is the logarithm."""
    return Softmax(1.0)


def output_is_16ths(layer: Layer) -> str | None:
    """the output has scale 1/16 and zero point 127"""
    y = layer.output.type
    if (y.scale, y.zero_point) == (1 / 16, 127):
        return None
    return f"the output has scale {y.scale:g} and zero point {y.zero_point}"


def scaling(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift from differences to Q5.26."""
    return quantize_multiplier(input_multiplier(layer))


def reverse_scaling(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift from Q5.26 to differences."""
    multiplier, shift = scaling(layer)
    return quantize_multiplier((1 << (31 - shift)) / multiplier)


def least_difference(layer: Layer) -> int:
    """The least difference that Q5.26 holds."""
    _, shift = scaling(layer)
    return -((((1 << INTEGER_BITS) - 1) << (31 - INTEGER_BITS)) >> shift)


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    rows = inputs[0].astype(np.int64).reshape(-1, layer.input(0).shape[-1])
    differences = rows - rows.max(axis=1, keepdims=True)
    exponentials = exponential_table(layer)[-differences]
    totals = rounding_divide_by_power_of_two(exponentials, SUM_INTEGER_BITS).sum(axis=1)
    logs = np.array([logarithm(int(total)) for total in totals], np.int64)[:, np.newaxis]
    least = np.maximum(least_difference(layer) - 1, requantize_double(logs - (1 << 31), *reverse_scaling(layer)))
    counted = differences > least
    x = requantize_double(np.where(counted, differences, 0), *scaling(layer))
    scaled = np.clip(rounding_divide_by_power_of_two(x - logs, OUTPUT_SHIFT) + 127, -128, 127)
    return (np.where(counted, scaled, -128).astype(np.int8).reshape(layer.output.shape),)


def _case(name: str, shape: tuple[int, ...], scale: float, zero_point: int = 5) -> Case:
    return Case(name, (Operand(shape, scale, zero_point),), (Operand(shape, 1 / 16, 127),))


CASES = (
    _case("ten_classes", (5, 10), 0.08),
    _case("one_class", (1, 1), 0.05),
    _case("two_classes", (90, 2), 0.021),
    _case("rank_4", (2, 3, 4, 5), 0.0123, -128),
    _case("many_classes", (3, 1000), 0.06),
    _case("steep", (64, 12), 0.9, 127),
    _case("steepest", (16, 12), 40.0),
    _case("flat", (8, 12), 1e-4),
)

OPERATORS = (
    Operator(
        "LOG_SOFTMAX",
        attributes,
        (
            rules.quantized_activations((0,)),
            same_shape,
            output_is_16ths,
            rows_are_short,
            arguments_are_representable,
        ),
        reference,
        CASES,
    ),
)
