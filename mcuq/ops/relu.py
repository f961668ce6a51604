"""RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1 standing alone: ``out = clamp(in)``, from one scale to another.

Integer: ``clamp(z_out + requantize(q - z_in, m, s))`` with two roundings; the factor is ``s_in / s_out`` in single
precision, as LiteRT computes it, and the clamp's ends are the quantized real ones. RELU and RELU6 may be int16.
Source: TFLite ``reference_ops::ReluX`` and ``activations.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.activation import REAL_RANGE, Activation, RealRange, quantized_clamp, unrepresentable
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import most_shift, same_shape

ENDS: dict[str, RealRange] = {
    "RELU": REAL_RANGE[Activation.RELU],
    "RELU6": REAL_RANGE[Activation.RELU6],
    "RELU_N1_TO_1": REAL_RANGE[Activation.RELU_N1_TO_1],
    "RELU_0_TO_1": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class Relu:
    """Attributes of the four operators: the ends of the clamp."""

    ends: RealRange


def attributes(_options: Mapping[str, Any], layer: Layer) -> Relu:
    return Relu(ENDS[layer.op])


def clamp_fits_int32(layer: Layer) -> str | None:
    """the clamp's ends are less than 2**31 steps of the output"""
    return unrepresentable(layer.attributes.ends, layer.output.type)


def requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift from the input's scale to the output's."""
    with np.errstate(over="ignore"):
        factor = np.float32(layer.input(0).type.scale) / np.float32(layer.output.type.scale)
    return quantize_multiplier(float(factor))


def scaled_input_fits_int32(layer: Layer) -> str | None:
    """the input's scale is less than 2**23 times the output's, of int16 2**15 times"""
    _, shift = requantization(layer)
    return None if shift <= most_shift(layer) else f"the input is scaled up by 2**{shift}, which overflows int32"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x = inputs[0]
    assert x is not None
    low, high = quantized_clamp(layer.attributes.ends, layer.output.type)
    scaled = requantize_double(x.astype(np.int64) - layer.input(0).type.zero_point, *requantization(layer))
    return (np.clip(scaled + layer.output.type.zero_point, low, high).astype(layer.output.type.dtype.numpy),)


def _case(name: str, scales: tuple[float, float], zero_points: tuple[int, int], shape: tuple[int, ...]) -> Case:
    return Case(name, (Operand(shape, scales[0], zero_points[0]),), (Operand(shape, scales[1], zero_points[1]),))


CASES = (
    _case("same_quantization", (0.05, 0.05), (-7, -7), (1, 5, 3, 7)),
    _case("finer_output", (0.05, 0.023), (-7, -128), (1, 9, 9, 4)),
    _case("coarser_output", (0.05, 0.11), (3, -100), (2, 60)),
    _case("halves_round", (0.5, 1.0), (0, 0), (256,)),
    _case("zero_points_at_the_ends", (0.05, 0.04), (-128, 127), (128,)),
    _case("zero_points_at_the_other_ends", (0.05, 0.04), (127, -128), (128,)),
    _case("far_finer_output", (1.0, 2e-7), (0, -128), (300,)),
    _case("vanishing_input", (1e-12, 1.0), (0, 5), (300,)),
    _case("one_element", (0.05, 0.04), (0, 0), (1,)),
    _case("factor_rounded_in_single_precision", (0.0123456789, 0.0314159265), (1, 2), (256,)),
)

_OF_INT16 = ("RELU", "RELU6")
WIDE_CASES = tuple(
    Case(f"int16_{name}", (Operand((300,), scale, 0, DType.INT16),), (Operand((300,), output, 0, DType.INT16),))
    for name, scale, output in (("usual", 4e-4, 3.1e-4), ("coarser_output", 2e-4, 5e-4))
)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (
            rules.int8_or_int16_activations if name in _OF_INT16 else rules.quantized_activations((0,)),
            same_shape,
            clamp_fits_int32,
            scaled_input_fits_int32,
        ),
        reference,
        (*CASES, *WIDE_CASES) if name in _OF_INT16 else CASES,
        of_a_byte=True,
    )
    for name in ENDS
)
