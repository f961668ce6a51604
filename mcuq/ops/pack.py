"""PACK and UNPACK: tensors of one shape stacked along a new axis, and a tensor taken apart along an axis.

Bytes are copied; all tensors are quantized alike. Source: TFLite ``pack.cc`` and ``unpack.cc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import Move, along, axis_of, case, quantized_alike, reference, same_type, shapes_as_computed


@dataclass(frozen=True, slots=True)
class Pack:
    """Attributes of both operators; ``axis`` counts from the first dimension of the stack."""

    axis: int
    shapes: tuple[tuple[int, ...], ...]


def pack_attributes(options: Mapping[str, Any], layer: Layer) -> Pack:
    shape, count = layer.input(0).shape, len(layer.inputs)
    axis = axis_of(int(options.get("axis", 0)), len(shape) + 1)
    return Pack(axis, ((*shape[:axis], count, *shape[axis:]),))


def unpack_attributes(options: Mapping[str, Any], layer: Layer) -> Pack:
    shape = layer.input(0).shape
    axis = axis_of(int(options.get("axis", 0)), len(shape))
    return Pack(axis, ((*shape[:axis], *shape[axis + 1 :]),) * shape[axis])


def inputs_are_alike(layer: Layer) -> str | None:
    """all inputs have the same shape and element type"""
    first = layer.input(0).type
    for index in range(1, len(layer.inputs)):
        found = layer.input(index).type
        if (found.shape, found.dtype) != (first.shape, first.dtype):
            return f"input 0 is {first}, input {index} {found}"
    return None


def pack_moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    return [(outputs[0][along(layer.attributes.axis, i)], x) for i, x in enumerate(inputs)]


def unpack_moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    return [(y, inputs[0][along(layer.attributes.axis, i)]) for i, y in enumerate(outputs)]


PACK_CASES = (
    case("outermost", [(4, 5)] * 3, [(3, 4, 5)], axis=0, values_count=3),
    case("middle", [(2, 4, 5)] * 2, [(2, 4, 2, 5)], axis=2, values_count=2),
    case("innermost", [(3, 4)] * 2, [(3, 4, 2)], axis=-1, values_count=2),
    case("one", [(3, 4)], [(3, 1, 4)], axis=1, values_count=1),
    case("scalars", [()] * 3, [(3,)], axis=0, values_count=3),
    case("of_64_bits", [(3,)] * 2, [(3, 2)], dtype=DType.INT64, axis=1, values_count=2),
    case("of_32_bits", [(3, 2)] * 2, [(2, 3, 2)], dtype=DType.INT32, axis=0, values_count=2),
)
UNPACK_CASES = (
    case("outermost", [(3, 4, 5)], [(4, 5)] * 3, axis=0, num=3),
    case("middle", [(2, 3, 5)], [(2, 5)] * 3, axis=1, num=3),
    case("innermost", [(3, 4, 2)], [(3, 4)] * 2, axis=-1, num=2),
    case("to_scalars", [(3,)], [()] * 3, axis=0, num=3),
    case("floats", [(2, 3)], [(2,)] * 3, dtype=DType.FLOAT32, axis=1, num=3),
)

OPERATORS = (
    Operator(
        "PACK",
        pack_attributes,
        (inputs_are_alike, same_type(), quantized_alike, shapes_as_computed),
        reference(pack_moves),
        PACK_CASES,
        moves=pack_moves,
    ),
    Operator(
        "UNPACK",
        unpack_attributes,
        (same_type(), quantized_alike, shapes_as_computed),
        reference(unpack_moves),
        UNPACK_CASES,
        moves=unpack_moves,
    ),
)
