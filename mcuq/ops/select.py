"""SELECT and SELECT_V2: ``out = condition ? in1 : in2``, of any type; the condition is bool.

LiteRT copies bytes, whatever the quantizations are. SELECT_V2 broadcasts all three; SELECT takes equal shapes, or a
scalar condition, or one for each index of the first axis.
Source: TFLite ``select.cc`` and ``reference_ops::Select``, ``RankOneSelect``, ``BroadcastSelect5DSlow``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.elementwise import MAX_LOOPS, broadcast_shape, nested_loops

TYPES = (DType.INT8, DType.UINT8, DType.BOOL, DType.INT32, DType.FLOAT32)


@dataclass(frozen=True, slots=True)
class Select:
    """Attributes of SELECT and SELECT_V2: steps and, for the condition and both inputs, how far a step goes."""

    loops: tuple[tuple[int, tuple[int, ...]], ...]
    shape: tuple[int, ...]
    condition_shape: tuple[int, ...]


def attributes(_options: Mapping[str, Any], layer: Layer) -> Select:
    condition, yes, no = (layer.input(index).shape for index in range(3))
    if layer.op == "SELECT" and len(condition) == 1 and len(yes) > 1:
        condition = (*condition, *(1,) * (len(yes) - 1))
    shapes = (condition, yes, no)
    return Select(nested_loops(*shapes), broadcast_shape(*shapes), condition)


def condition_is_bool(layer: Layer) -> str | None:
    """the condition is bool"""
    found = layer.input(0).type.dtype
    return None if found is DType.BOOL else f"the condition is {found.value}, bool is needed"


def types_agree(layer: Layer) -> str | None:
    """the output has the inputs' type"""
    found, expected = layer.output.type.dtype, layer.input(1).type.dtype
    return None if found is expected else f"the output is {found.value}, the inputs are {expected.value}"


def shapes_agree(layer: Layer) -> str | None:
    """the output has the shape that broadcasting gives; of SELECT, both inputs have it, too"""
    shape = layer.attributes.shape
    condition = layer.input(0).shape
    if layer.op == "SELECT" and condition not in (shape, shape[:1], ()):
        return f"the condition is {condition}, the inputs are {shape}"
    shapes = [layer.output.shape, *(layer.input(i).shape for i in (1, 2) if layer.op == "SELECT")]
    wrong = next((found for found in shapes if found != shape), None)
    return None if wrong is None else f"a shape is {wrong}, broadcasting gives {shape}"


def few_loops(layer: Layer) -> str | None:
    """after merging axes that all inputs walk alike, at most four are left"""
    found = len(layer.attributes.loops)
    return None if found <= MAX_LOOPS else f"broadcasting takes {found} nested loops, at most {MAX_LOOPS} are compiled"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    condition, yes, no = inputs
    assert condition is not None and yes is not None and no is not None
    return (np.where(condition.reshape(layer.attributes.condition_shape), yes, no).reshape(layer.output.shape),)


def _case(
    name: str,
    condition: tuple[int, ...],
    yes: tuple[int, ...],
    no: tuple[int, ...],
    *,
    dtype: DType = DType.INT8,
    constant: int | None = None,
) -> Case:
    scale = 0.05 if dtype is DType.INT8 else None
    operands = [Operand(condition, dtype=DType.BOOL)]
    operands += [
        Operand(shape, scale, -7 if scale else 0, dtype, data="random" if i == constant else None)
        for i, shape in enumerate((yes, no), start=1)
    ]
    output = broadcast_shape(condition, yes, no) if name.startswith("v2") else yes
    return Case(name, tuple(operands), (Operand(output, scale, -7 if scale else 0, dtype),))


SELECT_CASES = (
    _case("same_shape", (1, 5, 3, 7), (1, 5, 3, 7), (1, 5, 3, 7)),
    _case("one_condition", (), (2, 5, 3), (2, 5, 3)),
    _case("a_condition_a_row", (4,), (4, 5, 3), (4, 5, 3)),
    _case("int32", (9,), (9,), (9,), dtype=DType.INT32),
)
SELECT_V2_CASES = (
    _case("v2_same_shape", (1, 5, 3, 7), (1, 5, 3, 7), (1, 5, 3, 7)),
    _case("v2_mask", (1, 4, 1, 1), (1, 4, 3, 5), (), constant=2),
    _case("v2_all_repeat", (2, 1, 1, 5), (1, 4, 1, 5), (2, 1, 3, 1)),
    _case("v2_scalar_first", (3, 4), (), (3, 4), constant=1),
    _case("v2_int32", (4, 1), (4, 3), (3,), dtype=DType.INT32),
    _case("v2_float", (4, 1), (4, 3), (3,), dtype=DType.FLOAT32),
    _case("v2_bool", (3,), (4, 3), (4, 1), dtype=DType.BOOL),
)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (
            condition_is_bool,
            rules.element_types((1, 2), TYPES, TYPES),
            types_agree,
            shapes_agree,
            few_loops,
        ),
        reference,
        cases,
    )
    for name, cases in (("SELECT", SELECT_CASES), ("SELECT_V2", SELECT_V2_CASES))
)
