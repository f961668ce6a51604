"""ARG_MAX and ARG_MIN: where along an axis the greatest or least int8 value is, as int32 or int64.

Integer: the first index of equals. bool counts as 0 and 1. The axis is a constant, int32 or int64.
Source: TFLite ``reference_ops::ArgMinMax`` and ``arg_min_max.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator

_WHOLE = (DType.INT32, DType.INT64)
_SCHEMA_TYPES = {DType.INT32: 2, DType.INT64: 4}
_FUNCTIONS = {"ARG_MAX": np.argmax, "ARG_MIN": np.argmin}


@dataclass(frozen=True, slots=True)
class ArgExtreme:
    """Attributes of ARG_MAX and ARG_MIN: the axis, counted from the first, and the type asked for, where one is."""

    axis: int
    output_type: DType | None


def attributes(options: Mapping[str, Any], layer: Layer) -> ArgExtreme:
    rank, found = len(layer.input(0).shape), layer.input(1).data
    types = {number: dtype for dtype, number in _SCHEMA_TYPES.items()}
    output_type = types[options["output_type"]] if options.get("output_type") in types else None
    if found is None or found.size != 1:
        return ArgExtreme(0, output_type)
    axis = int(found.reshape(-1)[0])
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor with {rank} dimensions")
    return ArgExtreme(axis % rank, output_type)


def axis_is_one_number(layer: Layer) -> str | None:
    """the axis is one int32 or int64 number"""
    axis = layer.input(1).type
    return None if axis.elements == 1 and axis.dtype in _WHOLE else f"the axis is {axis}, one int32 number is needed"


def shapes_agree(layer: Layer) -> str | None:
    """the output's shape is the input's without the axis"""
    shape, axis = layer.input(0).shape, layer.attributes.axis
    expected = (*shape[:axis], *shape[axis + 1 :])
    return None if layer.output.shape == expected else f"the output is {layer.output.shape}, not {expected}"


def type_as_asked(layer: Layer) -> str | None:
    """the output has the type that the options ask for"""
    asked, found = layer.attributes.output_type, layer.output.type.dtype
    return None if asked in (None, found) else f"the output is {found.value}, {asked.value} is asked for"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    found: Array = _FUNCTIONS[layer.op](inputs[0], axis=layer.attributes.axis)
    return (np.asarray(found, layer.output.type.dtype.numpy),)


def _case(name: str, shape: tuple[int, ...], axis: int, dtype: DType = DType.INT32, x: Operand | None = None) -> Case:
    output = tuple(n for i, n in enumerate(shape) if i != axis % len(shape))
    x = x or Operand(shape, 0.05, -7)
    axis_operand = Operand((), dtype=DType.INT32, data=axis)
    return Case(name, (x, axis_operand), (Operand(output, dtype=dtype),), {"output_type": _SCHEMA_TYPES[dtype]})


CASES = (
    _case("classes", (1, 10), 1),
    _case("classes_int64", (1, 10), -1, DType.INT64),
    _case("of_each_pixel", (1, 5, 3, 7), 3),
    _case("rows", (1, 300, 2), 1),
    _case("first_axis_int64", (5, 3, 2), 0, DType.INT64),
    _case("scalar_output", (9,), 0),
    _case("bool", (3, 6), 1, x=Operand((3, 6), dtype=DType.BOOL)),
)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (
            rules.element_types((0,), (DType.INT8, DType.BOOL), _WHOLE),
            rules.constant_input(1, "the axis"),
            axis_is_one_number,
            shapes_agree,
            type_as_asked,
        ),
        reference,
        CASES,
    )
    for name in _FUNCTIONS
)
