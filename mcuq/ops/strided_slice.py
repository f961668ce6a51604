"""STRIDED_SLICE: Python's indexing ``x[begin:end:stride, ...]``, with steps that may be negative.

A bit of a mask concerns the index of that number: begin_mask and end_mask leave the end out, shrink_axis_mask makes the
index a single one, whose axis goes, ellipsis_mask stands for all axes that no other index names, new_axis_mask for an
axis of size 1. Where ``offset`` is set, ends count from the beginnings.
Bytes are copied. Source: TFLite ``strided_slice.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Case, Operator
from mcuq.ops.moves import Move, case, constant_integers, reference, same_type, shapes_as_computed

Index = slice | int | None


@dataclass(frozen=True, slots=True)
class StridedSlice:
    """Attributes of STRIDED_SLICE: one numpy index for each axis of the input, and None for each new one."""

    indices: tuple[Index, ...]
    shapes: tuple[tuple[int, ...], ...]


def attributes(options: Mapping[str, Any], layer: Layer) -> StridedSlice:
    shape = layer.input(0).shape
    begins, ends, strides = (
        constant_integers(layer, 1 + i, role) for i, role in enumerate(("beginnings", "ends", "strides"))
    )
    if not len(begins) == len(ends) == len(strides):
        raise ValueError(f"{len(begins)} beginnings, {len(ends)} ends and {len(strides)} strides")
    masks = {
        name: int(options.get(f"{name}_mask", 0)) for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    if masks["ellipsis"] & (masks["ellipsis"] - 1):
        raise ValueError("there is more than one ellipsis")
    if options.get("offset"):
        ends = _ends_from_offsets(shape, begins, ends, strides, masks)
    indices: list[Index] = []
    for i, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        asked = {name for name, mask in masks.items() if mask >> i & 1}
        if "ellipsis" in asked:
            named = sum(not (masks["ellipsis"] | masks["new_axis"]) >> j & 1 for j in range(len(begins)))
            if named >= len(shape):
                raise ValueError("the ellipsis stands for no axis, of which LiteRT makes something else")
            indices += [slice(None)] * (len(shape) - named)
        elif "new_axis" in asked:
            indices.append(None)
        elif "shrink_axis" in asked:
            if stride < 0:
                raise ValueError(f"a single index with the stride {stride}")
            indices.append(0 if "begin" in asked else begin)
        else:
            indices.append(slice(None if "begin" in asked else begin, None if "end" in asked else end, stride))
    array = np.broadcast_to(np.int8(0), shape)
    return StridedSlice(tuple(indices), (array[tuple(indices)].shape,))


def _ends_from_offsets(
    shape: tuple[int, ...],
    begins: tuple[int, ...],
    offsets: tuple[int, ...],
    strides: tuple[int, ...],
    masks: Mapping[str, int],
) -> tuple[int, ...]:
    """Ends that count from the beginnings, counted from 0; LiteRT reads past them where one is left out or outside."""
    ends = []
    for size, begin, offset, stride in zip(shape, begins, offsets, strides, strict=True):
        end = begin % size + offset
        if masks["begin"] | masks["end"] | masks["ellipsis"] | masks["new_axis"]:
            raise ValueError("ends that count from the beginnings go with no mask")
        if not -size <= begin < size or not 0 <= end <= size or offset * stride < 0:
            raise ValueError(f"{offset} elements from {begin} on are not inside an axis of {size}")
        ends.append(end)
    return tuple(ends)


def moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    index = (*layer.attributes.indices, ...)  # with an ellipsis, a single element is a view, too
    return ((outputs[0], inputs[0][index]),)


def _case(name: str, shape: Any, begin: Any, end: Any, stride: Any, output: Any, **rest: Any) -> Case:
    return case(name, [shape], [output], [begin, end, stride], **rest)


CASES = (
    _case("crop", (1, 6, 5, 4), (0, 1, 1, 0), (1, 5, 4, 4), (1, 1, 1, 1), (1, 4, 3, 4)),
    _case("every_second", (1, 7, 6, 3), (0, 1, 0, 0), (1, 7, 6, 3), (1, 2, 2, 1), (1, 3, 3, 3)),
    _case("backwards", (3, 7), (2, -1), (0, -8), (-1, -2), (2, 4)),
    _case("masks", (4, 5, 6), (9, 1, 1), (9, 9, -1), (1, 2, 1), (4, 2, 4), begin_mask=1, end_mask=3),
    _case("masks_backwards", (4, 5), (0, 0), (0, 0), (-1, -1), (4, 5), begin_mask=3, end_mask=3),
    _case("last_row", (2, 5, 6), (0, -1, 0), (0, 0, 0), (1, 1, 1), (2, 6), begin_mask=5, end_mask=5,
          shrink_axis_mask=2),
    _case("one_element", (4, 5), (1, 2), (2, 3), (1, 1), (), shrink_axis_mask=3),
    _case("ellipsis", (2, 3, 4, 5), (0, 1), (0, 3), (1, 1), (2, 3, 4, 2), ellipsis_mask=1),
    _case("new_axes", (4, 5), (0, 1, 0), (0, 3, 0), (1, 1, 1), (1, 2, 1, 5), new_axis_mask=5),
    _case("fewer_indices", (4, 5, 6), (1,), (3,), (1,), (2, 5, 6)),
    _case("everything", (3, 4, 5, 6), (1, 0, 0, -2), (0, 0, 0, 0), (1, 1, 1, -3), (4, 5, 1, 2), ellipsis_mask=2,
          new_axis_mask=4, shrink_axis_mask=1, end_mask=8),
    _case("offsets", (4, 5), (-3, 3), (2, -2), (1, -1), (2, 2), offset=True),
    _case("floats", (2, 6), (0, 4), (2, 0), (1, -2), (2, 2), dtype=DType.FLOAT32),
)  # fmt: skip

OPERATORS = (
    Operator(
        "STRIDED_SLICE",
        attributes,
        (same_type(), shapes_as_computed),
        reference(moves),
        CASES,
        moves=moves,
    ),
)
