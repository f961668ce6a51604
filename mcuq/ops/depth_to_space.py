"""DEPTH_TO_SPACE and SPACE_TO_DEPTH: blocks of pixels from groups of channels, and groups of channels from blocks.

Of NHWC images; channel ``(i · block + j) · depth + c`` is channel c of the block's pixel (i, j).
Bytes are copied. Source: TFLite ``depth_to_space.cc`` and ``space_to_depth.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import Move, case, reference, same_type, shapes_as_computed


@dataclass(frozen=True, slots=True)
class Blocks:
    """Attributes of both operators: blocks are ``size`` pixels high and wide."""

    size: int
    shapes: tuple[tuple[int, ...], ...]


def depth_to_space_attributes(options: Mapping[str, Any], layer: Layer) -> Blocks:
    size = int(options.get("block_size", 0))
    batch, height, width, depth = layer.input(0).shape
    if size < 1 or depth % (size * size):
        raise ValueError(f"{depth} channels cannot be made blocks of {size}x{size}")
    return Blocks(size, ((batch, height * size, width * size, depth // (size * size)),))


def space_to_depth_attributes(options: Mapping[str, Any], layer: Layer) -> Blocks:
    size = int(options.get("block_size", 0))
    batch, height, width, depth = layer.input(0).shape
    if size < 1 or height % size or width % size:
        raise ValueError(f"an image of {height}x{width} cannot be cut into blocks of {size}x{size}")
    return Blocks(size, ((batch, height // size, width // size, depth * size * size),))


def _views(deep: Array, wide: Array, size: int) -> tuple[Array, Array]:
    """The same elements in the same order: of the image with more channels, and of that with more pixels."""
    batch, height, width, _ = deep.shape
    channels = deep.reshape(batch, height, width, size, size, -1).transpose(0, 1, 3, 2, 4, 5)
    return channels, wide.reshape(batch, height, size, width, size, -1)


def depth_to_space_moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    deep, wide = _views(inputs[0], outputs[0], layer.attributes.size)
    return ((wide, deep),)


def space_to_depth_moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    return (_views(outputs[0], inputs[0], layer.attributes.size),)


DEPTH_TO_SPACE_CASES = (
    case("usual", [(1, 2, 3, 8)], [(1, 4, 6, 2)], block_size=2),
    case("batch_2", [(2, 2, 1, 18)], [(2, 6, 3, 2)], block_size=3),
    case("one_channel", [(1, 3, 2, 4)], [(1, 6, 4, 1)], block_size=2),
    case("floats", [(1, 1, 2, 4)], [(1, 2, 4, 1)], dtype=DType.FLOAT32, block_size=2),
)
SPACE_TO_DEPTH_CASES = (
    case("usual", [(1, 4, 6, 2)], [(1, 2, 3, 8)], block_size=2),
    case("batch_2", [(2, 6, 3, 2)], [(2, 2, 1, 18)], block_size=3),
    case("one_channel", [(1, 6, 4, 1)], [(1, 3, 2, 4)], block_size=2),
    case("of_32_bits", [(1, 2, 4, 1)], [(1, 1, 2, 4)], dtype=DType.INT32, block_size=2),
)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (rules.rank(0, (4,), "the input"), same_type(), shapes_as_computed),
        reference(moves),
        cases,
        moves=moves,
    )
    for name, attributes, moves, cases in (
        ("DEPTH_TO_SPACE", depth_to_space_attributes, depth_to_space_moves, DEPTH_TO_SPACE_CASES),
        ("SPACE_TO_DEPTH", space_to_depth_attributes, space_to_depth_moves, SPACE_TO_DEPTH_CASES),
    )
)
