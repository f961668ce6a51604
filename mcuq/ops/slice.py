"""SLICE: a box of the input, ``sizes`` elements from ``begins`` on along each axis; a size of -1 goes to the end.

Bytes are copied. Source: TFLite ``slice.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Case, Operator
from mcuq.ops.moves import Move, case, constant_integers, reference, same_type, shapes_as_computed


@dataclass(frozen=True, slots=True)
class Slice:
    """Attributes of SLICE."""

    begins: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


def attributes(_options: Mapping[str, Any], layer: Layer) -> Slice:
    shape = layer.input(0).shape
    begins, given = constant_integers(layer, 1, "beginnings"), constant_integers(layer, 2, "sizes")
    if not len(begins) == len(given) == len(shape):
        raise ValueError(f"{len(begins)} beginnings and {len(given)} sizes for {len(shape)} dimensions")
    sizes = tuple(size - begin if n == -1 else n for begin, n, size in zip(begins, given, shape, strict=True))
    return Slice(begins, (sizes,))


def lies_inside(layer: Layer) -> str | None:
    """the box lies inside the input"""
    a, shape = layer.attributes, layer.input(0).shape
    inside = all(0 <= b <= b + n <= size for b, n, size in zip(a.begins, a.shapes[0], shape, strict=True))
    return None if inside else f"{a.shapes[0]} elements from {a.begins} on are not inside {shape}"


def moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    a = layer.attributes
    box = tuple(slice(begin, begin + size) for begin, size in zip(a.begins, a.shapes[0], strict=True))
    return ((outputs[0], inputs[0][box]),)


def _case(name: str, shape: Any, begins: Any, sizes: Any, output: Any = None, **rest: Any) -> Case:
    return case(name, [shape], [output or sizes], [begins, sizes], **rest)


CASES = (
    _case("crop", (1, 6, 5, 4), (0, 1, 2, 0), (1, 4, 3, 4)),
    _case("channels", (2, 3, 3, 7), (0, 0, 0, 2), (2, 3, 3, 5)),
    _case("first_rows", (5, 6), (0, 0), (2, 6)),
    _case("to_the_end", (3, 5, 4), (1, 0, 3), (-1, 2, -1), (2, 2, 1)),
    _case("rank_1", (40,), (7,), (31,)),
    _case("rank_5", (2, 3, 2, 3, 4), (1, 0, 1, 1, 1), (1, 2, 1, 2, 3)),
    _case("by_64_bits", (3, 5), (1, 1), (2, 3), integers=DType.INT64),
    _case("of_32_bits", (3, 5, 2), (0, 2, 0), (3, 2, 2), dtype=DType.INT32),
)

OPERATORS = (
    Operator(
        "SLICE",
        attributes,
        (lies_inside, same_type(), shapes_as_computed),
        reference(moves),
        CASES,
        moves=moves,
    ),
)
