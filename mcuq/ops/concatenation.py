"""CONCATENATION: the inputs one after the other along one axis, all in the output's quantization.

Integer: bytes are copied; LiteRT refuses int8 inputs whose scale or zero point is not the output's, and so does mcuq.
Source: TFLite ``concatenation.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.activation import Activation
from mcuq.ops.base import Array, Case, Operand, Operator


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


def inputs_are_int8(layer: Layer) -> str | None:
    """all inputs and the output are int8 with one scale each"""
    return rules.quantized_activations(tuple(range(max(1, len(layer.inputs)))))(layer)


def inputs_are_quantized_like_the_output(layer: Layer) -> str | None:
    """all inputs have the output's scale and zero point"""
    wanted = layer.output.type
    for index in range(len(layer.inputs)):
        found = layer.input(index).type
        if (found.scale, found.zero_point) != (wanted.scale, wanted.zero_point):
            return (
                f"input {index} has scale {found.scale:g} and zero point {found.zero_point}, "
                f"the output {wanted.scale:g} and {wanted.zero_point}"
            )
    return None


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


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    return (np.concatenate([x for x in inputs if x is not None], axis=layer.attributes.axis),)


def _case(name: str, axis: int, *shapes: tuple[int, ...], constant: int | None = None) -> Case:
    position = axis % len(shapes[0])
    total = sum(shape[position] for shape in shapes)
    return Case(
        name,
        tuple(Operand(s, 0.05, -7, data="random" if i == constant else None) for i, s in enumerate(shapes)),
        (Operand((*shapes[0][:position], total, *shapes[0][position + 1 :]), 0.05, -7),),
        {"axis": axis},
    )


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
)

OPERATORS = (
    Operator(
        "CONCATENATION",
        attributes,
        (inputs_are_int8, inputs_are_quantized_like_the_output, shapes_agree, no_fused_activation),
        reference,
        CASES,
    ),
)
