"""EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER and GREATER_EQUAL: two tensors into bool, with broadcasting.

int8: each input is brought to 256ths of its real value, ``x_i = requantize((q_i - z_i) << 8, s_i)`` with two
roundings, and the integers are compared: real values closer than a 256th may be equal. bool and int32 are compared as
they are; bool only for equality.
Source: TFLite ``comparisons.cc`` and ``reference_ops::ComparisonWithScaling``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import DType, Layer, Tensor
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.elementwise import FEW_SHAPES, attributes, few_cases, few_loops, output_has_the_broadcast_shape

LEFT_SHIFT = 8
FUNCTIONS = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
}
EQUALITIES = ("EQUAL", "NOT_EQUAL")


def requantization(tensor: Tensor) -> tuple[int, int]:
    """Multiplier and shift from shifted int8 values to 256ths."""
    return quantize_multiplier(tensor.type.scale)


def int8_has_a_scale_below_one(layer: Layer) -> str | None:
    """int8 inputs have one scale each, less than 1: LiteRT has no result otherwise"""
    if layer.input(0).type.dtype is not DType.INT8:
        return None
    for index in range(2):
        quantization = layer.input(index).type.quantization
        if quantization is None or quantization.per_channel:
            return f"input {index} is not quantized with one scale"
        if requantization(layer.input(index))[1] > 0:
            return f"the scale of input {index} is {quantization.scale:g}, less than 1 is needed"
    return None


def _compared(layer: Layer, index: int, values: Array | None) -> Array:
    tensor = layer.input(index)
    assert values is not None
    if tensor.type.dtype is not DType.INT8:
        return values
    shifted = (values.astype(np.int64) - tensor.type.zero_point) << LEFT_SHIFT
    return requantize_double(shifted, *requantization(tensor))


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x1, x2 = (_compared(layer, index, inputs[index]) for index in range(2))
    found: Array = FUNCTIONS[layer.op](x1, x2)
    return (found.reshape(layer.output.shape),)


def _cases(name: str, one: Operand, other: Operand, *numbers: int) -> tuple[Case, ...]:
    found = few_cases(one, other, Operand((), dtype=DType.BOOL))
    return tuple(dataclasses.replace(found[i], name=f"{name}_{found[i].name}") for i in numbers)


_INT32, _BOOL = Operand((), dtype=DType.INT32), Operand((), dtype=DType.BOOL)
CASES = (
    *_cases("int8", Operand((), 0.0513, -7), Operand((), 0.0297, 5), *range(len(FEW_SHAPES))),
    *_cases("fine_int8", Operand((), 0.0031, -128), Operand((), 0.0031, -128), 0),
    *_cases("int32", _INT32, _INT32, 2, 3),
)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (
            rules.element_types(
                (0, 1), (DType.INT8, DType.INT32, *((DType.BOOL,) if name in EQUALITIES else ())), (DType.BOOL,)
            ),
            int8_has_a_scale_below_one,
            output_has_the_broadcast_shape,
            few_loops,
        ),
        reference,
        (*CASES, *(_cases("bool", _BOOL, _BOOL, 0) if name in EQUALITIES else ())),
    )
    for name in FUNCTIONS
)
