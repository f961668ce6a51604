"""Operators that only move elements, of any element type. The operator says how large its outputs are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from mcuq.ir import DType, Layer, Tensor
from mcuq.ops import operators
from mcuq.ops.base import Case, Operand
from tests.strategies.drawing import case_names, ints, shapes, sizes

TYPES = (DType.INT8, DType.INT8, DType.UINT8, DType.INT16, DType.INT32, DType.INT64, DType.FLOAT32)
integers = st.sampled_from([DType.INT32, DType.INT64])
small = st.sampled_from([1, 1, 2, 3])


@st.composite
def tensors(draw: st.DrawFn, shape: tuple[int, ...], types: Sequence[DType] = TYPES) -> Operand:
    """An activation of any type."""
    dtype = draw(st.sampled_from(types))
    if dtype.bytes > 2 or dtype is DType.FLOAT32:
        return Operand(shape, dtype=dtype)
    zero = {DType.INT8: st.integers(-128, 127), DType.UINT8: st.integers(0, 255)}.get(dtype, st.just(0))
    return Operand(shape, 0.05, draw(zero), dtype)


def case_of(
    draw: st.DrawFn, operator: str, inputs: Sequence[Operand], *, outputs: int = 1, data: int = 0, **options: Any
) -> Case:
    """The case with as many outputs, of the sizes that the operator computes; drawn again where it computes none."""
    x = inputs[data]
    empty = [Operand((), x.scale, x.zero_point, x.dtype)] * outputs
    layer = Layer("made", operator, options, tuple(map(_tensor, inputs)), tuple(map(_tensor, empty)))
    try:
        found = operators()[operator].attributes(options, layer).shapes
    except (ValueError, IndexError):
        reject()
    made = tuple(Operand(shape, x.scale, x.zero_point, x.dtype) for shape in found)
    return Case(draw(case_names), tuple(inputs), made, options)


def _tensor(operand: Operand) -> Tensor:
    """A constant with its values, or an activation."""
    values = None if operand.data is None else np.asarray(operand.data, operand.dtype.numpy).reshape(operand.shape)
    return Tensor("made", operand.type, values)


@st.composite
def transposes(draw: st.DrawFn) -> Case:
    shape = draw(shapes((1, 6)))
    axes = draw(st.permutations(range(len(shape))))
    return case_of(draw, "TRANSPOSE", [draw(tensors(shape)), ints(axes, len(axes))])


@st.composite
def slices(draw: st.DrawFn) -> Case:
    shape, dtype = draw(shapes((1, 5))), draw(integers)
    begins = [draw(st.integers(0, size - 1)) for size in shape]
    counts = [draw(st.sampled_from([-1, 1, n - b, (n - b + 1) // 2])) for n, b in zip(shape, begins, strict=True)]
    parameters = [ints(values, len(shape), dtype=dtype) for values in (begins, counts)]
    return case_of(draw, "SLICE", [draw(tensors(shape)), *parameters])


@st.composite
def strided_slices(draw: st.DrawFn) -> Case:
    shape = draw(shapes((1, 4)))
    count = draw(st.integers(1, len(shape) + 1))
    strides = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in range(count)]
    begins, ends = ([draw(st.integers(-9, 9)) for _ in range(count)] for _ in range(2))
    masks = {name: draw(st.integers(0, (1 << count) - 1)) for name in ("begin", "end")}
    masks["shrink_axis"] = draw(st.integers(0, (1 << count) - 1)) & draw(st.integers(0, (1 << count) - 1))
    masks["new_axis"] = draw(st.sampled_from([0, 0, 1, 2, 1 << (count - 1)])) & ((1 << count) - 1)
    masks["ellipsis"] = draw(st.sampled_from([0, 1 << draw(st.integers(0, count - 1))]))
    options = {f"{name}_mask": mask for name, mask in masks.items()} | {"offset": draw(st.booleans())}
    return case_of(
        draw, "STRIDED_SLICE", [draw(tensors(shape)), *(ints(v, count) for v in (begins, ends, strides))], **options
    )


@st.composite
def splits(draw: st.DrawFn) -> Case:
    count, shape = draw(st.integers(1, 4)), list(draw(shapes((1, 4))))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    shape[axis] *= count
    inputs = [ints(axis), draw(tensors(tuple(shape)))]
    return case_of(draw, "SPLIT", inputs, outputs=count, data=1, num_splits=count)


@st.composite
def uneven_splits(draw: st.DrawFn) -> Case:
    parts, shape = draw(st.lists(sizes, min_size=1, max_size=4)), list(draw(shapes((1, 4))))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    shape[axis] = sum(parts)
    asked = list(parts)
    if draw(st.booleans()):
        asked[draw(st.integers(0, len(parts) - 1))] = -1
    inputs = [draw(tensors(tuple(shape))), ints(asked, len(asked)), ints(axis)]
    return case_of(draw, "SPLIT_V", inputs, outputs=len(parts), num_splits=len(parts))


@st.composite
def packs(draw: st.DrawFn) -> Case:
    x, count = draw(tensors(draw(shapes((0, 4))))), draw(st.integers(1, 4))
    axis = draw(st.integers(-len(x.shape) - 1, len(x.shape)))
    return case_of(draw, "PACK", [x] * count, axis=axis, values_count=count)


@st.composite
def unpacks(draw: st.DrawFn) -> Case:
    shape = draw(shapes((1, 4)))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    types = (DType.INT8, DType.UINT8, DType.INT16, DType.INT32, DType.FLOAT32)
    return case_of(draw, "UNPACK", [draw(tensors(shape, types))], outputs=shape[axis], axis=axis, num=shape[axis])


@st.composite
def reversals(draw: st.DrawFn) -> Case:
    shape = draw(shapes((1, 4)))
    first = draw(st.integers(0, len(shape) - 1))
    axes = draw(st.permutations(range(first, draw(st.integers(first, len(shape) - 1)) + 1)))
    return case_of(draw, "REVERSE_V2", [draw(tensors(shape)), ints(axes, len(axes))])


@st.composite
def broadcasts(draw: st.DrawFn) -> Case:
    whole = draw(shapes((1, 5)))
    once = tuple(1 if draw(st.booleans()) else size for size in whole)[draw(st.integers(0, len(whole))) :]
    return case_of(draw, "BROADCAST_TO", [draw(tensors(once)), ints(whole, len(whole), dtype=draw(integers))])


@st.composite
def tiles(draw: st.DrawFn) -> Case:
    shape = draw(shapes((1, 4)))
    multiples = [draw(small) for _ in shape]
    return case_of(draw, "TILE", [draw(tensors(shape)), ints(multiples, len(shape), dtype=draw(integers))])


@st.composite
def blocks_of_channels(draw: st.DrawFn, operator: str) -> Case:
    size, batch, height, width, depth = (draw(small) for _ in range(5))
    deep = operator == "DEPTH_TO_SPACE"
    shape = (batch, height, width, depth * size * size) if deep else (batch, height * size, width * size, depth)
    types = (DType.INT8, DType.UINT8, DType.INT32, DType.INT64, DType.FLOAT32)
    return case_of(draw, operator, [draw(tensors(shape, types))], block_size=size)


@st.composite
def batches(draw: st.DrawFn, operator: str) -> Case:
    axes = draw(st.integers(1, 2))
    block = [draw(small) for _ in range(axes)]
    images = draw(small) * (math.prod(block) if operator == "BATCH_TO_SPACE_ND" else 1)
    space = [draw(sizes) for _ in block]
    margins = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in block]
    if operator == "SPACE_TO_BATCH_ND":
        margins = [(a, b + -(n + a + b) % of) for n, of, (a, b) in zip(space, block, margins, strict=True)]
    x = draw(tensors((images, *space, draw(small)), (DType.INT8, DType.UINT8, DType.INT32, DType.FLOAT32)))
    if x.dtype is DType.INT32:
        margins = [(0, -n % of) for n, of in zip(space, block, strict=True)]
    return case_of(draw, operator, [x, ints(block, axes), ints(margins, axes, 2)])


@st.composite
def mirrors(draw: st.DrawFn) -> Case:
    shape, mode = draw(shapes((1, 4))), draw(st.integers(0, 1))
    most = [min(size - 1 + mode, 4) for size in shape]
    margins = [(draw(st.integers(0, n)), draw(st.integers(0, n))) for n in most]
    x = draw(tensors(shape, (DType.INT8, DType.UINT8, DType.INT32, DType.INT64, DType.FLOAT32)))
    return case_of(draw, "MIRROR_PAD", [x, ints(margins, len(shape), 2, dtype=draw(integers))], mode=mode)


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...], sizes: Sequence[int], dtype: DType) -> Operand:
    """Indices into the given sizes, one after the other along the last axis: constants, or computed."""
    if len(set(sizes)) == 1 and draw(st.booleans()):
        return Operand(shape, dtype=dtype, least=0, most=sizes[0] - 1)
    count = math.prod(shape) // len(sizes)
    rows = [[draw(st.integers(0, size - 1)) for size in sizes] for _ in range(count)]
    return ints(rows, *shape, dtype=dtype)


@st.composite
def gathers(draw: st.DrawFn) -> Case:
    shape = draw(shapes((1, 4)))
    axis = draw(st.integers(0, len(shape) - 1))
    batch = draw(st.integers(0, axis))
    at = (*shape[:batch], *draw(shapes((0, 2)).filter(lambda found: math.prod(found) < 9)))
    given = draw(indices(at, [shape[axis]], draw(integers)))
    return case_of(draw, "GATHER", [draw(tensors(shape)), given], axis=axis, batch_dims=batch)


@st.composite
def coordinates(draw: st.DrawFn) -> Case:
    shape = draw(shapes((1, 4)))
    depth = draw(st.integers(1, len(shape)))
    at = (*draw(st.lists(small, min_size=1, max_size=2)), depth)
    x = draw(tensors(shape, (DType.INT8, DType.UINT8, DType.INT16, DType.INT32, DType.INT64, DType.FLOAT32)))
    return case_of(draw, "GATHER_ND", [x, draw(indices(at, shape[:depth], draw(integers)))])


@st.composite
def lookups(draw: st.DrawFn) -> Case:
    shape = draw(shapes((2, 4)))
    given = draw(indices((draw(sizes),), [shape[0]], DType.INT32))
    return case_of(draw, "EMBEDDING_LOOKUP", [given, draw(tensors(shape, (DType.INT8, DType.FLOAT32)))], data=1)


@st.composite
def one_hots(draw: st.DrawFn) -> Case:
    at, depth = draw(shapes((0, 3))), draw(sizes)
    dtype = draw(st.sampled_from([DType.INT8, DType.UINT8, DType.INT32, DType.INT64, DType.FLOAT32]))
    on, off = (ints(draw(st.integers(0, 100)), dtype=dtype) for _ in range(2))
    most = draw(st.sampled_from([None, depth]))
    given = Operand(at, dtype=draw(integers), least=None if most is None else -1, most=most)
    case = case_of(draw, "ONE_HOT", [given, ints(depth), on, off], axis=draw(st.integers(0, len(at))))
    return dataclasses.replace(case, outputs=(Operand(case.outputs[0].shape, dtype=dtype),))


@st.composite
def known_shapes(draw: st.DrawFn) -> Case:
    x, dtype = draw(tensors(draw(shapes((1, 5))))), draw(integers)
    number = {DType.INT32: 2, DType.INT64: 4}[dtype]  # the schema's
    return Case(draw(case_names), (x,), (Operand((len(x.shape),), dtype=dtype),), {"out_type": number})


@st.composite
def ranges(draw: st.DrawFn) -> Case:
    dtype = draw(st.sampled_from([DType.INT32, DType.INT64, DType.FLOAT32]))
    number = st.floats(-9, 9, width=32) if dtype is DType.FLOAT32 else st.integers(-40, 40)
    return case_of(draw, "RANGE", [ints(draw(number), dtype=dtype) for _ in range(3)])


@st.composite
def resizes(draw: st.DrawFn, operator: str) -> Case:
    shape = (draw(small), draw(sizes), draw(sizes), draw(small))
    size = [draw(st.one_of(sizes, st.sampled_from([n, 2 * n]), st.integers(1, 40))) for n in shape[1:3]]
    align, half = draw(st.sampled_from([(False, False), (True, False), (False, True), (True, True)]))
    x = draw(tensors(shape, (DType.INT8,) if operator == "RESIZE_BILINEAR" else (DType.INT8, DType.FLOAT32)))
    return case_of(draw, operator, [x, ints(size, 2)], align_corners=align, half_pixel_centers=half)


STRATEGIES = {
    "TRANSPOSE": transposes(),
    "SLICE": slices(),
    "STRIDED_SLICE": strided_slices(),
    "SPLIT": splits(),
    "SPLIT_V": uneven_splits(),
    "PACK": packs(),
    "UNPACK": unpacks(),
    "REVERSE_V2": reversals(),
    "BROADCAST_TO": broadcasts(),
    "TILE": tiles(),
    "DEPTH_TO_SPACE": blocks_of_channels("DEPTH_TO_SPACE"),
    "SPACE_TO_DEPTH": blocks_of_channels("SPACE_TO_DEPTH"),
    "SPACE_TO_BATCH_ND": batches("SPACE_TO_BATCH_ND"),
    "BATCH_TO_SPACE_ND": batches("BATCH_TO_SPACE_ND"),
    "MIRROR_PAD": mirrors(),
    "GATHER": gathers(),
    "GATHER_ND": coordinates(),
    "EMBEDDING_LOOKUP": lookups(),
    "ONE_HOT": one_hots(),
    "SHAPE": known_shapes(),
    "RANGE": ranges(),
    "RESIZE_NEAREST_NEIGHBOR": resizes("RESIZE_NEAREST_NEIGHBOR"),
    "RESIZE_BILINEAR": resizes("RESIZE_BILINEAR"),
}
