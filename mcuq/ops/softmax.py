"""SOFTMAX: ``out = exp(beta · in) / Σ exp(beta · in)`` along the last axis, int8 with the output's scale 1/256.

Integer, with ``d = q - max(q)`` of the row: ``e(d) = exp(d · beta · s_in)`` in Q0.31, zero where the argument is below
about -31; the sum of the ``e`` rounded to Q12.19; its reciprocal by three Newton steps, normalised to 1/2..1; then
``clamp(round(e · reciprocal / 2**k) - 128)``. ``e`` depends on d alone, so it is a table of 256 values.
LiteRT stops where the sum reaches 512; here all outputs of such a row are -128, the rounded value.
Of int16: ``softmax_int16.py``.
Source: TFLite ``reference_ops::Softmax`` (softmax.h), ``PreprocessSoftmaxScaling``, gemmlowp ``fixedpoint.h``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import doubling_high_multiply, quantize_multiplier, rounding_divide_by_power_of_two
from mcuq.ir import DType, Layer
from mcuq.ops import rules, softmax_int16
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.fixed_point_functions import reciprocal_of_normalised
from mcuq.ops.unary import same_shape

INTEGER_BITS = 5
"""Integer bits of the argument of exp: Q5.26."""
SUM_INTEGER_BITS = 12
MAX_DEPTH = (1 << SUM_INTEGER_BITS) - 1
_ONE = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Softmax:
    """Attributes of SOFTMAX."""

    beta: float


def attributes(options: Mapping[str, Any], _layer: Layer) -> Softmax:
    return Softmax(float(options.get("beta", 0.0)))


def input_multiplier(layer: Layer) -> float:
    """What an input difference is multiplied with to become Q5.26, at most 2**31 - 1."""
    scaled = layer.attributes.beta * layer.input(0).type.scale * (1 << (31 - INTEGER_BITS))
    return float(min(scaled, (1 << 31) - 1.0))


def arguments_are_representable(layer: Layer) -> str | None:
    """beta times the input's scale is more than 2**-26; of int16 less than 5, so that differences stay in int32"""
    found = layer.attributes.beta * layer.input(0).type.scale
    if rules.is_wide(layer) and not found < softmax_int16.MAX_SCALE:
        return f"beta times the input's scale is {found:g}"
    return None if input_multiplier(layer) > 1 else f"beta times the input's scale is {found:g}"


def output_is_parts_of_one(layer: Layer) -> str | None:
    """the output has scale 1/256 and zero point -128, of int16 1/32768 and 0; scales within a thousandth"""
    y = layer.output.type
    parts, zero_point = (32768, 0) if rules.is_wide(layer) else (256, -128)
    if abs(y.scale * parts - 1) > 0.001 or y.zero_point != zero_point:
        return f"the output has scale {y.scale:g} and zero point {y.zero_point}"
    return None


def rows_are_short(layer: Layer) -> str | None:
    """the last axis exists and has at most 4095 elements, so that the sum of exponentials fits"""
    shape = layer.input(0).shape
    if not shape:
        return "the input has no axis"
    return None if shape[-1] <= MAX_DEPTH else f"the last axis has {shape[-1]} elements"


def _exp_on_last_quarter(argument: Array) -> Array:
    """exp of Q0.31 values in [-1/4, 0): Taylor's series about -1/8, to the fourth power."""
    x = argument + (1 << 28)
    x2 = doubling_high_multiply(x, x)
    x3 = doubling_high_multiply(x2, x)
    x4_over_4 = rounding_divide_by_power_of_two(doubling_high_multiply(x2, x2), 2)
    cubic = doubling_high_multiply(x4_over_4 + x3, 715827883) + x2  # 1/3
    exp_minus_eighth = 1895147668
    series = x + rounding_divide_by_power_of_two(cubic, 1)
    return exp_minus_eighth + doubling_high_multiply(exp_minus_eighth, series)


