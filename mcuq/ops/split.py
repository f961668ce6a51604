"""SPLIT and SPLIT_V: the input cut along one axis, in equal parts or in parts of given sizes (-1: what is left).

Bytes are copied. Source: TFLite ``split.cc`` and ``split_v.cc``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import (
    Move,
    along,
    axis_of,
    case,
    constant_integer,
    constant_integers,
    reference,
    same_type,
    shapes_as_computed,
)


@dataclass(frozen=True, slots=True)
class Split:
    """Attributes of both operators; ``data`` is the number of the input that is cut, ``sizes`` are the parts' along
    ``axis``."""

    data: int
    axis: int
    sizes: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


def _split(data: int, axis: int, sizes: tuple[int, ...], shape: tuple[int, ...]) -> Split:
    if sum(sizes) != shape[axis] or min(sizes, default=0) < 0:
        raise ValueError(f"parts of {sizes} do not make the {shape[axis]} elements of axis {axis}")
    return Split(data, axis, sizes, tuple((*shape[:axis], size, *shape[axis + 1 :]) for size in sizes))


def split_attributes(_options: Mapping[str, Any], layer: Layer) -> Split:
    shape, count = layer.input(1).shape, len(layer.outputs)
    axis = axis_of(constant_integer(layer, 0, "axis"), len(shape))
    return _split(1, axis, (shape[axis] // count,) * count, shape)


def split_v_attributes(_options: Mapping[str, Any], layer: Layer) -> Split:
    shape = layer.input(0).shape
    axis = axis_of(constant_integer(layer, 2, "axis"), len(shape))
    sizes = constant_integers(layer, 1, "sizes of the parts")
    left = shape[axis] - sum(size for size in sizes if size != -1)
    if sizes.count(-1) > 1:
        raise ValueError(f"more than one of the parts {sizes} is what is left")
    return _split(0, axis, tuple(left if size == -1 else size for size in sizes), shape)


def moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    a: Split = layer.attributes
    x = inputs[a.data]
    ends = itertools.accumulate(a.sizes)
    return [(y, x[along(a.axis, slice(end - n, end))]) for y, n, end in zip(outputs, a.sizes, ends, strict=True)]


SPLIT_CASES = (
    case("channels", [(1, 4, 3, 6)], [(1, 4, 3, 2)] * 3, [3], first=True, num_splits=3),
    case("channels_by_a_negative_axis", [(2, 3, 8)], [(2, 3, 4)] * 2, [-1], first=True, num_splits=2),
    case("rows", [(1, 6, 3, 5)], [(1, 2, 3, 5)] * 3, [1], first=True, num_splits=3),
    case("outermost", [(4, 5)], [(1, 5)] * 4, [0], first=True, num_splits=4),
    case("one_part", [(3, 4)], [(3, 4)], [1], first=True, num_splits=1),
    case("of_16_bits", [(3, 4)], [(3, 1)] * 4, [(1,)], dtype=DType.INT16, first=True, num_splits=4),
)
SPLIT_V_CASES = (
    case("channels", [(1, 4, 3, 6)], [(1, 4, 3, 1), (1, 4, 3, 5)], [(1, 5), 3], num_splits=2),
    case("rest", [(2, 7, 3)], [(2, 2, 3), (2, 4, 3), (2, 1, 3)], [(2, -1, 1), -2], num_splits=3),
    case("outermost", [(7, 9)], [(3, 9), (4, 9)], [(3, 4), 0], num_splits=2),
    case("of_32_bits", [(2, 5)], [(2, 2), (2, 3)], [(2, 3), 1], dtype=DType.INT32, num_splits=2),
)

OPERATORS = tuple(
    Operator(name, attributes, (same_type(data), shapes_as_computed), reference(moves), cases, moves=moves)
    for name, attributes, data, cases in (
        ("SPLIT", split_attributes, 1, SPLIT_CASES),
        ("SPLIT_V", split_v_attributes, 0, SPLIT_V_CASES),
    )
)
