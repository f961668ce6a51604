"""FULLY_CONNECTED: ``out[n,o] = act(b[o] + Σ_i in[n,i] · w[o,i])`` over the input seen as ``batches`` rows.

Integer: accumulator ``a = b[o] + Σ (q_in - z_in) · q_w`` in int32, then ``clamp(z_out + requantize(a, m[o], s[o]))``
with ONE rounding, half up, and ``m[o] · 2**(s[o]-31) = s_in · s_w[o] / s_out`` in double precision.
With int16 activations (zero points 0) the bias is int64, and so are the sums, which are requantized alike.
Source: TFLite ``fully_connected.cc`` and ``reference_integer_ops::FullyConnected``, ``FullyConnectedPerChannel``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import requantize_single
from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.activation import Activation, quantized_range
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.weighted import (
    accumulator_fits_int32,
    bias_is_int32,
    bias_values,
    channel_requantization,
    int8_weights,
)

DEFAULT_WEIGHTS_FORMAT = 0


@dataclass(frozen=True, slots=True)
class FullyConnected:
    """Attributes of FULLY_CONNECTED. The input is ``batches`` rows of ``depth``, the output of ``outputs``."""

    batches: int
    depth: int
    outputs: int
    activation: Activation
    weights_format: int
    keeps_dimensions: bool
    """Whether the output keeps the input's dimensions but the last, or is a table of rows."""
    two_values: bool = False
    """Is the input known to hold only its zero point and the value above it (``note_two_values``)?"""


def attributes(options: Mapping[str, Any], layer: Layer) -> FullyConnected:
    outputs, depth = layer.input(1).shape
    return FullyConnected(
        math.prod(layer.input(0).shape) // depth,
        depth,
        outputs,
        Activation(options.get("fused_activation_function", 0)),
        options.get("weights_format", DEFAULT_WEIGHTS_FORMAT),
        bool(options.get("keep_num_dims", False)),
    )


def shapes_agree(layer: Layer) -> str | None:
    """the input divides into rows of the weights' depth, the output is as many rows of the weights' outputs (with
    keep_num_dims, in the input's dimensions)"""
    a: FullyConnected = layer.attributes
    if layer.input(0).type.elements != a.batches * a.depth:
        return f"the input {layer.input(0).shape} does not divide into rows of {a.depth}"
    if layer.output.shape[-1:] != (a.outputs,) or layer.output.type.elements != a.batches * a.outputs:
        return f"the output is {layer.output.shape}, {a.batches} rows of {a.outputs} are needed"
    shape = (*layer.input(0).shape[:-1], a.outputs) if a.keeps_dimensions else (a.batches, a.outputs)
    if [size for size in shape if size != 1] != [size for size in layer.output.shape if size != 1]:
        return f"the output is {layer.output.shape}, not {shape}"
    return None


def weights_have_the_default_format(layer: Layer) -> str | None:
    """the weights have the default format, not the shuffled one"""
    if layer.attributes.weights_format == DEFAULT_WEIGHTS_FORMAT:
        return None
    return f"weights have the shuffled format {layer.attributes.weights_format}"


def requantization(layer: Layer) -> tuple[Array, Array]:
    """Multiplier and shift: of one element when the weights have one scale, else of one for each output."""
    quantization = layer.input(1).type.quantization
    assert quantization is not None
    multipliers, shifts = channel_requantization(layer)
    scales = len(quantization.scales)
    return multipliers[:scales], shifts[:scales]


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: FullyConnected = layer.attributes
    x, w = inputs[0], inputs[1]
    assert x is not None and w is not None
    rows = x.astype(np.int64).reshape(a.batches, a.depth) - layer.input(0).type.zero_point
    accumulator = rows @ w.astype(np.int64).T + bias_values(layer).astype(np.int64)
    multipliers, shifts = requantization(layer)
    scaled = requantize_single(accumulator, multipliers, shifts) + layer.output.type.zero_point
    low, high = quantized_range(a.activation, layer.output.type)
    return (np.clip(scaled, low, high).astype(layer.output.type.dtype.numpy).reshape(layer.output.shape),)


