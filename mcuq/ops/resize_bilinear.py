"""RESIZE_BILINEAR: an int8 NHWC image in another size; each pixel is a mean of four, weighted by their distance.

Along each axis pixel i lies at ``p = i · s`` in steps of 1/1024 of a pixel, with ``s = round(1024 · input / output)``
(align_corners: of ``(input - 1) / (output - 1)``), or, with half_pixel_centers, at ``i · s + s // 2 - 512``; this is
between the pixels ``max(p // 1024, 0)`` and ``min(ceil(p / 1024), input - 1)``. Sums of four products are exact; they
are divided by 2**20, halves away from zero. Source: TFLite ``resize_bilinear.h``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.moves import case, shapes_as_computed
from mcuq.ops.resize_nearest_neighbor import output_size

ONE = 1 << 10


@dataclass(frozen=True, slots=True)
class Place:
    """Between two pixels along an axis: their numbers, and the second one's weight in 1/1024."""

    first: int
    second: int
    weight: int


@dataclass(frozen=True, slots=True)
class Bilinear:
    """Attributes of RESIZE_BILINEAR: the places of the output's rows and columns."""

    rows: tuple[Place, ...]
    columns: tuple[Place, ...]
    shapes: tuple[tuple[int, ...], ...]


def places(before: int, after: int, *, align: bool, half: bool) -> tuple[Place, ...]:
    steps, size = (after - 1, before - 1) if align and after > 1 else (after, before)
    scale = (ONE * size + steps // 2) // steps
    found = []
    for i in range(after):
        place = i * scale + (scale // 2 - ONE // 2 if half else 0)
        first = max(place // ONE, 0)
        found.append(Place(first, min((place + ONE - 1) // ONE, before - 1), place - ONE * first))
    return tuple(found)


def attributes(options: Mapping[str, Any], layer: Layer) -> Bilinear:
    batch, height, width, depth = layer.input(0).shape
    tall, wide = output_size(layer)
    align, half = bool(options.get("align_corners")), bool(options.get("half_pixel_centers"))
    if align and half:
        raise ValueError("align_corners and half_pixel_centers exclude each other")
    return Bilinear(
        places(height, tall, align=align, half=half),
        places(width, wide, align=align, half=half),
        ((batch, tall, wide, depth),),
    )


def places_are_inside(layer: Layer) -> str | None:
    """no place lies behind the last pixel by rounding, where LiteRT reads past the image"""
    a, (_, height, width, _) = layer.attributes, layer.input(0).shape
    behind = a.rows[-1].first >= height or a.columns[-1].first >= width
    return f"from {height}x{width} to {len(a.rows)}x{len(a.columns)} the last place is outside" if behind else None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Bilinear = layer.attributes
    assert inputs[0] is not None
    rows = _mixed(inputs[0].astype(np.int64), a.rows, axis=1)
    sums = _mixed(rows, a.columns, axis=2)
    rounded = np.sign(sums) * ((np.abs(sums) + (1 << 19)) >> 20)
    return (rounded.astype(np.int8),)


def _mixed(x: Array, along: Sequence[Place], axis: int) -> Array:
    """The weighted sums of two pixels along one axis."""
    shape = [1] * x.ndim
    shape[axis] = -1
    weights = np.array([place.weight for place in along]).reshape(shape)
    first, second = (x.take([getattr(place, name) for place in along], axis) for name in ("first", "second"))
    mixed: Array = first * (ONE - weights) + second * weights
    return mixed


CASES = (
    case("twice", [(1, 3, 4, 5)], [(1, 6, 8, 5)], [(6, 8)]),
    case("twice_half_pixels", [(1, 3, 4, 5)], [(1, 6, 8, 5)], [(6, 8)], half_pixel_centers=True),
    case("smaller", [(2, 7, 5, 3)], [(2, 3, 4, 3)], [(3, 4)]),
    case("smaller_half_pixels", [(1, 7, 5, 3)], [(1, 3, 4, 3)], [(3, 4)], half_pixel_centers=True),
    case("corners", [(1, 4, 3, 2)], [(1, 7, 9, 2)], [(7, 9)], align_corners=True),
    case("to_one_pixel", [(1, 4, 3, 2)], [(1, 1, 1, 2)], [(1, 1)], align_corners=True),
    Case(
        "other_scale",
        (Operand((1, 2, 2, 3), 0.05, -3), Operand((2,), dtype=DType.INT32, data=(5, 4))),
        (Operand((1, 5, 4, 3), 0.07, 9),),
    ),
)

OPERATORS = (
    Operator(
        "RESIZE_BILINEAR",
        attributes,
        (
            rules.quantized_activations((0,)),
            rules.rank(0, (4,), "the input"),
            shapes_as_computed,
            places_are_inside,
        ),
        reference,
        CASES,
    ),
)
