"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: every n-th pixel as an image of its own, and back.

The image is padded (with the output's zero point) or cropped along its one or two axes of space. Image number
``(i · block width + j) · batch + b`` holds the pixels (i, j) of all blocks of image b. TensorFlow wraps convolutions so
that are dilated. Bytes are copied. Source: TFLite ``space_to_batch_nd.cc`` and ``batch_to_space_nd.cc``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import Move, case, constant_integers, reference, same_type, shapes_as_computed

MOST_PIXELS = 256
"""Of a block: each is copied by a call of its own."""


@dataclass(frozen=True, slots=True)
class SpaceBatch:
    """Attributes of both operators, for each axis of space: the block's size, and the padding or what is cropped."""

    block: tuple[int, ...]
    margins: tuple[tuple[int, int], ...]
    shapes: tuple[tuple[int, ...], ...]


def _block_and_margins(layer: Layer) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    block, flat = constant_integers(layer, 1, "block's shape"), constant_integers(layer, 2, "padding or cropping")
    axes = len(layer.input(0).shape) - 2
    if len(block) != axes or layer.input(2).shape != (axes, 2) or min(block) < 1 or min(flat) < 0:
        raise ValueError(f"a block of {block} with margins {flat} for {axes} axes of space")
    return block, tuple(zip(flat[::2], flat[1::2], strict=True))


def space_to_batch_attributes(_options: Mapping[str, Any], layer: Layer) -> SpaceBatch:
    block, margins = _block_and_margins(layer)
    batch, *space, depth = layer.input(0).shape
    padded = [size + sum(pair) for size, pair in zip(space, margins, strict=True)]
    if any(size % n for size, n in zip(padded, block, strict=True)):
        raise ValueError(f"an image of {tuple(padded)} with its padding has no whole blocks of {block}")
    sizes = [size // n for size, n in zip(padded, block, strict=True)]
    return SpaceBatch(block, margins, ((batch * math.prod(block), *sizes, depth),))


def batch_to_space_attributes(_options: Mapping[str, Any], layer: Layer) -> SpaceBatch:
    block, margins = _block_and_margins(layer)
    batch, *space, depth = layer.input(0).shape
    if batch % math.prod(block):
        raise ValueError(f"{batch} images cannot be made blocks of {block}")
    sizes = [size * n - sum(pair) for size, n, pair in zip(space, block, margins, strict=True)]
    return SpaceBatch(block, margins, ((batch // math.prod(block), *sizes, depth),))


def blocks_are_small(layer: Layer) -> str | None:
    """a block has at most 256 pixels"""
    found = math.prod(layer.attributes.block)
    return None if found <= MOST_PIXELS else f"a block of {layer.attributes.block} has {found} pixels"


def _pairs(a: SpaceBatch, image: Array, parts: Array) -> Iterator[Move]:
    """The same pixels of the image in space, and of the images in the batch."""
    if not any(map(any, a.margins)):
        yield _all_at_once(a, image, parts)
        return
    batch = image.shape[0]
    for number, position in enumerate(itertools.product(*map(range, a.block))):
        part = parts[number * batch : (number + 1) * batch]
        of_image, of_part = [slice(None)], [slice(None)]
        for size, n, (before, _), i in zip(image.shape[1:], a.block, a.margins, position, strict=False):
            skipped = max(0, -(-(before - i) // n))
            first = skipped * n + i - before
            count = max(0, -(-(size - first) // n))
            of_image.append(slice(first, size, n))
            of_part.append(slice(skipped, skipped + count))
        yield image[tuple(of_image)], part[tuple(of_part)]


def _all_at_once(a: SpaceBatch, image: Array, parts: Array) -> Move:
    """The same where nothing is padded or cropped: blocks and their pixels as axes."""
    batch, *_, depth = image.shape
    space, axes = parts.shape[1:-1], range(len(a.block))
    blocks = image.reshape(batch, *(n for pair in zip(space, a.block, strict=True) for n in pair), depth)
    order = [len(axes), *(n for i in axes for n in (len(axes) + 1 + i, i)), 2 * len(axes) + 1]
    return blocks, parts.reshape(*a.block, batch, *space, depth).transpose(order)


def space_to_batch_moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    a: SpaceBatch = layer.attributes
    if any(map(any, a.margins)):
        quantization = layer.output.type.quantization
        fill = np.array(0 if quantization is None else quantization.zero_point, outputs[0].dtype)
        yield outputs[0], np.broadcast_to(fill, outputs[0].shape)
    for image, part in _pairs(a, inputs[0], outputs[0]):
        yield part, image


def batch_to_space_moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    return _pairs(layer.attributes, outputs[0], inputs[0])


SPACE_TO_BATCH_CASES = (
    case("blocks", [(1, 4, 6, 3)], [(4, 2, 3, 3)], [(2, 2), ((0, 0), (0, 0))]),
    case("padded", [(2, 4, 3, 2)], [(12, 3, 3, 2)], [(3, 2), ((2, 3), (1, 2))]),
    case("before_only", [(1, 3, 2, 1)], [(6, 3, 1, 1)], [(2, 3), ((3, 0), (0, 1))]),
    case("series", [(1, 7, 4)], [(2, 5, 4)], [(2,), ((2, 1),)], zero_point=-7),
    case("floats", [(1, 3, 2)], [(2, 2, 2)], [(2,), ((1, 0),)], dtype=DType.FLOAT32),
)
BATCH_TO_SPACE_CASES = (
    case("blocks", [(4, 2, 3, 3)], [(1, 4, 6, 3)], [(2, 2), ((0, 0), (0, 0))]),
    case("cropped", [(12, 3, 3, 2)], [(2, 4, 3, 2)], [(3, 2), ((2, 3), (1, 2))]),
    case("before_only", [(6, 3, 1, 1)], [(1, 3, 2, 1)], [(2, 3), ((3, 0), (0, 1))]),
    case("series", [(2, 5, 4)], [(1, 7, 4)], [(2,), ((2, 1),)]),
    case("floats", [(2, 2, 2)], [(1, 3, 2)], [(2,), ((1, 0),)], dtype=DType.FLOAT32),
)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (rules.rank(0, (3, 4), "the input"), blocks_are_small, same_type(), shapes_as_computed),
        reference(moves),
        cases,
        moves=moves,
    )
    for name, attributes, moves, cases in (
        ("SPACE_TO_BATCH_ND", space_to_batch_attributes, space_to_batch_moves, SPACE_TO_BATCH_CASES),
        ("BATCH_TO_SPACE_ND", batch_to_space_attributes, batch_to_space_moves, BATCH_TO_SPACE_CASES),
    )
)
