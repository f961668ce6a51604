"""TRANSPOSE: the axes in another order; axis i of the output is axis ``axes[i]`` of the input.

Bytes are copied. Source: TFLite ``transpose.cc``, which takes up to six dimensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Case, Operator
from mcuq.ops.moves import Move, case, constant_integers, reference, same_type, shapes_as_computed

MAX_RANK = 6


@dataclass(frozen=True, slots=True)
class Transpose:
    """Attributes of TRANSPOSE; ``axes`` count from the first dimension."""

    axes: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


def attributes(_options: Mapping[str, Any], layer: Layer) -> Transpose:
    shape, given = layer.input(0).shape, constant_integers(layer, 1, "order of axes")
    axes = tuple(axis + len(shape) if axis < 0 else axis for axis in given)
    if sorted(axes) != list(range(len(shape))):
        raise ValueError(f"{given} is no order of {len(shape)} axes")
    return Transpose(axes, (tuple(shape[axis] for axis in axes),))


def at_most_six_dimensions(layer: Layer) -> str | None:
    """the input has at most six dimensions"""
    found = len(layer.input(0).shape)
    return None if found <= MAX_RANK else f"the input has {found} dimensions, at most {MAX_RANK} are compiled"


def moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    return ((outputs[0], inputs[0].transpose(layer.attributes.axes)),)


def _case(name: str, shape: tuple[int, ...], *axes: int, dtype: DType = DType.INT8) -> Case:
    return case(name, [shape], [tuple(shape[axis] for axis in axes)], [axes], dtype=dtype)


CASES = (
    _case("matrix", (5, 7), 1, 0),
    _case("nothing", (2, 3, 4), 0, 1, 2),
    _case("channels_first", (2, 4, 3, 5), 0, 3, 1, 2),
    _case("height_and_width", (1, 4, 3, 8), 0, 2, 1, 3),
    _case("long_rows", (3, 2, 37), 1, 0, 2),
    _case("negative_axis", (4, 3, 2), 0, -1, 1),
    _case("rank_5", (2, 3, 1, 2, 3), 4, 2, 0, 3, 1),
    _case("rank_6", (2, 3, 2, 3, 2, 3), 5, 3, 1, 4, 2, 0),
    _case("of_64_bits", (3, 5), 1, 0, dtype=DType.INT64),
    _case("float", (3, 1, 5), 2, 1, 0, dtype=DType.FLOAT32),
    _case("pairs", (3, 5, 2), 1, 0, 2, dtype=DType.INT16),
)

OPERATORS = (
    Operator(
        "TRANSPOSE",
        attributes,
        (at_most_six_dimensions, same_type(), shapes_as_computed),
        reference(moves),
        CASES,
        moves=moves,
    ),
)