def _case(
    name: str,
    shape: tuple[int, ...],
    weights: tuple[int, int],
    output: tuple[int, ...],
    *,
    keep: bool = False,
    activation: Activation = Activation.NONE,
    zero_points: tuple[int, int] = (-7, 5),
    output_scale: float = 0.05,
    scales: tuple[float, ...] = (0.004,),
    bias: bool = True,
    values: str = "random",
    dtype: DType = DType.INT8,
) -> Case:
    """``weights`` is (outputs, depth), ``values`` what they are drawn from."""
    of_bias = DType.INT64 if dtype is DType.INT16 else DType.INT32
    bias_scales = tuple(0.03 * s for s in scales)
    return Case(
        name,
        (
            Operand(shape, 0.03, zero_points[0], dtype),
            Operand(weights, scales, data=values),
            Operand((weights[0],), bias_scales, dtype=of_bias, data="random") if bias else None,
        ),
        (Operand(output, output_scale, zero_points[1], dtype),),
        {"keep_num_dims": keep, "fused_activation_function": int(activation)},
    )


def _scales(outputs: int) -> tuple[float, ...]:
    return tuple(0.002 + 0.0007 * (i % 11) for i in range(outputs))


def _tie(scale: float) -> float:
    """The output scale that would make the factor 1/64 if the product of scales were rounded to float32; it is not.

    Every 64th accumulator would then be a tie, which shows how the product is rounded.
    """
    return float(np.float32(0.03) * np.float32(scale)) * 64


