"""DEQUANTIZE: ``out = s_in · (q - z_in)``, int8, uint8 or int16 to float32.

The product of a float32 scale and a difference of at most 16 bits is rounded once, so single precision gives the bytes
of LiteRT, which computes it in double precision first. Source: TFLite ``reference_integer_ops::Dequantize``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import dequantized, same_shape


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def input_is_quantized(layer: Layer) -> str | None:
    """the input is int8, uint8, or int16 with zero point 0, with one scale"""
    x = layer.input(0).type
    if x.dtype not in (*rules.BYTE, DType.INT16) or x.quantization is None or x.quantization.per_channel:
        return f"the input is {x}, int8, uint8 or int16 with one scale is needed"
    return f"int16 with zero point {x.zero_point}" if x.dtype is DType.INT16 and x.zero_point else None


def output_is_float(layer: Layer) -> str | None:
    """the output is float32"""
    found = layer.output.type.dtype
    return None if found is DType.FLOAT32 else f"the output is {found.value}, float32 is needed"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    return (dequantized(inputs[0], layer.input(0).type),)


def _case(name: str, scale: float, zero_point: int, dtype: DType = DType.INT8, shape: tuple[int, ...] = (600,)) -> Case:
    return Case(name, (Operand(shape, scale, zero_point, dtype),), (Operand(shape, dtype=DType.FLOAT32),))


CASES = (
    _case("usual", 0.05, -7),
    _case("4_axes", 1 / 256, -128, shape=(1, 5, 6, 7)),
    _case("zero_point_at_the_other_end", 0.0123456789, 127),
    _case("uint8", 0.05, 117, DType.UINT8),
    _case("int16", 3e-4, 0, DType.INT16),
    _case("great_scale", 12345.678, 3),
    _case("tiny_scale", 1e-40, 3),
    _case("one_element", 0.05, -7, shape=(1,)),
)

OPERATORS = (Operator("DEQUANTIZE", attributes, (input_is_quantized, output_is_float, same_shape), reference, CASES),)
