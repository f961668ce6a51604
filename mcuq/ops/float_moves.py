"""BATCH_MATMUL, RESIZE_BILINEAR, PAD and PADV2 of float32.

BATCH_MATMUL: sums in single precision, each product and each sum rounded once, in order.
RESIZE_BILINEAR: pixel i lies at ``p = i · s``, ``s = input / output`` (align_corners: ``(input - 1) / (output - 1)``);
with half_pixel_centers at ``(i + 0.5) · s - 0.5``; between the pixels ``max(⌊p⌋, 0)`` and ``min(⌈p⌉, input - 1)``. Four
products of two weights are added to 0 in order, all in single precision. Source: TFLite ``reference_ops``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import Layer
from mcuq.ops import batch_matmul, pad, resize_bilinear, rules
from mcuq.ops.base import Array, Operator
from mcuq.ops.float_weighted import cases_like
from mcuq.ops.floats import named, real_tensors
from mcuq.ops.moves import shapes_as_computed
from mcuq.ops.resize_nearest_neighbor import output_size

_ONE = np.float32(1)


@dataclass(frozen=True, slots=True)
class RealPlace:
    """Between two pixels along an axis: their numbers, and the second one's weight."""

    first: int
    second: int
    weight: float


@dataclass(frozen=True, slots=True)
class RealBilinear:
    """Attributes of RESIZE_BILINEAR: the places of the output's rows and columns."""

    rows: tuple[RealPlace, ...]
    columns: tuple[RealPlace, ...]
    shapes: tuple[tuple[int, ...], ...]


def _places(before: int, after: int, *, align: bool, half: bool) -> tuple[RealPlace, ...]:
    aligned = align and after > 1
    scale = np.float32(before - 1) / np.float32(after - 1) if aligned else np.float32(before) / np.float32(after)
    found = []
    for i in range(after):
        place = (np.float32(i) + np.float32(0.5)) * scale - np.float32(0.5) if half else np.float32(i) * scale
        first = max(int(np.floor(place)), 0)
        second = min(int(np.ceil(place)), before - 1)
        found.append(RealPlace(first, second, float(place - np.float32(first))))
    return tuple(found)


def _bilinear(options: Mapping[str, Any], layer: Layer) -> RealBilinear:
    batch, height, width, depth = layer.input(0).shape
    tall, wide = output_size(layer)
    align, half = bool(options.get("align_corners")), bool(options.get("half_pixel_centers"))
    if align and half:
        raise ValueError("align_corners and half_pixel_centers exclude each other")
    rows, columns = (_places(*sizes, align=align, half=half) for sizes in ((height, tall), (width, wide)))
    return RealBilinear(rows, columns, ((batch, tall, wide, depth),))


def places_are_inside(layer: Layer) -> str | None:
    """no place lies behind the last pixel by rounding"""
    a, (_, height, width, _) = layer.attributes, layer.input(0).shape
    behind = a.rows[-1].first >= height or a.columns[-1].first >= width
    return f"the last place of {len(a.rows)}x{len(a.columns)} is outside" if behind else None


def _resized(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a, x = layer.attributes, inputs[0]
    assert x is not None
    down = np.array([place.weight for place in a.rows], np.float32)[:, None, None]
    across = np.array([place.weight for place in a.columns], np.float32)[:, None]

    def pixels(row: str, column: str) -> Array:
        rows = x.take([getattr(place, row) for place in a.rows], 1)
        return rows.take([getattr(place, column) for place in a.columns], 2)

    up, back = _ONE - down, _ONE - across
    found = np.float32(0) + pixels("first", "first") * up * back + pixels("second", "first") * down * back
    found = found + pixels("first", "second") * up * across + pixels("second", "second") * down * across
    return (np.asarray(found, np.float32),)


def _multiplied(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a, left, right = layer.attributes, inputs[0], inputs[1]
    assert left is not None and right is not None
    left = np.swapaxes(left, -1, -2) if a.transposed_left else left
    right = np.swapaxes(right, -1, -2) if a.transposed_right else right
    total = np.zeros(layer.output.shape, np.float32)
    with np.errstate(all="ignore"):
        for i in range(a.depth):
            total += left[..., :, i, np.newaxis] * right[..., np.newaxis, i, :]
    return (total,)


def real_fill(layer: Layer) -> float:
    """What padding is filled with: 0, or the number that PADV2 is given."""
    given = layer.optional_input(2)
    return 0.0 if given is None or given.data is None else float(given.data.reshape(-1)[0])


def _padded(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    return (np.pad(inputs[0], layer.attributes.paddings, constant_values=real_fill(layer)),)


_PADDING = (
    real_tensors(0),
    pad.fill_value_is_quantized_like_the_output,
    pad.paddings_are_not_negative,
    pad.output_is_the_padded_input,
    pad.few_axes,
)

OPERATORS = (
    Operator(named("PAD"), pad.attributes, _PADDING, _padded, cases_like(pad.CASES, ("image_uneven", "everything"))),
    Operator(named("PADV2"), pad.attributes, _PADDING, _padded, cases_like(pad.V2_CASES, ("everything",))),
    Operator(
        named("BATCH_MATMUL"),
        batch_matmul.attributes,
        (real_tensors(0, 1), batch_matmul.shapes_agree),
        _multiplied,
        cases_like(batch_matmul.CASES, [case.name for case in batch_matmul.CASES[:7]]),
    ),
    Operator(
        named("RESIZE_BILINEAR"),
        _bilinear,
        (real_tensors(0), rules.rank(0, (4,), "the input"), shapes_as_computed, places_are_inside),
        _resized,
        cases_like(resize_bilinear.CASES, [case.name for case in resize_bilinear.CASES]),
    ),
)
