"""Operators that only move elements: their reference and their kernel come from one list of moves. No operator.

A move is a pair of numpy views of one shape, of an output and of an input: ``to[...] = source``. The reference performs
the moves in order; the copying kernel reads the views' offsets and strides. Bytes are copied as they are, whatever the
scales; the element type is any that has a size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer, Quantization
from mcuq.ops.base import Array, Case, Constraint, Operand

Move = tuple[Array, Array]
"""Where elements go, and where they come from."""

Moves = Callable[[Layer, Sequence[Array], Sequence[Array]], Iterable[Move]]
"""The moves of a layer between arrays of its inputs and its outputs; later moves may read what earlier ones wrote."""

INTEGERS = (DType.INT32, DType.INT64)


def reference(moves: Moves) -> Callable[[Layer, Sequence[Array | None]], tuple[Array, ...]]:
    """The operator's reference: all its moves, one after the other."""

    def perform(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
        outputs = tuple(np.empty(tensor.shape, tensor.type.dtype.numpy) for tensor in layer.outputs)
        for to, source in moves(layer, [x for x in inputs if x is not None], outputs):
            to[...] = source
        return outputs

    return perform


def constant_integers(layer: Layer, index: int, role: str) -> tuple[int, ...]:
    """The values of input ``index``; ``ValueError`` where it is no constant of int32 or int64."""
    tensor = layer.input(index)
    if tensor.data is None or tensor.type.dtype not in INTEGERS:
        raise ValueError(f"the {role} (input {index}) must be a constant of int32 or int64")
    return tuple(int(value) for value in tensor.data.reshape(-1))


def constant_integer(layer: Layer, index: int, role: str) -> int:
    """The one value of input ``index``."""
    values = constant_integers(layer, index, role)
    if len(values) != 1:
        raise ValueError(f"the {role} (input {index}) has {len(values)} values, not one")
    return values[0]


def axis_of(axis: int, rank: int) -> int:
    """``axis`` counted from the first dimension."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor with {rank} dimensions")
    return axis % rank


def case(
    name: str,
    inputs: Sequence[tuple[int, ...]],
    outputs: Sequence[tuple[int, ...]],
    constants: Sequence[Any] = (),
    *,
    dtype: DType = DType.INT8,
    integers: DType = DType.INT32,
    first: bool = False,
    zero_point: int = 3,
    **options: Any,
) -> Case:
    """A case: activations of one type, then constants of ``integers`` (``first``: before them)."""
    quantized = dtype in (DType.INT8, DType.UINT8, DType.INT16)
    zero_point = 0 if dtype is DType.INT16 else zero_point
    activations = [Operand(shape, 0.05 if quantized else None, zero_point, dtype) for shape in (*inputs, *outputs)]
    parameters = [Operand(np.shape(values), dtype=integers, data=values) for values in constants]
    given, made = activations[: len(inputs)], activations[len(inputs) :]
    return Case(name, tuple([*parameters, *given] if first else [*given, *parameters]), tuple(made), options)


def along(axis: int, index: int | slice) -> tuple[Any, ...]:
    """The numpy index that is ``index`` along one axis and takes all of the others."""
    return (*(slice(None),) * axis, index, ...)


def same_type(index: int = 0) -> Constraint:
    """Input ``index`` and all outputs have the same element type, and elements."""

    def rule(layer: Layer) -> str | None:
        x = layer.input(index).type
        for tensor in layer.outputs:
            if tensor.type.dtype is not x.dtype:
                return f"the input is {x}, the output {tensor.type}"
            if not tensor.type.elements:
                return f"the output is {tensor.type}: it has no elements"
        return None

    rule.__doc__ = "input and output have the same element type, and elements"
    return rule


def shapes_as_computed(layer: Layer) -> str | None:
    """the output has the shape that the input and the attributes give"""
    found = tuple(tensor.shape for tensor in layer.outputs)
    expected = layer.attributes.shapes
    if len(found) != len(expected):
        return f"there are {len(found)} outputs, {len(expected)} are needed"
    wrong = next((pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]), None)
    return None if wrong is None else f"the output is {wrong[0]}, {wrong[1]} is computed"


def quantized_alike(layer: Layer) -> str | None:
    """all inputs and outputs have one scale and zero point, where they are quantized"""
    wanted = layer.output.type.quantization
    tensors = [t for t in (*layer.inputs, *layer.outputs) if t is not None and t.type.dtype is layer.output.type.dtype]
    other = next((tensor.type.quantization for tensor in tensors if tensor.type.quantization != wanted), wanted)
    return None if other == wanted else f"there are two quantizations, {_words(other)} and {_words(wanted)}"


def _words(quantization: Quantization | None) -> str:
    if quantization is None or quantization.per_channel:
        return "none" if quantization is None else "one for each channel"
    return f"scale {quantization.scale:g} with zero point {quantization.zero_point}"
