"""MIRROR_PAD: the input with its elements mirrored before and behind it along each axis.

REFLECT (mode 0) mirrors at the outermost element, which is not repeated; SYMMETRIC (mode 1) behind it.
Bytes are copied. Source: TFLite ``mirror_pad.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import Move, case, constant_integers, reference, same_type, shapes_as_computed

REFLECT, SYMMETRIC = 0, 1


@dataclass(frozen=True, slots=True)
class MirrorPad:
    """Attributes of MIRROR_PAD; ``left_out``: how many of the outermost elements are not repeated."""

    paddings: tuple[tuple[int, int], ...]
    left_out: int
    shapes: tuple[tuple[int, ...], ...]


def attributes(options: Mapping[str, Any], layer: Layer) -> MirrorPad:
    shape, flat = layer.input(0).shape, constant_integers(layer, 1, "paddings")
    mode = int(options.get("mode", REFLECT))
    if mode not in (REFLECT, SYMMETRIC) or layer.input(1).shape != (len(shape), 2):
        raise ValueError(f"mode {mode} with paddings {flat} for {len(shape)} dimensions")
    paddings = tuple(zip(flat[::2], flat[1::2], strict=True))
    left_out = 1 if mode == REFLECT else 0
    if any(not 0 <= n <= size - left_out for size, pair in zip(shape, paddings, strict=True) for n in pair):
        raise ValueError(f"paddings {flat} of the shape {shape} take more elements than there are")
    sizes = tuple(size + sum(pair) for size, pair in zip(shape, paddings, strict=True))
    return MirrorPad(paddings, left_out, (sizes,))


def moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    """The input, then the margins of one axis after the other; later ones mirror earlier ones, too."""
    a: MirrorPad = layer.attributes
    (x, *_), (y, *_) = inputs, outputs
    inside = [slice(before, before + size) for size, (before, _) in zip(x.shape, a.paddings, strict=True)]
    yield y[tuple(inside)], x
    for axis, (size, (before, after)) in enumerate(zip(x.shape, a.paddings, strict=True)):
        done = (slice(None),) * (axis + 1)
        rows = np.moveaxis(y[done + tuple(inside[axis + 1 :])], axis, 0)
        end = before + size
        first, last = before + a.left_out, end - a.left_out
        yield rows[:before], rows[first : first + before][::-1]
        yield rows[end:], rows[last - after : last][::-1]


CASES = (
    case("reflect", [(1, 4, 3, 2)], [(1, 6, 6, 2)], [((0, 0), (1, 1), (2, 1), (0, 0))]),
    case("symmetric", [(1, 4, 3, 2)], [(1, 7, 5, 2)], [((0, 0), (1, 2), (1, 1), (0, 0))], mode=SYMMETRIC),
    case("as_much_as_there_is", [(3, 2)], [(9, 6)], [((3, 3), (2, 2))], mode=SYMMETRIC),
    case("reflect_most", [(4, 3)], [(10, 6)], [((3, 3), (2, 1))]),
    case("series", [(1, 9, 30)], [(1, 12, 30)], [((0, 0), (3, 0), (0, 0))]),
    case("by_64_bits", [(5,)], [(8,)], [((1, 2),)], integers=DType.INT64),
    case("floats", [(3, 2)], [(5, 3)], [((1, 1), (1, 0))], dtype=DType.FLOAT32),
)

OPERATORS = (
    Operator(
        "MIRROR_PAD",
        attributes,
        (same_type(), shapes_as_computed),
        reference(moves),
        CASES,
        moves=moves,
    ),
)