# exp(-2**n) in Q0.31 for n = -2 .. 4.
_EXP_MINUS_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def _exp_of_negative(argument: Array) -> Array:
    """exp of Q5.26 values <= 0, in Q0.31: one factor for each bit above the last quarter."""
    fraction_bits = 31 - INTEGER_BITS
    quarter = 1 << (fraction_bits - 2)
    in_quarter = (argument & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(in_quarter << INTEGER_BITS)
    remainder = in_quarter - argument
    for bit, factor in enumerate(_EXP_MINUS_POWERS, start=fraction_bits - 2):
        result = np.where(remainder & (1 << bit), doubling_high_multiply(result, factor), result)
    return np.where(argument == 0, _ONE, result)


def exponential_table(layer: Layer) -> Array:
    """``e(-d)`` for d = 0 .. 255, int64 in Q0.31; zero where LiteRT leaves an element out."""
    multiplier, shift = quantize_multiplier(input_multiplier(layer))
    lowest = (((1 << INTEGER_BITS) - 1) << (31 - INTEGER_BITS)) >> shift
    differences = -np.arange(256, dtype=np.int64)
    counted = -differences <= lowest
    arguments = doubling_high_multiply(np.where(counted, differences, 0) << shift, multiplier)
    return np.where(counted, _exp_of_negative(arguments), 0)


def reciprocal(total: int) -> tuple[int, int]:
    """Of a sum in Q12.19: ``r`` in Q0.31 and ``k`` such that ``round(SRDHM(e, r) / 2**k)`` is e / sum in 256ths."""
    leading_zeros = 32 - total.bit_length()
    return reciprocal_of_normalised(total << leading_zeros), SUM_INTEGER_BITS - leading_zeros + 31 - 8


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    if rules.is_wide(layer):
        return (softmax_int16.reference(layer, inputs[0]),)
    rows = inputs[0].astype(np.int64).reshape(-1, layer.input(0).shape[-1])
    exponentials = exponential_table(layer)[rows.max(axis=1, keepdims=True) - rows]
    totals = rounding_divide_by_power_of_two(exponentials, SUM_INTEGER_BITS).sum(axis=1)
    factors, shifts = np.array([reciprocal(int(total)) for total in totals], np.int64).T
    scaled = rounding_divide_by_power_of_two(
        doubling_high_multiply(exponentials, factors[:, np.newaxis]), shifts[:, np.newaxis]
    )
    return (np.clip(scaled - 128, -128, 127).astype(np.int8).reshape(layer.output.shape),)


def _case(
    name: str, shape: tuple[int, ...], scale: float, *, zero_point: int = 5, beta: float = 1.0, output: float = 1 / 256
) -> Case:
    return Case(
        name, (Operand(shape, scale, zero_point),), (Operand(shape, output, -128),), {"beta": float(np.float32(beta))}
    )


def _wide_case(name: str, shape: tuple[int, ...], scale: float, beta: float = 1.0) -> Case:
    x, y = Operand(shape, scale, 0, DType.INT16), Operand(shape, 2**-15, 0, DType.INT16)
    return Case(f"int16_{name}", (x,), (y,), {"beta": float(np.float32(beta))})


CASES = (
    _wide_case("ten_classes", (30, 10), 3e-4),
    _wide_case("two_classes", (300, 2), 1e-4),
    _wide_case("one_class", (3, 1), 1e-3),
    _wide_case("longest_row", (1, MAX_DEPTH), 1e-5),
    _wide_case("beta", (400, 2), 0.000143, 0.3857),
    _wide_case("steepest", (4, 7), 4.9),
    _case("ten_classes", (1, 10), 0.08),
    _case("two_classes", (1, 2), 0.05),
    _case("one_class", (1, 1), 0.05),
    _case("rank_1", (12,), 0.1),
    _case("rank_3", (2, 3, 7), 0.1),
    _case("rank_4", (2, 3, 4, 5), 0.0123, zero_point=-128),
    _case("many_classes", (3, 1000), 0.06),
    _case("longest_row", (1, MAX_DEPTH), 0.1),
    _case("steep", (64, 12), 0.9, zero_point=127),
    _case("very_steep", (64, 12), 20.0),
    _case("steepest", (16, 12), 40.0),
    _case("flat", (8, 12), 1e-4),
    _case("flattest", (2, 12), 1.6e-8),
    _case("wide", (40, 33), 0.13),
    _case("narrow", (200, 3), 0.021),
    _case("beta_above_one", (8, 12), 0.05, beta=3.7),
    _case("beta_below_one", (8, 12), 0.3, beta=0.1),
    _case("output_scale_off_by_a_little", (8, 12), 0.08, output=1.0005 / 256),
)

OPERATORS = (
    Operator(
        "SOFTMAX",
        attributes,
        (
            rules.int8_or_int16_activations,
            same_shape,
            output_is_parts_of_one,
            rows_are_short,
            arguments_are_representable,
        ),
        reference,
        CASES,
    ),
)
