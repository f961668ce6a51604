"""QUANTIZE: real values, or values of another quantization, into int8, uint8 or int16.

From float32: ``clamp(round(x / s_out) + z_out)`` in single precision, halves away from zero. From the
others: ``clamp(z_out + requantize(q - z_in, m, s))`` with two roundings, the factor ``s_in / s_out`` in double
precision.
LiteRT leaves NaN and reals beyond 2**31 output steps undefined; here NaN becomes the zero point and the rest
saturates.
Source: TFLite ``reference_ops::AffineQuantize``, ``reference_ops::Requantize`` and ``quantize.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import DType, Layer, TensorType
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import most_shift, round_half_away, same_shape


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def from_float(layer: Layer) -> bool:
    """Is the input real numbers?"""
    return layer.input(0).type.dtype is DType.FLOAT32


_TYPES = (*rules.BYTE, DType.INT16)


def output_is_quantized(layer: Layer) -> str | None:
    """the output is int8, uint8 or int16 with one scale"""
    return rules.quantized_activations((), _TYPES)(layer)


def input_is_float_or_quantized(layer: Layer) -> str | None:
    """the input is float32, or int8, uint8 or int16 with one scale"""
    return None if from_float(layer) else rules.quantized_activations((0,), _TYPES)(layer)


def int16_is_symmetric(layer: Layer) -> str | None:
    """int16 has zero point 0, and is not made of uint8, nor uint8 of it"""
    if any(t.type.dtype is DType.INT16 and t.type.zero_point for t in (layer.input(0), layer.output)):
        return "an int16 tensor has a zero point other than 0"
    found = (layer.input(0).type.dtype, layer.output.type.dtype)
    return "int16 on one side, uint8 on the other" if {*found} == {DType.INT16, DType.UINT8} else None


def requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift from the input's scale to the output's."""
    return quantize_multiplier(layer.input(0).type.scale / layer.output.type.scale)


def scaled_input_fits_int32(layer: Layer) -> str | None:
    """a quantized input's scale is less than 2**23 times the output's, of int16 2**15 times"""
    shift = 0 if from_float(layer) else requantization(layer)[1]
    return None if shift <= most_shift(layer) else f"the input is scaled up by 2**{shift}, which overflows int32"


def quantized(real: Array, type_: TensorType) -> Array:
    """float32 values in the quantization of ``type_``."""
    limits = np.iinfo(type_.dtype.value)
    with np.errstate(over="ignore"):
        steps = np.nan_to_num(real.astype(np.float32) / np.float32(type_.scale), nan=0.0)
    # Beyond a few thousand steps everything saturates; clipping first keeps the sum small.
    rounded = round_half_away(np.clip(steps, -(1 << 20), 1 << 20)) + type_.zero_point
    values: Array = np.clip(rounded, limits.min, limits.max).astype(type_.dtype.numpy)
    return values


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x, output = inputs[0], layer.output.type
    assert x is not None
    if from_float(layer):
        return (quantized(x, output),)
    limits = np.iinfo(output.dtype.value)
    scaled = requantize_double(x.astype(np.int64) - layer.input(0).type.zero_point, *requantization(layer))
    return (np.clip(scaled + output.zero_point, limits.min, limits.max).astype(output.dtype.numpy),)


def _real(name: str, scale: float, zero_point: int, dtype: DType = DType.INT8, shape: tuple[int, ...] = (500,)) -> Case:
    return Case(f"float_{name}", (Operand(shape, dtype=DType.FLOAT32),), (Operand(shape, scale, zero_point, dtype),))


def _bytes(
    name: str, source: tuple[float, int, DType], target: tuple[float, int, DType], shape: tuple[int, ...] = (600,)
) -> Case:
    return Case(name, (Operand(shape, *source),), (Operand(shape, *target),))


_S, _U, _W = DType.INT8, DType.UINT8, DType.INT16

CASES = (
    _real("usual", 0.05, -7),
    _real("4_axes", 0.031, 12, shape=(1, 5, 6, 7)),
    _real("uint8", 0.05, 120, _U),
    _real("power_of_two_scale", 0.25, 0),
    _real("saturating", 0.001, -128),
    _real("zero_point_at_the_other_end", 0.05, 127),
    _real("coarse", 50.0, 3),
    _real("very_fine", 1e-6, 3),
    _real("one_element", 0.05, -7, shape=(1,)),
    _bytes("int8_to_int8", (0.05, -7, _S), (0.07, 3, _S)),
    _bytes("int8_to_finer_int8", (0.05, -7, _S), (0.013, 3, _S), (1, 5, 6, 7)),
    _bytes("int8_to_same_int8", (0.05, -7, _S), (0.05, -7, _S)),
    _bytes("uint8_to_int8", (0.05, 121, _U), (0.05, -7, _S)),
    _bytes("uint8_to_int8_other_scale", (0.05, 3, _U), (0.043, -7, _S)),
    _bytes("uint8_to_uint8", (0.05, 0, _U), (0.06, 255, _U)),
    _bytes("int8_to_uint8", (0.05, -7, _S), (0.05, 121, _U)),
    _bytes("int8_to_uint8_other_scale", (0.05, -128, _S), (0.06, 0, _U)),
    _bytes("int8_halves_round", (0.5, 0, _S), (1.0, 0, _S)),
    _bytes("int8_greatest_factor", (1.0, 0, _S), (1.3e-7, 0, _S)),
    _bytes("int8_vanishing", (1e-12, 0, _S), (1.0, 4, _S)),
    _real("int16", 2e-4, 0, _W),
    _bytes("int16_to_int8", (2e-4, 0, _W), (0.05, -7, _S)),
    _bytes("int16_to_int16", (2e-4, 0, _W), (3.1e-4, 0, _W)),
    _bytes("int16_greatest_factor", (1.0, 0, _W), (3.1e-5, 0, _W)),
    _bytes("int8_to_int16", (0.05, -7, _S), (2e-4, 0, _W)),
)

OPERATORS = (
    Operator(
        "QUANTIZE",
        attributes,
        (
            output_is_quantized,
            input_is_float_or_quantized,
            int16_is_symmetric,
            same_shape,
            scaled_input_fits_int32,
        ),
        reference,
        CASES,
        of_a_byte=True,
    ),
)
