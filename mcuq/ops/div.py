"""DIV: ``out = act(in1 / in2)`` with broadcasting, int8.

Integer, with ``x = q_1 - z_1`` and ``d = q_2 - z_2``, both negated where d is negative: ``r / 2**k``, the reciprocal of
d by Newton's method; ``u = SRDHM(x << h, r)``, h as great as fits; ``clamp(z_out + requantize(u, m, s - k - h))`` with
two roundings. The factor is ``s_1 / (s_2 · s_out)`` in single precision, as LiteRT computes it.
LiteRT shifts by ``-(s - k - h)`` places even where that is more than 31: it then has no defined result, and the layer
is refused. It stops where a divisor is its zero point; here such a divisor counts as 1.
Source: TFLite ``reference_ops::DivElementwise``, ``GetReciprocal`` and ``div.cc``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.fixedpoint import doubling_high_multiply, quantize_multiplier, requantize_double
from mcuq.ir import Layer, Tensor
from mcuq.ops import rules
from mcuq.ops.activation import Activation, quantized_range
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.elementwise import attributes, broadcast_shape, few_loops, output_has_the_broadcast_shape
from mcuq.ops.fixed_point_functions import reciprocal_of_normalised


def requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift of the quotient."""
    scale1, scale2 = np.float32(layer.input(0).type.scale), np.float32(layer.input(1).type.scale)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        factor = scale1 / (scale2 * np.float32(layer.output.type.scale))
    return quantize_multiplier(float(min(factor, np.float32(2.0**40))))


def _differences(tensor: Tensor) -> Array:
    """All differences from the zero point that occur."""
    values = np.arange(-128, 128) if tensor.data is None else tensor.data.astype(np.int64)
    found: Array = np.unique(values - tensor.type.zero_point)
    return found


def _headroom(values: Array) -> Array:
    """Sign bits of int32 values that are not needed: 31 for 0 and -1."""
    magnitudes = np.where(values < 0, ~values, values)
    bits: Array = np.frexp(magnitudes.astype(np.float64))[1].astype(np.int64)
    return 31 - bits


def divisor_is_not_zero(layer: Layer) -> str | None:
    """no constant divisor is zero"""
    divisor = layer.input(1)
    zero = divisor.data is not None and bool((divisor.data == divisor.type.zero_point).any())
    return "a divisor is zero" if zero else None


def every_shift_is_defined(layer: Layer) -> str | None:
    """s_1 / (s_2 · s_out) is so great, 128 if all values occur, that LiteRT shifts quotients by at most 31 places"""
    _, shift = requantization(layer)
    divisors = np.abs(_differences(layer.input(1)))
    numerators = _differences(layer.input(0))
    headrooms = np.concatenate([_headroom(numerators), _headroom(-numerators)])
    least = shift - (int(divisors.max()).bit_length() - 1) - int(headrooms.max())
    greatest = shift - int(headrooms.min())
    if least >= -31 and greatest <= 0:
        return None
    return f"quotients are shifted by {-greatest} to {-least} places, LiteRT defines 0 to 31"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None and inputs[1] is not None
    x = inputs[0].astype(np.int64) - layer.input(0).type.zero_point
    d = inputs[1].astype(np.int64) - layer.input(1).type.zero_point
    dividend, divisor = np.where(d < 0, -x, x), np.where(d == 0, 1, np.abs(d))
    reciprocals = np.array([0, *(reciprocal_of_normalised(n << (32 - n.bit_length())) for n in range(1, 256))])
    places = np.array([0, *(n.bit_length() - 1 for n in range(1, 256))])
    headroom = _headroom(dividend)
    unscaled = doubling_high_multiply(dividend << headroom, reciprocals[divisor])
    multiplier, shift = requantization(layer)
    scaled = requantize_double(unscaled, multiplier, shift - places[divisor] - headroom)
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    return (np.clip(scaled + layer.output.type.zero_point, low, high).astype(np.int8).reshape(layer.output.shape),)


def _case(
    name: str,
    shape1: tuple[int, ...],
    shape2: tuple[int, ...] | None = None,
    *,
    scales: tuple[float, float, float] = (0.05, 0.05, 1 / 256),
    zero_points: tuple[int, int, int] = (-7, -128, -20),
    activation: Activation = Activation.NONE,
    constant: tuple[int, ...] | None = None,
) -> Case:
    shape2 = shape1 if shape2 is None else shape2
    inputs = (
        Operand(shape1, scales[0], zero_points[0]),
        Operand(shape2, scales[1], zero_points[1], data=constant, least=zero_points[1] + 1),
    )
    output = Operand(broadcast_shape(shape1, shape2), scales[2], zero_points[2])
    return Case(name, inputs, (output,), {"fused_activation_function": int(activation)})


CASES = (
    _case("same_shape", (1, 8, 3, 7)),
    _case("channels", (1, 4, 3, 5), (5,)),
    _case("first_input_repeats", (5,), (1, 4, 3, 5)),
    _case("four_loops", (2, 1, 3, 1), (1, 4, 3, 5)),
    _case("constant_divisors", (1, 4, 3, 5), (5,), zero_points=(3, 0, 5), constant=(-128, -1, 1, 77, 127)),
    _case("relu6", (1, 8, 3, 7), activation=Activation.RELU6),
    _case("fine_output", (1, 8, 3, 7), scales=(0.9, 0.01, 0.0003)),
)

OPERATORS = (
    Operator(
        "DIV",
        attributes,
        (
            rules.quantized_activations((0, 1)),
            output_has_the_broadcast_shape,
            few_loops,
            rules.fused_activation_is_a_clamp,
            rules.clamp_fits_int32,
            divisor_is_not_zero,
            every_shift_is_defined,
        ),
        reference,
        CASES,
    ),
)
