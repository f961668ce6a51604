"""REVERSE_V2: the elements along some axes in the opposite order.

Bytes are copied. Source: TFLite ``reverse.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import Move, axis_of, case, constant_integers, reference, same_type, shapes_as_computed


@dataclass(frozen=True, slots=True)
class Reverse:
    """Attributes of REVERSE_V2; ``axes`` count from the first dimension."""

    axes: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


def attributes(_options: Mapping[str, Any], layer: Layer) -> Reverse:
    shape = layer.input(0).shape
    axes = tuple(axis_of(axis, len(shape)) for axis in constant_integers(layer, 1, "axes"))
    if len(set(axes)) != len(axes):
        raise ValueError(f"an axis is reversed twice: {axes}")
    return Reverse(axes, (shape,))


def axes_are_neighbours(layer: Layer) -> str | None:
    """the axes are neighbours, which LiteRT asks for"""
    axes = sorted(layer.attributes.axes)
    return None if axes == list(range(axes[0], axes[-1] + 1)) else f"the axes {tuple(axes)} are not neighbours"


def moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    return ((outputs[0], np.flip(inputs[0], layer.attributes.axes)),)


CASES = (
    case("time", [(1, 7, 5)], [(1, 7, 5)], [(1,)]),
    case("long_rows", [(4, 40)], [(4, 40)], [(0,)]),
    case("channels", [(2, 3, 5)], [(2, 3, 5)], [(-1,)]),
    case("image", [(1, 3, 4, 2)], [(1, 3, 4, 2)], [(1, 2)]),
    case("everything", [(3, 5)], [(3, 5)], [(0, 1)]),
    case("floats", [(3, 2)], [(3, 2)], [(0,)], dtype=DType.FLOAT32),
)

OPERATORS = (
    Operator(
        "REVERSE_V2",
        attributes,
        (axes_are_neighbours, same_type(), shapes_as_computed),
        reference(moves),
        CASES,
        moves=moves,
    ),
)
