"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes in another shape; nothing is computed.

The output's shape is the file's. Where the new shape is given (a constant, or the options), it must agree; files
often leave both options and shape tensor out. A shape that is computed must be known in the file too.
Source: TFLite ``reshape.cc``, ``squeeze.cc``, ``expand_dims.cc``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Case, Operand, Operator


@dataclass(frozen=True, slots=True)
class Reshape:
    """Attributes of the three operators: the shape that the layer asks for, None where it does not say."""

    shape: tuple[int, ...] | None


def _resolved(shape: tuple[int, ...], elements: int) -> tuple[int, ...]:
    """``shape`` with its one -1 computed."""
    if shape.count(-1) > 1:
        raise ValueError(f"the new shape {shape} has more than one -1")
    known = math.prod(size for size in shape if size != -1)
    return tuple(elements // known if size == -1 else size for size in shape)


def reshape_attributes(options: Mapping[str, Any], layer: Layer) -> Reshape:
    tensor = layer.optional_input(1)
    new_shape = options.get("new_shape")
    if tensor is not None:
        # A computed shape is not known here, and LiteRT then ignores the options.
        new_shape = None if tensor.data is None else tensor.data.reshape(-1)
    if new_shape is None or (tensor is None and len(new_shape) == 0):
        return Reshape(None)
    return Reshape(_resolved(tuple(int(size) for size in new_shape), layer.input(0).type.elements))


def squeeze_attributes(options: Mapping[str, Any], layer: Layer) -> Reshape:
    shape = layer.input(0).shape
    listed = options.get("squeeze_dims")
    axes = [] if listed is None else [int(axis) for axis in listed]
    if any(not -len(shape) <= axis < len(shape) for axis in axes):
        raise ValueError(f"axes {axes} of a tensor with {len(shape)} dimensions")
    gone = {axis % len(shape) for axis in axes} if axes else {i for i, size in enumerate(shape) if size == 1}
    if any(shape[axis] != 1 for axis in gone):
        raise ValueError(f"axes {axes} of the shape {shape} are not all of size 1")
    return Reshape(tuple(size for axis, size in enumerate(shape) if axis not in gone))


def expand_dims_attributes(_options: Mapping[str, Any], layer: Layer) -> Reshape:
    shape, tensor = layer.input(0).shape, layer.input(1)
    if tensor.data is None or tensor.type.elements != 1:
        raise ValueError("the axis is not one constant")
    axis = int(tensor.data.reshape(-1)[0])
    if not -len(shape) - 1 <= axis <= len(shape):
        raise ValueError(f"axis {axis} of a tensor with {len(shape)} dimensions")
    axis %= len(shape) + 1
    return Reshape((*shape[:axis], 1, *shape[axis:]))


def same_elements(layer: Layer) -> str | None:
    """input and output have the same type and number of elements"""
    x, y = layer.input(0).type, layer.output.type
    if x.dtype is not y.dtype or x.elements != y.elements:
        return f"the input is {x}, the output {y}"
    return None


def shape_as_asked(layer: Layer) -> str | None:
    """the output has the shape that the layer asks for, where it asks for one"""
    shape = layer.attributes.shape
    return None if shape in (None, layer.output.shape) else f"the output is {layer.output.shape}, {shape} is asked for"


def shape_is_integers(layer: Layer) -> str | None:
    """the new shape or axis, where it is a tensor, is int32 (an axis may be int64)"""
    tensor = layer.optional_input(1)
    if tensor is None:
        return None
    allowed = (DType.INT32,) if layer.op == "RESHAPE" else (DType.INT32, DType.INT64)
    return None if tensor.type.dtype in allowed else f"the shape or axis is {tensor.type.dtype.value}"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    return (inputs[0].reshape(layer.output.shape),)


def _case(
    name: str,
    source: tuple[int, ...],
    target: tuple[int, ...],
    parameter: tuple[int, ...] | int | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    dtype: DType = DType.INT8,
    parameter_dtype: DType = DType.INT32,
) -> Case:
    scale = None if dtype is DType.FLOAT32 else 0.05
    shape = np.shape(parameter or 0)
    tensor = () if parameter is None else (Operand(shape, dtype=parameter_dtype, data=parameter),)
    return Case(
        name, (Operand(source, scale, 3, dtype), *tensor), (Operand(target, scale, 3, dtype),), dict(options or {})
    )


RESHAPE_CASES = (
    _case("shape_tensor", (1, 4, 3, 5), (1, 60), (1, 60)),
    _case("minus_one", (2, 4, 3, 5), (2, 60), (-1, 60)),
    _case("minus_one_at_the_end", (2, 4, 3, 5), (2, 4, 15), (2, 4, -1)),
    _case("only_options", (1, 60), (1, 4, 3, 5), options={"new_shape": [1, 4, 3, 5]}),
    _case("options_with_minus_one", (1, 60), (1, 4, 15), options={"new_shape": [1, 4, -1]}),
    _case("both", (1, 60), (3, 20), (3, -1), options={"new_shape": [3, 20]}),
    _case("uint8", (1, 60), (60,), (60,), dtype=DType.UINT8),
    _case("float", (1, 60), (60,), (60,), dtype=DType.FLOAT32),
    _case("one_element", (1,), (1, 1, 1), (1, 1, 1)),
    _case("rank_6", (2, 3, 4), (1, 2, 1, 3, 1, 4), (1, 2, 1, 3, 1, 4)),
)
SQUEEZE_CASES = (
    _case("all", (1, 4, 1, 5), (4, 5), options={"squeeze_dims": []}),
    _case("without_options", (1, 4, 1, 5), (4, 5)),
    _case("one_axis", (1, 4, 1, 5), (1, 4, 5), options={"squeeze_dims": [2]}),
    _case("negative_axis", (1, 4, 1, 5), (1, 4, 5), options={"squeeze_dims": [-2]}),
    _case("two_axes", (1, 4, 1, 5), (4, 5), options={"squeeze_dims": [0, 2]}),
    _case("nothing", (3, 4), (3, 4), options={"squeeze_dims": []}),
)
EXPAND_DIMS_CASES = (
    _case("first", (4, 5), (1, 4, 5), 0),
    _case("middle", (4, 5), (4, 1, 5), 1),
    _case("last", (4, 5), (4, 5, 1), 2),
    _case("negative", (4, 5), (4, 1, 5), -2),
    _case("axis_of_rank_1", (4, 5), (4, 5, 1), (-1,)),
    _case("axis_of_64_bits", (1, 4, 5), (1, 1, 4, 5), 1, parameter_dtype=DType.INT64),
)

_CONSTRAINTS = (same_elements, shape_is_integers, shape_as_asked)

OPERATORS = (
    Operator("RESHAPE", reshape_attributes, _CONSTRAINTS, reference, RESHAPE_CASES, aliases=True),
    Operator("SQUEEZE", squeeze_attributes, _CONSTRAINTS, reference, SQUEEZE_CASES, aliases=True),
    Operator("EXPAND_DIMS", expand_dims_attributes, _CONSTRAINTS, reference, EXPAND_DIMS_CASES, aliases=True),
)
