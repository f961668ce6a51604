"""CAST: the same numbers in another type, without quantization: bool and integers, and from those to float32.

Integer: narrower integers keep the lower bits; a bool is whether the number is not 0. LiteRT casts the bytes of
quantized tensors, whatever their scales are.
Source: TFLite ``cast.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import same_shape

WHOLE = (DType.BOOL, DType.INT8, DType.UINT8, DType.INT16, DType.INT32, DType.INT64)


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    return (inputs[0].astype(layer.output.type.dtype.numpy),)


def _operand(dtype: DType) -> Operand:
    quantized = dtype in (DType.INT8, DType.UINT8)
    return Operand((2, 37), 0.05 if quantized else None, 3 if quantized else 0, dtype)


_PAIRS = (
    (DType.BOOL, DType.FLOAT32),
    (DType.BOOL, DType.INT8),
    (DType.BOOL, DType.INT32),
    (DType.INT8, DType.BOOL),
    (DType.INT8, DType.INT32),
    (DType.INT8, DType.INT16),
    (DType.UINT8, DType.INT64),
    (DType.INT16, DType.INT8),
    (DType.INT32, DType.INT8),
    (DType.INT32, DType.BOOL),
    (DType.INT32, DType.FLOAT32),
    (DType.INT64, DType.INT32),
    (DType.INT64, DType.FLOAT32),
)
CASES = tuple(Case(f"{x.value}_to_{y.value}", (_operand(x),), (_operand(y),)) for x, y in _PAIRS)

OPERATORS = (
    Operator(
        "CAST",
        attributes,
        (rules.element_types((0,), WHOLE, (*WHOLE, DType.FLOAT32)), same_shape),
        reference,
        CASES,
        of_a_byte=True,
    ),
)
