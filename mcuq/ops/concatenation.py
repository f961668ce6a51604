"""CONCATENATION: the inputs one after the other along one axis, all in the output's quantization.

Elements are copied; LiteRT refuses int8 inputs whose scale or zero point is not the output's, and so does mcuq. Those
of uint8 become ``clamp(round(s·q + b) + z_out)`` in single precision, ``s = s_in · (1 / s_out)`` and ``b = -z_in · s``.
Source: TFLite ``concatenation.cc``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer, TensorType
from mcuq.ops import rules
from mcuq.ops.activation import Activation
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.moves import Move, along
from mcuq.ops.unary import round_half_away

MAX_FACTOR = 1 << 22


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Attributes of CONCATENATION; ``axis`` counts from the first dimension."""

    axis: int
    activation: Activation


def attributes(options: Mapping[str, Any], layer: Layer) -> Concatenation:
    rank, axis = len(layer.output.shape), int(options.get("axis", 0))
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor with {rank} dimensions")
    return Concatenation(axis % rank, Activation(options.get("fused_activation_function", 0)))


def types_agree(layer: Layer) -> str | None:
    """all inputs have the output's element type; those of bytes have one scale each, int16 the zero point 0"""
    wanted = layer.output.type.dtype
    every = tuple(range(max(1, len(layer.inputs))))
    if wanted in rules.BYTE:
        return rules.quantized_activations(every, (wanted,))(layer)
    for index in every:
        found = layer.input(index).type
        if found.dtype is not wanted:
            return f"input {index} is {found.dtype.value}, the output {wanted.value}"
        if wanted is DType.INT16 and found.quantization is not None and any(found.quantization.zero_points):
            return f"input {index} has the zero point {found.zero_point}"
    return None


def int8_is_quantized_like_the_output(layer: Layer) -> str | None:
    """inputs of int8 have the output's scale and zero point"""
    wanted = layer.output.type
    if wanted.dtype is not DType.INT8:
        return None
    for index in range(len(layer.inputs)):
        found = layer.input(index).type
        if (found.scale, found.zero_point) != (wanted.scale, wanted.zero_point):
            return (
                f"input {index} has scale {found.scale:g} and zero point {found.zero_point}, "
                f"the output {wanted.scale:g} and {wanted.zero_point}"
            )
    return None


def uint8_fits_int32(layer: Layer) -> str | None:
    """scales of uint8 inputs are less than 2**22 times the output's"""
    if not requantizes(layer):
        return None
    factor = max(layer.input(index).type.scale for index in range(len(layer.inputs))) / layer.output.type.scale
    return None if factor < MAX_FACTOR else f"an input is scaled up by {factor:g}, which overflows int32"


def shapes_agree(layer: Layer) -> str | None:
    """the inputs' sizes along the axis add up to the output's, their other sizes are the output's"""
    axis, shapes = layer.attributes.axis, [layer.input(i).shape for i in range(len(layer.inputs))]
    wanted = layer.output.shape
    for index, shape in enumerate(shapes):
        if len(shape) != len(wanted) or shape[:axis] + shape[axis + 1 :] != wanted[:axis] + wanted[axis + 1 :]:
            return f"input {index} is {shape}, the output {wanted} along axis {axis}"
    total = sum(shape[axis] for shape in shapes)
    return None if total == wanted[axis] else f"the inputs' sizes along axis {axis} sum to {total}, not {wanted[axis]}"


def no_fused_activation(layer: Layer) -> str | None:
    """there is no fused activation"""
    activation = layer.attributes.activation
    return None if activation is Activation.NONE else f"fused activation {activation.name}"


def requantizes(layer: Layer) -> bool:
    """Is any input quantized otherwise than the output, and are its bytes not copied as they are?"""
    y = layer.output.type
    return y.dtype is DType.UINT8 and any(t is not None and t.type.quantization != y.quantization for t in layer.inputs)


