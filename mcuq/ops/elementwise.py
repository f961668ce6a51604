"""Element-wise operators of two tensors: TFLite's broadcasting as a few nested loops. No operator.

Shapes are aligned at their last axis; an axis of size 1 is repeated. Adjacent axes that both tensors walk in the same
way are merged, so equal shapes make one loop, and a bias on the channels makes two.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.activation import Activation
from mcuq.ops.base import Case, Operand

MAX_LOOPS = 4


@dataclass(frozen=True, slots=True)
class Loop:
    """``size`` steps; each moves ``step1`` elements in the first input and ``step2`` in the second."""

    size: int
    step1: int
    step2: int


@dataclass(frozen=True, slots=True)
class Elementwise:
    """Attributes of operators of two tensors. ``loops``: the outermost first, none for single elements."""

    loops: tuple[Loop, ...]
    shape: tuple[int, ...]
    activation: Activation


def _aligned(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (1,) * (rank - len(shape)) + shape


def broadcast_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The output's shape; ``ValueError`` when the shapes do not fit each other."""
    rank = max(map(len, shapes))
    axes = list(zip(*(_aligned(shape, rank) for shape in shapes), strict=True))
    if any(len({*sizes} - {1}) > 1 for sizes in axes):
        raise ValueError(f"the shapes {' and '.join(map(str, shapes))} cannot be broadcast")
    return tuple(max(sizes) for sizes in axes)