CASES = (
    _case("one_row", (1, 33), (10, 33), (1, 10)),
    _case("batch_3", (3, 20), (7, 20), (3, 7), activation=Activation.RELU),
    _case("long_row", (1, 640), (17, 640), (1, 17), output_scale=0.3),
    _case("relu6", (1, 16), (9, 16), (1, 9), activation=Activation.RELU6),
    _case("relu_n1_to_1", (1, 16), (5, 16), (1, 5), activation=Activation.RELU_N1_TO_1),
    _case("one_by_one", (1, 1), (1, 1), (1, 1)),
    _case("one_output", (2, 9), (1, 9), (2, 1)),
    _case("rank_1", (12,), (5, 12), (1, 5)),
    _case("rank_4_flattened", (1, 2, 3, 4), (6, 24), (1, 6)),
    _case("rank_3_keeps_dims", (2, 3, 8), (5, 8), (2, 3, 5), keep=True),
    _case("rank_3_in_rows", (2, 3, 8), (5, 8), (6, 5)),
    _case("no_bias", (1, 20), (6, 20), (1, 6), bias=False),
    _case("zero_points_at_the_ends", (2, 9), (8, 9), (2, 8), output_scale=0.4, zero_points=(-128, 127)),
    _case("zero_points_at_the_other_ends", (2, 9), (8, 9), (2, 8), output_scale=0.4, zero_points=(127, -128)),
    _case("factor_above_one", (1, 4), (7, 4), (1, 7), output_scale=1e-5),
    _case("factor_just_below_one", (4, 4), (7, 4), (4, 7), output_scale=0.000121, bias=False),
    _case("tiny_factor", (1, 20), (6, 20), (1, 6), scales=(1e-12,)),
    _case("wide", (5, 50), (40, 50), (5, 40), scales=(0.0123456789,), output_scale=0.3),
    _case("ties", (16, 1), (40, 1), (16, 40), scales=(0.00207,), output_scale=_tie(0.00207)),
    _case("ties_down", (16, 1), (40, 1), (16, 40), scales=(0.00206,), output_scale=_tie(0.00206)),
    _case("ties_no_bias", (16, 1), (40, 1), (16, 40), scales=(0.00207,), output_scale=_tie(0.00207), bias=False),
    _case("per_channel", (1, 33), (10, 33), (1, 10), scales=_scales(10)),
    _case("per_channel_batch_3", (3, 16), (8, 16), (3, 8), scales=_scales(8), activation=Activation.RELU),
    _case("per_channel_keeps_dims", (1, 4, 8), (6, 8), (1, 4, 6), scales=_scales(6), keep=True),
    _case("per_channel_no_bias", (1, 16), (5, 16), (1, 5), scales=_scales(5), bias=False),
    _case("per_channel_wide", (5, 50), (40, 50), (5, 40), scales=_scales(40), output_scale=0.1),
    _case("per_channel_ties", (16, 1), (40, 1), (16, 40), scales=(0.00207,) * 40, output_scale=_tie(0.00207)),
    _case("per_channel_ties_down", (16, 1), (40, 1), (16, 40), scales=(0.00206,) * 40, output_scale=_tie(0.00206)),
    _case("per_channel_wide_range", (2, 12), (4, 12), (2, 4), scales=(1e-3, 1e-7, 1e-10, 1e-12)),
    _case("per_channel_factor_above_one", (1, 4), (3, 4), (1, 3), scales=_scales(3), output_scale=1e-5),
    _case("depth_16_outputs_3", (1, 16), (3, 16), (1, 3)),
    _case("depth_32_outputs_6", (2, 32), (6, 32), (2, 6), output_scale=0.1),
    _case("depth_48_outputs_4", (1, 48), (4, 48), (1, 4), output_scale=0.1),
    _case(
        "depth_63_relu_at_the_lowest_zero_point",
        (2, 63),
        (5, 63),
        (2, 5),
        zero_points=(-128, -128),
        activation=Activation.RELU,
        output_scale=0.1,
    ),
    _case("int4", (1, 50), (13, 50), (1, 13), values="-8 .. 7", output_scale=0.01),
    _case("int4_batch_2", (2, 32), (16, 32), (2, 16), values="-8 .. 7", output_scale=0.01, scales=_scales(16)),
    _case("int4_one_by_one", (1, 1), (1, 1), (1, 1), values="-8 .. 7", output_scale=0.001),
    _case("int2", (2, 37), (9, 37), (2, 9), values="-2 .. 1", output_scale=0.003),
    _case("ternary", (1, 64), (8, 64), (1, 8), values="-1 .. 1", output_scale=0.003, activation=Activation.RELU6),
    _case("16_values", (2, 36), (10, 36), (2, 10), values="16 values"),
    _case("4_values_odd", (1, 21), (3, 21), (1, 3), values="4 values"),
    _case("bell_in_parts", (1, 500), (20, 500), (1, 20), values="bell", output_scale=0.2, scales=_scales(20)),
    _case("8_values_batch_2", (2, 64), (16, 64), (2, 16), values="8 values", output_scale=0.2),
    _case("int16", (2, 33), (10, 33), (2, 10), zero_points=(0, 0), dtype=DType.INT16, activation=Activation.RELU),
    _case("int16_per_channel", (1, 20), (7, 20), (1, 7), scales=_scales(7), zero_points=(0, 0), dtype=DType.INT16),
    _case("int16_no_bias", (1, 300), (3, 300), (1, 3), bias=False, zero_points=(0, 0), dtype=DType.INT16),
)

OPERATORS = (
    Operator(
        "FULLY_CONNECTED",
        attributes,
        (
            rules.int8_or_int16_activations,
            rules.constant_input(1, "the weights"),
            rules.rank(1, (2,), "the weights"),
            int8_weights(0),
            weights_have_the_default_format,
            shapes_agree,
            bias_is_int32,
            accumulator_fits_int32(0, wide_sum=2**32),
            rules.fused_activation_is_a_clamp,
            rules.clamp_fits_int32,
        ),
        reference,
        CASES,
    ),
)