def table(x: TensorType, y: TensorType) -> Array:
    """The output's uint8 for each of the input's."""
    values = np.arange(256)
    if (x.scale, x.zero_point) != (y.scale, y.zero_point):
        scale = np.float32(x.scale) * (np.float32(1) / np.float32(y.scale))
        real = values.astype(np.float32) * scale + np.float32(-x.zero_point) * scale
        values = np.clip(round_half_away(np.clip(real, -1e6, 1e6)) + y.zero_point, 0, 255)
    return values.astype(np.uint8)


def moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    axis = layer.attributes.axis
    ends = itertools.accumulate(x.shape[axis] for x in inputs)
    return [(outputs[0][along(axis, slice(end - x.shape[axis], end))], x) for x, end in zip(inputs, ends, strict=True)]


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    y, given = layer.output.type, [x for x in inputs if x is not None]
    if requantizes(layer):
        given = [table(layer.input(i).type, y)[x] for i, x in enumerate(given)]
    return (np.concatenate(given, axis=layer.attributes.axis),)


def _case(
    name: str, axis: int, *shapes: tuple[int, ...], constant: int | None = None, dtype: DType = DType.INT8
) -> Case:
    position = axis % len(shapes[0])
    total = sum(shape[position] for shape in shapes)
    scale, zero = (None, 0) if dtype is DType.FLOAT32 else (0.05, 0 if dtype is DType.INT16 else -7)
    return Case(
        name,
        tuple(Operand(s, scale, zero, dtype, data="random" if i == constant else None) for i, s in enumerate(shapes)),
        (Operand((*shapes[0][:position], total, *shapes[0][position + 1 :]), scale, zero, dtype),),
        {"axis": axis},
    )


def _uint8_case(
    name: str, scales: tuple[float, ...], zero_points: tuple[int, ...], scale: float, zero_point: int
) -> Case:
    """Inputs of two channels each, in other quantizations than the output's."""
    inputs = tuple(Operand((20, 2, 2), s, z, DType.UINT8) for s, z in zip(scales, zero_points, strict=True))
    return Case(name, inputs, (Operand((20, 2, 2 * len(inputs)), scale, zero_point, DType.UINT8),), {"axis": -1})


CASES = (
    _case("channels", 3, (1, 4, 3, 5), (1, 4, 3, 2)),
    _case("channels_by_a_negative_axis", -1, (1, 4, 3, 5), (1, 4, 3, 2)),
    _case("width", 2, (1, 4, 3, 5), (1, 4, 1, 5), (1, 4, 2, 5)),
    _case("height", 1, (2, 4, 3, 5), (2, 1, 3, 5)),
    _case("batch", 0, (1, 4, 3), (2, 4, 3)),
    _case("rank_1", 0, (4,), (1,), (9,)),
    _case("one_input", 1, (3, 4)),
    _case("eight_inputs", 1, *(((3, i + 1)) for i in range(8))),
    _case("constant_last_input", 3, (1, 4, 3, 5), (1, 4, 3, 2), constant=1),
    _case("constant_first_input", 1, (2, 3, 5), (2, 4, 5), constant=0),
    _case("of_16_bits", 1, (3, 4), (3, 2), dtype=DType.INT16),
    _case("floats", 0, (3, 4), (2, 4), dtype=DType.FLOAT32),
    _uint8_case("uint8_of_other_scales", (0.05, 0.03, 0.05, 0.021), (7, 128, 255, 0), 0.05, 7),
    _uint8_case("uint8_halves", (0.5, 1.5, 1.0, 2.5), (3, 128, 0, 9), 1.0, 120),
)

OPERATORS = (
    Operator(
        "CONCATENATION",
        attributes,
        (
            types_agree,
            int8_is_quantized_like_the_output,
            uint8_fits_int32,
            shapes_agree,
            no_fused_activation,
        ),
        reference,
        CASES,
        moves=moves,
    ),
)
