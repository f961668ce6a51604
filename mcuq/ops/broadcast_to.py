"""BROADCAST_TO and TILE: the input repeated, element by element along axes of size 1, or as a whole along any axis.

Bytes are copied. Source: TFLite ``broadcast_to.cc`` and ``tile.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import Move, case, constant_integers, reference, same_type, shapes_as_computed


@dataclass(frozen=True, slots=True)
class Repeat:
    """Attributes of both operators; ``multiples`` are TILE's, one for each axis."""

    multiples: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


def broadcast_attributes(_options: Mapping[str, Any], layer: Layer) -> Repeat:
    shape = constant_integers(layer, 1, "shape")
    return Repeat((), (np.broadcast_to(np.broadcast_to(np.int8(0), layer.input(0).shape), shape).shape,))


def tile_attributes(_options: Mapping[str, Any], layer: Layer) -> Repeat:
    shape, multiples = layer.input(0).shape, constant_integers(layer, 1, "multiples")
    if len(multiples) != len(shape):
        raise ValueError(f"{len(multiples)} multiples for {len(shape)} dimensions")
    return Repeat(multiples, (tuple(size * times for size, times in zip(shape, multiples, strict=True)),))


def broadcast_moves(_layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    return ((outputs[0], np.broadcast_to(inputs[0], outputs[0].shape)),)


def tile_moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    shape, multiples = inputs[0].shape, layer.attributes.multiples
    once = [n for size in shape for n in (1, size)]
    repeated = [n for pair in zip(multiples, shape, strict=True) for n in pair]
    return ((outputs[0].reshape(repeated), np.broadcast_to(inputs[0].reshape(once), repeated)),)


BROADCAST_CASES = (
    case("channels", [(5,)], [(1, 4, 3, 5)], [(1, 4, 3, 5)]),
    case("rows", [(1, 4, 1, 3)], [(2, 4, 5, 3)], [(2, 4, 5, 3)]),
    case("scalar", [()], [(3, 4)], [(3, 4)]),
    case("alternating", [(1, 3, 1, 2, 1)], [(2, 3, 2, 2, 3)], [(2, 3, 2, 2, 3)]),
    case("nothing", [(3, 4)], [(3, 4)], [(3, 4)]),
    case("by_64_bits", [(2, 1)], [(2, 3)], [(2, 3)], integers=DType.INT64, dtype=DType.INT32),
)
TILE_CASES = (
    case("channels", [(1, 3, 2)], [(1, 3, 8)], [(1, 1, 4)]),
    case("image", [(1, 2, 3, 4)], [(1, 4, 9, 4)], [(1, 2, 3, 1)]),
    case("everything", [(2, 3, 2, 3)], [(4, 9, 4, 6)], [(2, 3, 2, 2)]),
    case("rank_1", [(5,)], [(15,)], [(3,)]),
    case("by_64_bits", [(2, 3)], [(4, 3)], [(2, 1)], integers=DType.INT64),
    case("floats", [(2, 3)], [(4, 3)], [(2, 1)], dtype=DType.FLOAT32),
)

OPERATORS = tuple(
    Operator(name, attributes, (same_type(), shapes_as_computed), reference(moves), cases, moves=moves)
    for name, attributes, moves, cases in (
        ("BROADCAST_TO", broadcast_attributes, broadcast_moves, BROADCAST_CASES),
        ("TILE", tile_attributes, tile_moves, TILE_CASES),
    )
)
