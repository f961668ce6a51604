"""PAD and PADV2: the input with elements before and behind it along each axis.

Integer: elements of int8 or int16 are copied; PAD fills with the output's zero point, PADV2 with the value it is given,
in the output's quantization. Source: TFLite ``pad.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator

MAX_AXES = 4


@dataclass(frozen=True, slots=True)
class PaddedAxis:
    """``before`` elements of padding, ``size`` of input, ``after`` of padding; an element is all that lies within."""

    before: int
    size: int
    after: int


@dataclass(frozen=True, slots=True)
class Pad:
    """Attributes of PAD and PADV2. ``axes`` has unpadded axes merged into the axis before them, outermost first."""

    paddings: tuple[tuple[int, int], ...]
    axes: tuple[PaddedAxis, ...]


def attributes(_options: Mapping[str, Any], layer: Layer) -> Pad:
    shape, table = layer.input(0).shape, layer.input(1)
    if table.data is None or table.type.dtype not in (DType.INT32, DType.INT64):
        raise ValueError("the paddings are not int32 or int64 constants")
    if table.shape != (len(shape), 2):
        raise ValueError(f"the paddings have the shape {table.shape} for an input of {len(shape)} dimensions")
    paddings = tuple((int(before), int(after)) for before, after in table.data)
    return Pad(paddings, merged_axes(shape, paddings))


def fill_value(layer: Layer) -> int:
    """What the padding is filled with, a quantized value."""
    given = layer.optional_input(2)
    return layer.output.type.zero_point if given is None or given.data is None else int(given.data.reshape(-1)[0])


def merged_axes(shape: tuple[int, ...], paddings: Sequence[tuple[int, int]]) -> tuple[PaddedAxis, ...]:
    """The fewest axes that describe the padding."""
    axes: list[PaddedAxis] = []
    for size, (before, after) in zip(shape, paddings, strict=True):
        if axes and not before and not after:
            last = axes.pop()
            axes.append(PaddedAxis(last.before * size, last.size * size, last.after * size))
        else:
            axes.append(PaddedAxis(before, size, after))
    return tuple(axes)


def fill_value_is_quantized_like_the_output(layer: Layer) -> str | None:
    """the value to pad with, where it is given, is one constant of the output's type and quantization"""
    given, wanted = layer.optional_input(2), layer.output.type.quantization
    if given is None:
        return None
    if given.data is None or given.type.elements != 1 or given.type.dtype is not layer.output.type.dtype:
        return "the value to pad with is not one constant of the output's type"
    return None if given.type.quantization == wanted else "the value to pad with is not quantized like the output"


def paddings_are_not_negative(layer: Layer) -> str | None:
    """no padding is negative"""
    least = min(min(pair) for pair in layer.attributes.paddings)
    return f"padding of {least} elements" if least < 0 else None


def output_is_the_padded_input(layer: Layer) -> str | None:
    """the output's sizes are the input's plus the padding"""
    found, paddings = layer.output.shape, layer.attributes.paddings
    expected = tuple(size + sum(padding) for size, padding in zip(layer.input(0).shape, paddings, strict=True))
    return None if found == expected else f"the output is {found}, the padding gives {expected}"


def few_axes(layer: Layer) -> str | None:
    """at most four axes are left when unpadded ones are merged into the axis before them"""
    found = len(layer.attributes.axes)
    return None if found <= MAX_AXES else f"padding along {found} axes, at most {MAX_AXES} are compiled"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Pad = layer.attributes
    assert inputs[0] is not None
    return (np.pad(inputs[0], a.paddings, constant_values=fill_value(layer)),)


def _case(
    name: str,
    shape: tuple[int, ...],
    paddings: tuple[tuple[int, int], ...],
    *,
    zero_point: int = -7,
    value: int | None = None,
    dtype: DType = DType.INT32,
    of: DType = DType.INT8,
) -> Case:
    output = tuple(size + before + after for size, (before, after) in zip(shape, paddings, strict=True))
    fill = () if value is None else (Operand((), 0.05, zero_point, of, data=value),)
    return Case(
        name,
        (Operand(shape, 0.05, zero_point, of), Operand((len(shape), 2), dtype=dtype, data=paddings), *fill),
        (Operand(output, 0.05, zero_point, of),),
    )


CASES = (
    _case("image", (1, 4, 3, 5), ((0, 0), (1, 1), (1, 1), (0, 0))),
    _case("image_uneven", (2, 4, 3, 5), ((0, 0), (0, 1), (2, 0), (0, 0))),
    _case("height_only", (1, 4, 3, 5), ((0, 0), (3, 2), (0, 0), (0, 0))),
    _case("width_only", (1, 4, 3, 5), ((0, 0), (0, 0), (3, 2), (0, 0))),
    _case("channels_only", (1, 4, 3, 5), ((0, 0), (0, 0), (0, 0), (1, 2))),
    _case("batch_only", (2, 4, 3), ((1, 2), (0, 0), (0, 0))),
    _case("everything", (2, 2, 3, 2), ((1, 2), (2, 1), (1, 1), (0, 3))),
    _case("nothing", (1, 2, 3), ((0, 0), (0, 0), (0, 0))),
    _case("rank_1", (5,), ((2, 3),)),
    _case("rank_5", (2, 1, 3, 2, 4), ((0, 0), (1, 1), (0, 0), (2, 0), (0, 0))),
    _case("paddings_of_64_bits", (1, 4, 3, 5), ((0, 0), (1, 1), (2, 2), (0, 0)), dtype=DType.INT64),
    _case("zero_point_at_the_end", (1, 4, 3, 5), ((0, 0), (1, 1), (1, 1), (0, 0)), zero_point=-128),
    _case("zero_point_at_the_other_end", (1, 4, 3, 5), ((0, 0), (1, 1), (1, 1), (0, 0)), zero_point=127),
    _case("int16", (1, 4, 3, 5), ((0, 0), (0, 1), (2, 0), (0, 0)), zero_point=0, of=DType.INT16),
)
V2_CASES = (
    _case("image", (1, 4, 3, 5), ((0, 0), (1, 1), (1, 1), (0, 0)), value=-128),
    _case("everything", (2, 2, 3, 2), ((1, 2), (2, 1), (1, 1), (0, 3)), value=99),
    _case("int16_everything", (2, 2, 3, 2), ((1, 2), (2, 1), (1, 1), (0, 3)), zero_point=0, value=-300, of=DType.INT16),
)

_CONSTRAINTS = (
    rules.int8_or_int16_activations,
    fill_value_is_quantized_like_the_output,
    paddings_are_not_negative,
    output_is_the_padded_input,
    few_axes,
)

OPERATORS = (
    Operator("PAD", attributes, _CONSTRAINTS, reference, CASES),
    Operator("PADV2", attributes, _CONSTRAINTS, reference, V2_CASES),
)