def nested_loops(*shapes: tuple[int, ...]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """The fewest nested loops over the output, in its order: steps, and how far each moves in each input."""
    shape = broadcast_shape(*shapes)
    walks: list[tuple[int, tuple[bool, ...]]] = []  # size, which inputs move
    aligned = (_aligned(found, len(shape)) for found in shapes)
    for size, *sizes in zip(shape, *aligned, strict=True):
        if size == 1:
            continue
        moves = tuple(found != 1 for found in sizes)
        merged = walks.pop()[0] if walks and walks[-1][1] == moves else 1
        walks.append((merged * size, moves))
    return tuple(
        (size, tuple(math.prod(n for n, m in walks[i + 1 :] if m[j]) if moves[j] else 0 for j in range(len(moves))))
        for i, (size, moves) in enumerate(walks)
    )


def broadcast_loops(shape1: tuple[int, ...], shape2: tuple[int, ...]) -> tuple[Loop, ...]:
    """The loops over two inputs."""
    return tuple(Loop(size, *steps) for size, steps in nested_loops(shape1, shape2))


def attributes(options: Mapping[str, Any], layer: Layer) -> Elementwise:
    shape1, shape2 = layer.input(0).shape, layer.input(1).shape
    return Elementwise(
        broadcast_loops(shape1, shape2),
        broadcast_shape(shape1, shape2),
        Activation(options.get("fused_activation_function", 0)),
    )


def both_int8_or_int16(layer: Layer) -> str | None:
    """both inputs and the output are int8, or all int16 with zero point 0, with one scale each"""
    if (found := rules.quantized_activations((1,), (layer.input(0).type.dtype,))(layer)) is not None:
        return found
    if rules.is_wide(layer) and layer.input(1).type.zero_point:
        return "an int16 tensor has a zero point other than 0"
    return rules.int8_or_int16_activations(layer)


def output_has_the_broadcast_shape(layer: Layer) -> str | None:
    """the output has the shape that broadcasting the inputs gives"""
    expected = layer.attributes.shape
    return None if layer.output.shape == expected else f"the output is {layer.output.shape}, the inputs give {expected}"


def few_loops(layer: Layer) -> str | None:
    """after merging axes that both inputs walk alike, at most four are left"""
    found = len(layer.attributes.loops)
    return None if found <= MAX_LOOPS else f"broadcasting takes {found} nested loops, at most {MAX_LOOPS} are compiled"


def case(
    name: str,
    shape1: tuple[int, ...],
    shape2: tuple[int, ...] | None = None,
    *,
    scales: tuple[float, float, float] = (0.0513, 0.0297, 0.0611),
    zero_points: tuple[int, int, int] = (-7, 5, 3),
    activation: Activation | None = Activation.NONE,
    constant: int | None = None,
    dtype: DType = DType.INT8,
) -> Case:
    """A case of two inputs; ``shape2`` defaults to ``shape1``, ``constant`` is the index of a constant input.

    An ``activation`` of None: the operator's options have no such field.
    """
    shape2 = shape1 if shape2 is None else shape2
    shapes = (shape1, shape2)
    real = dtype is DType.FLOAT32
    scaling = [(None if real else scales[i], 0 if real else zero_points[i]) for i in range(3)]
    return Case(
        name,
        tuple(
            Operand(shapes[i], scaling[i][0], scaling[i][1], dtype, data="random" if i == constant else None)
            for i in range(2)
        ),
        (Operand(broadcast_shape(shape1, shape2), scaling[2][0], scaling[2][1], dtype),),
        {} if activation is None else {"fused_activation_function": int(activation)},
    )


WIDE_CASES = (
    case("int16", (1, 5, 3, 7), zero_points=(0, 0, 0), dtype=DType.INT16),
    case(
        "int16_channels_relu", (1, 4, 3, 5), (5,), zero_points=(0, 0, 0), activation=Activation.RELU, dtype=DType.INT16
    ),
    case("int16_far_scales", (1, 64), scales=(0.5, 3e-4, 0.7), zero_points=(0, 0, 0), dtype=DType.INT16),
)

BROADCAST_CASES = (
    case("same_shape", (1, 5, 3, 7)),
    case("one_element", (1, 1), (1, 1)),
    case("rank_1", (9,)),
    case("batch_2", (2, 3, 3, 2)),
    case("channels", (1, 4, 3, 5), (5,)),
    case("channels_first_input", (5,), (1, 4, 3, 5)),
    case("scalar", (1, 4, 3, 5), (1,)),
    case("scalar_of_rank_0", (2, 3), ()),
    case("scalar_first_input", (1, 1, 1, 1), (1, 4, 3, 5)),
    case("one_value_a_row", (1, 4, 3, 5), (1, 4, 3, 1)),
    case("squeeze_and_excite", (1, 4, 3, 5), (1, 1, 1, 5)),
    case("middle_axes", (2, 4, 3, 5), (2, 1, 1, 5)),
    case("both_inputs_repeat", (1, 4, 1, 5), (1, 1, 3, 1)),
    case("four_loops", (2, 1, 3, 1), (1, 4, 3, 5)),
    case("four_alternating_loops", (3, 1, 2, 1), (1, 4, 1, 5)),
    case("rank_5", (1, 2, 3, 2, 4), (2, 1, 2, 1)),
    case("constant_channels", (1, 4, 3, 5), (5,), constant=1),
    case("constant_first_input", (1, 4, 3, 5), (1, 4, 3, 5), constant=0),
    case("constant_scalar", (1, 4, 3, 5), (), constant=1),
    case("relu", (1, 5, 3, 7), activation=Activation.RELU),
    case("relu6", (1, 5, 3, 7), (7,), activation=Activation.RELU6),
    case("relu_n1_to_1", (1, 5, 3, 7), activation=Activation.RELU_N1_TO_1),
    case("relu_clamps_at_the_end", (1, 5, 3, 7), zero_points=(-7, 5, -128), activation=Activation.RELU),
    case("ties", (1, 16, 3, 7), scales=(0.05, 0.03, 0.06)),
    case("long_rows", (1, 3, 17, 9), (1, 3, 1, 9)),
    case("zero_points_at_the_ends", (1, 8, 3, 7), zero_points=(-128, 127, -128)),
    case("zero_points_at_the_other_ends", (1, 8, 3, 7), zero_points=(127, -128, 127)),
)


FEW_SHAPES: tuple[tuple[str, tuple[int, ...], tuple[int, ...], int | None], ...] = (
    ("same_shape", (1, 5, 3, 7), (1, 5, 3, 7), None),
    ("one_element", (1, 1), (1, 1), None),
    ("channels", (1, 4, 3, 5), (5,), None),
    ("constant_channels", (1, 4, 3, 5), (5,), 1),
    ("constant_scalar", (), (2, 9), 0),
    ("four_loops", (2, 1, 3, 1), (1, 4, 3, 5), None),
)
"""Names, two shapes, and the index of a constant input: the forms of broadcasting, each once."""


def few_cases(operand1: Operand, operand2: Operand, output: Operand) -> tuple[Case, ...]:
    """A case for each of ``FEW_SHAPES``, without options, of operands of the types given."""

    def typed(operand: Operand, shape: tuple[int, ...], constant: bool) -> Operand:
        return dataclasses.replace(operand, shape=shape, data="random" if constant else None)

    return tuple(
        Case(
            name,
            (typed(operand1, shape1, constant == 0), typed(operand2, shape2, constant == 1)),
            (typed(output, broadcast_shape(shape1, shape2), constant=False),),
        )
        for name, shape1, shape2, constant in FEW_SHAPES
    )
