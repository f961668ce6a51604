"""RESIZE_NEAREST_NEIGHBOR: an NHWC image in another size; each pixel is that of the input which is nearest.

``floor(i · s)`` with ``s = input / output``; half_pixel_centers looks at the middle of a pixel, ``(i + 0.5) · s``;
align_corners has ``s = (input - 1) / (output - 1)`` and rounds, halves upwards. All in single precision.
Bytes are copied. Source: TFLite ``resize_nearest_neighbor.h``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import case, constant_integers, same_type, shapes_as_computed

MOST = 1 << 16
"""Rows or columns."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Attributes of RESIZE_NEAREST_NEIGHBOR: for each row and column of the output that of the input."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


def output_size(layer: Layer) -> tuple[int, int]:
    """Height and width that a resizing layer asks for."""
    height, width = constant_integers(layer, 1, "size")
    if not 0 < min(height, width) <= max(height, width) <= MOST:
        raise ValueError(f"an image of {height}x{width}")
    return height, width


def nearest(before: int, after: int, *, align: bool, half: bool) -> tuple[int, ...]:
    """For ``after`` places the nearest of ``before``."""
    aligned = align and after > 1
    scale = np.float32(before - 1) / np.float32(after - 1) if aligned else np.float32(before) / np.float32(after)
    places = (np.arange(after, dtype=np.float32) + np.float32(0.5 if half else 0)) * scale
    whole = np.floor(places)
    if align:
        whole += places - whole >= np.float32(0.5)
    return tuple(int(place) for place in np.minimum(whole, before - 1))


def attributes(options: Mapping[str, Any], layer: Layer) -> Nearest:
    batch, height, width, depth = layer.input(0).shape
    tall, wide = output_size(layer)
    align, half = bool(options.get("align_corners")), bool(options.get("half_pixel_centers"))
    return Nearest(
        nearest(height, tall, align=align, half=half),
        nearest(width, wide, align=align, half=half),
        ((batch, tall, wide, depth),),
    )


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Nearest = layer.attributes
    x = inputs[0]
    assert x is not None
    return (x[:, list(a.rows)][:, :, list(a.columns)],)


CASES = (
    case("twice", [(1, 3, 4, 5)], [(1, 6, 8, 5)], [(6, 8)]),
    case("smaller", [(2, 7, 5, 3)], [(2, 3, 4, 3)], [(3, 4)]),
    case("half_pixels", [(1, 3, 4, 5)], [(1, 7, 3, 5)], [(7, 3)], half_pixel_centers=True),
    case("corners", [(1, 4, 3, 2)], [(1, 7, 9, 2)], [(7, 9)], align_corners=True),
    case("both", [(1, 4, 3, 2)], [(1, 7, 5, 2)], [(7, 5)], align_corners=True, half_pixel_centers=True),
    case("one_pixel", [(1, 1, 1, 33)], [(1, 3, 2, 33)], [(3, 2)]),
    case("floats", [(1, 2, 3, 2)], [(1, 4, 6, 2)], [(4, 6)], dtype=DType.FLOAT32),
)

OPERATORS = (
    Operator(
        "RESIZE_NEAREST_NEIGHBOR",
        attributes,
        (rules.rank(0, (4,), "the input"), same_type(), shapes_as_computed),
        reference,
        CASES,
    ),
)
