"""SHAPE and RANGE: numbers that are known when the model is compiled: an input's sizes, and evenly spaced values.

RANGE adds up ``delta`` step by step, float32 in single precision. Source: TFLite ``shape.cc`` and ``range.cc``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.moves import INTEGERS, Move, reference, shapes_as_computed

MOST = 1 << 22
"""So many values are refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Attributes of both operators: the output's values."""

    values: Array

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        return (self.values.shape,)


def shape_attributes(_options: Mapping[str, Any], layer: Layer) -> Numbers:
    return Numbers(np.array(layer.input(0).shape, layer.output.type.dtype.numpy))


def range_attributes(_options: Mapping[str, Any], layer: Layer) -> Numbers:
    dtype = layer.output.type.dtype
    given = [layer.input(index) for index in range(3)]
    if any(tensor.data is None or tensor.type.dtype is not dtype or tensor.type.elements != 1 for tensor in given):
        raise ValueError(f"start, limit and delta are not constants of {dtype.value}")
    start, limit, delta = (tensor.data.reshape(-1)[0] for tensor in given if tensor.data is not None)
    if not delta or (limit > start) != (delta > 0) or not np.isfinite([start, limit, delta]).all():
        raise ValueError(f"steps of {delta} from {start} do not reach {limit}")
    if dtype in INTEGERS:
        count = -(-abs(int(limit) - int(start)) // abs(int(delta)))
    else:
        with np.errstate(over="ignore"):
            steps_needed = abs((limit - start) / delta)
        count = math.ceil(steps_needed) if np.isfinite(steps_needed) else MOST + 1
    if count > MOST:
        raise ValueError(f"from {start} to {limit} by {delta} are more than {MOST} values")
    steps = np.full(count, delta, dtype.numpy)
    steps[:1] = start
    return Numbers(np.add.accumulate(steps, dtype=dtype.numpy))


def output_is_integers(layer: Layer) -> str | None:
    """the output is int32 or int64"""
    found = layer.output.type.dtype
    return None if found in INTEGERS else f"the output is {found.value}"


def output_is_numbers(layer: Layer) -> str | None:
    """the output is int32, int64 or float32, and has elements"""
    found = layer.output.type
    return None if found.dtype in (*INTEGERS, DType.FLOAT32) and found.elements else f"the output is {found}"


def moves(layer: Layer, _inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    return ((outputs[0], layer.attributes.values),)


def _shape_case(name: str, shape: tuple[int, ...], dtype: DType = DType.INT32) -> Case:
    return Case(
        name, (Operand(shape, 0.05, 3),), (Operand((len(shape),), dtype=dtype),), {"out_type": _OUT_TYPE[dtype]}
    )


_OUT_TYPE = {DType.INT32: 2, DType.INT64: 4}
"""The schema's numbers of element types."""


def _range_case(name: str, start: Any, limit: Any, delta: Any, count: int, dtype: DType = DType.INT32) -> Case:
    given = tuple(Operand((), dtype=dtype, data=value) for value in (start, limit, delta))
    return Case(name, given, (Operand((count,), dtype=dtype),))


SHAPE_CASES = (
    _shape_case("image", (1, 4, 3, 5)),
    _shape_case("of_64_bits", (7, 2), DType.INT64),
)
RANGE_CASES = (
    _range_case("upwards", 3, 18, 4, 4),
    _range_case("downwards", 9, -3, -2, 6),
    _range_case("of_64_bits", 0, 5, 1, 5, DType.INT64),
    _range_case("floats", 0.1, 2.0, 0.3, 7, DType.FLOAT32),
)

OPERATORS = (
    Operator(
        "SHAPE",
        shape_attributes,
        (output_is_integers, shapes_as_computed),
        reference(moves),
        SHAPE_CASES,
        moves=moves,
        of_shapes=True,
    ),
    Operator(
        "RANGE",
        range_attributes,
        (output_is_numbers, shapes_as_computed),
        reference(moves),
        RANGE_CASES,
        moves=moves,
    ),
)
