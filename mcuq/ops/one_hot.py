"""ONE_HOT: along a new axis, one value where the place is the index, another everywhere else.

An index outside gives the other value everywhere; of an int64 index the lower 32 bits count.
Source: TFLite ``one_hot.cc``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.moves import INTEGERS, axis_of, constant_integer, shapes_as_computed


@dataclass(frozen=True, slots=True)
class OneHot:
    """Attributes of ONE_HOT: the output is ``prefix`` x ``depth`` x ``suffix`` elements."""

    prefix: int
    depth: int
    suffix: int
    shapes: tuple[tuple[int, ...], ...]


def attributes(options: Mapping[str, Any], layer: Layer) -> OneHot:
    shape, depth = layer.input(0).shape, constant_integer(layer, 1, "depth")
    axis = axis_of(int(options.get("axis", 0)), len(shape) + 1)
    if depth < 1:
        raise ValueError(f"a depth of {depth}")
    return OneHot(math.prod(shape[:axis]), depth, math.prod(shape[axis:]), ((*shape[:axis], depth, *shape[axis:]),))


def indices_are_integers(layer: Layer) -> str | None:
    """the indices are int32 or int64"""
    found = layer.input(0).type.dtype
    return None if found in INTEGERS else f"the indices are {found.value}"


def values_are_single(layer: Layer) -> str | None:
    """both values are one element of the output's type"""
    for index in (2, 3):
        found = layer.input(index).type
        if found.dtype is not layer.output.type.dtype or found.elements != 1:
            return f"input {index} is {found}, the output {layer.output.type}"
    return None


def values(layer: Layer) -> Array:
    """The value everywhere else, and the one where the place is the index."""
    on, off = layer.input(2).data, layer.input(3).data
    assert on is not None and off is not None
    return np.concatenate([off.reshape(-1), on.reshape(-1)])


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: OneHot = layer.attributes
    assert inputs[0] is not None
    indices = inputs[0].astype(np.int32).reshape(a.prefix, 1, a.suffix)
    hot = indices == np.arange(a.depth, dtype=np.int32).reshape(1, -1, 1)
    return (values(layer)[hot.astype(np.int32)].reshape(a.shapes[0]),)


def _case(
    name: str,
    indices: tuple[int, ...],
    depth: int,
    axis: int = -1,
    dtype: DType = DType.INT8,
    *,
    index: DType = DType.INT32,
    on_off: tuple[Any, Any] = (127, -128),
    limits: tuple[int | None, int | None] = (-1, 9),
) -> Case:
    at = axis % (len(indices) + 1)
    scale = 0.05 if dtype is DType.INT8 else None
    on, off = (Operand((), scale, 3, dtype, data=value) for value in on_off)
    given = Operand(indices, dtype=index, least=limits[0], most=limits[1])
    output = Operand((*indices[:at], depth, *indices[at:]), scale, 3, dtype)
    options = {"axis": axis} if axis else {}  # which LiteRT reads as the first axis
    return Case(name, (given, Operand((), dtype=DType.INT32, data=depth), on, off), (output,), options)


CASES = (
    _case("last", (3, 4), 7),
    _case("first", (3, 4), 7, 0),
    _case("middle", (3, 4), 7, 1),
    _case("scalar", (), 5),
    _case("floats", (5,), 6, dtype=DType.FLOAT32, on_off=(1.0, 0.0)),
    _case("of_32_bits", (5,), 6, dtype=DType.INT32, on_off=(-1, 70000)),
    _case("by_64_bits", (9,), 6, index=DType.INT64, limits=(0, 6)),
    _case("any_index", (9,), 6, index=DType.INT64, limits=(None, None)),
)

OPERATORS = (
    Operator(
        "ONE_HOT",
        attributes,
        (
            indices_are_integers,
            rules.constant_input(2, "the value at the index"),
            rules.constant_input(3, "the value elsewhere"),
            values_are_single,
            shapes_as_computed,
        ),
        reference,
        CASES,
    ),
)
