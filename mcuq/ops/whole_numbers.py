"""ADD_N and CUMSUM of int32, FILL of any type, ZEROS_LIKE of int32 and int64: what models compute beside int8.

ADD_N adds two tensors or more of one shape; CUMSUM adds along an axis, optionally without the element itself or from
the last. Sums are modulo 2**32. FILL repeats a scalar, its dimensions a constant; ZEROS_LIKE is zeros of its input's
shape.
Source: TFLite ``add_n.cc``, ``cumsum.cc``, ``fill.cc``, ``zeros_like.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import same_shape

_INT32 = (DType.INT32,)
_WHOLE = (DType.INT32, DType.INT64)


@dataclass(frozen=True, slots=True)
class CumulativeSum:
    """Attributes of CUMSUM: the axis, counted from the first."""

    axis: int
    exclusive: bool
    reverse: bool


def no_attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def cumsum_attributes(options: Mapping[str, Any], layer: Layer) -> CumulativeSum:
    rank, found = len(layer.input(0).shape), layer.input(1).data
    axis = 0 if found is None or found.size != 1 else int(found.reshape(-1)[0])
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor with {rank} dimensions")
    return CumulativeSum(axis % rank, bool(options.get("exclusive", False)), bool(options.get("reverse", False)))


def inputs_are_alike(layer: Layer) -> str | None:
    """there are two inputs or more, all int32 and of the output's shape"""
    if len(layer.inputs) < 2:
        return "there is one input, two are needed"
    for index in range(len(layer.inputs)):
        x = layer.input(index).type
        if (x.dtype, x.shape) != (DType.INT32, layer.output.shape):
            return f"input {index} is {x}, the output {layer.output.type}"
    found = layer.output.type.dtype
    return None if found is DType.INT32 else f"the output is {found.value}, int32 is needed"


def axis_is_one_number(layer: Layer) -> str | None:
    """the axis is one int32 number"""
    axis = layer.input(1).type
    return None if axis.elements == 1 and axis.dtype is DType.INT32 else f"the axis is {axis}"


def dimensions_are_the_outputs(layer: Layer) -> str | None:
    """the dimensions, int32 or int64, are the output's shape"""
    found = layer.input(0).data
    if found is None or layer.input(0).type.dtype not in _WHOLE:
        return "the dimensions are not int32 or int64 constants"
    dimensions = tuple(int(size) for size in found.reshape(-1))
    return None if dimensions == layer.output.shape else f"the output is {layer.output.shape}, not {dimensions}"


def value_is_one_of_the_outputs(layer: Layer) -> str | None:
    """the value is one element of the output's type and quantization"""
    value, y = layer.input(1).type, layer.output.type
    alike = value.shape == () and (value.dtype, value.quantization) == (y.dtype, y.quantization)
    return None if alike else f"the value is {value}, the output {y}"


def add_n_reference(_layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    arrays = [x for x in inputs if x is not None]
    with np.errstate(over="ignore"):
        total = np.asarray(np.sum(arrays, axis=0, dtype=np.int32))
    return (total,)


def cumsum_reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a, x = layer.attributes, inputs[0]
    assert x is not None
    turned = np.flip(x, a.axis) if a.reverse else x
    total: Array = np.cumsum(turned, a.axis, dtype=np.int32)
    total = total - turned if a.exclusive else total
    return (np.ascontiguousarray(np.flip(total, a.axis) if a.reverse else total),)


def fill_reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[1] is not None
    return (np.full(layer.output.shape, inputs[1], layer.output.type.dtype.numpy),)


def zeros_reference(layer: Layer, _inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    return (np.zeros(layer.output.shape, layer.output.type.dtype.numpy),)


def same_type(layer: Layer) -> str | None:
    """the output has the input's type"""
    found, expected = layer.output.type.dtype, layer.input(0).type.dtype
    return None if found is expected else f"the output is {found.value}, the input {expected.value}"


_VECTOR = Operand((3, 5), dtype=DType.INT32)


def _sum_case(name: str, shape: tuple[int, ...], axis: int, *, exclusive: bool = False, reverse: bool = False) -> Case:
    x = Operand(shape, dtype=DType.INT32)
    operands = (x, Operand((), dtype=DType.INT32, data=axis))
    return Case(name, operands, (x,), {"exclusive": exclusive, "reverse": reverse})


def _fill_case(name: str, value: Operand) -> Case:
    output = Operand((2, 3, 4), value.scale, value.zero_point, value.dtype)
    return Case(name, (Operand((3,), dtype=DType.INT32, data=(2, 3, 4)), value), (output,))


OPERATORS = (
    Operator(
        "ADD_N",
        no_attributes,
        (inputs_are_alike,),
        add_n_reference,
        (Case("two", (_VECTOR,) * 2, (_VECTOR,)), Case("four", (_VECTOR,) * 4, (_VECTOR,))),
    ),
    Operator(
        "CUMSUM",
        cumsum_attributes,
        (
            rules.element_types((0,), _INT32, _INT32),
            same_shape,
            rules.constant_input(1, "the axis"),
            axis_is_one_number,
        ),
        cumsum_reference,
        (
            _sum_case("rows", (3, 7), -1),
            _sum_case("exclusive", (2, 3, 4), 1, exclusive=True),
            _sum_case("reverse", (2, 3, 4), 0, reverse=True),
            _sum_case("exclusive_reverse", (2, 3, 4), 2, exclusive=True, reverse=True),
        ),
    ),
    Operator(
        "FILL",
        no_attributes,
        (dimensions_are_the_outputs, value_is_one_of_the_outputs),
        fill_reference,
        (
            _fill_case("int32", Operand((), dtype=DType.INT32)),
            _fill_case("int8", Operand((), 0.05, -7)),
            _fill_case("constant_bool", Operand((), dtype=DType.BOOL, data=True)),
        ),
    ),
    Operator(
        "ZEROS_LIKE",
        no_attributes,
        (rules.element_types((0,), _WHOLE, _WHOLE), same_type, same_shape),
        zeros_reference,
        (Case("int32", (_VECTOR,), (_VECTOR,)),),
    ),
)
