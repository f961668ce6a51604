"""DEPTHWISE_CONV_2D: ``out[n,y,x,o] = act(b[o] + Σ in[n, y·sy+ky·dy-py, x·sx+kx·dx-px, o // m] · w[0,ky,kx,o])``.

``m`` is the multiplier: output channels over input channels. Integer: the accumulator, the two roundings and the
clamp of CONV_2D, with ``m[o] · 2**(s[o]-31) = s_in · s_w[o] / s_out`` in double precision.
With int16 activations (zero points 0) the bias is int64, sums have 48 bits, and the upper 16 bits of the multiplier
round once, half up.
Source: TFLite ``reference_integer_ops::DepthwiseConvPerChannel``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import requantize_double
from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.activation import Activation, quantized_range
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.conv_geometry import SAME, VALID, Axis, axis
from mcuq.ops.weighted import (
    accumulator_fits_int32,
    bias_is_int32,
    bias_values,
    channel_requantization,
    int8_weights,
    requantization_of,
)


@dataclass(frozen=True, slots=True)
class DepthwiseConv2D:
    """Attributes of DEPTHWISE_CONV_2D. ``multiplier`` is output channels over input channels, from the shapes."""

    height: Axis
    width: Axis
    multiplier: int
    activation: Activation


def attributes(options: Mapping[str, Any], layer: Layer) -> DepthwiseConv2D:
    _, height, width, channels = layer.input(0).shape
    _, window_h, window_w, outputs = layer.input(1).shape
    padding = options.get("padding", SAME)
    return DepthwiseConv2D(
        axis(height, window_h, options.get("stride_h", 0), options.get("dilation_h_factor", 1), padding),
        axis(width, window_w, options.get("stride_w", 0), options.get("dilation_w_factor", 1), padding),
        outputs // channels,
        Activation(options.get("fused_activation_function", 0)),
    )


def shapes_agree(layer: Layer) -> str | None:
    """the output has the size that stride, dilation and padding give, and a multiple of the input's channels"""
    a: DepthwiseConv2D = layer.attributes
    weights = layer.input(1).shape
    batches, _, _, channels = layer.input(0).shape
    expected = (batches, a.height.output, a.width.output, weights[3])
    if layer.output.shape != expected:
        return f"the output is {layer.output.shape}, its attributes give {expected}"
    if weights[0] != 1 or weights[3] % channels:
        return f"weights are {weights}, one filter for a multiple of {channels} channels is needed"
    return None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: DepthwiseConv2D = layer.attributes
    x, w = inputs[0], inputs[1]
    assert x is not None and w is not None
    h, v = a.height, a.width
    padded = np.pad(
        x.astype(np.int64) - layer.input(0).type.zero_point,
        ((0, 0), (h.pad_before, h.pad_after), (v.pad_before, v.pad_after), (0, 0)),
    ).repeat(a.multiplier, axis=3)
    weights = w.astype(np.int64)[0]
    accumulator = np.broadcast_to(bias_values(layer).astype(np.int64), layer.output.shape).copy()
    for ky in range(h.window):
        for kx in range(v.window):
            rows = slice(ky * h.dilation, ky * h.dilation + (h.output - 1) * h.stride + 1, h.stride)
            columns = slice(kx * v.dilation, kx * v.dilation + (v.output - 1) * v.stride + 1, v.stride)
            accumulator += padded[:, rows, columns] * weights[ky, kx]
    multipliers, shifts = channel_requantization(layer)
    scaled = (
        requantization_of(layer, requantize_double)(accumulator, multipliers, shifts) + layer.output.type.zero_point
    )
    low, high = quantized_range(a.activation, layer.output.type)
    return (np.clip(scaled, low, high).astype(layer.output.type.dtype.numpy),)


def _case(
    name: str,
    shape: tuple[int, int, int, int],
    window: tuple[int, int],
    output: tuple[int, int],
    *,
    multiplier: int = 1,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: int = SAME,
    activation: Activation = Activation.NONE,
    zero_points: tuple[int, int] = (-7, 5),
    output_scale: float = 0.02,
    weight_scales: tuple[float, ...] | None = None,
    bias: bool = True,
    weights: str = "random",
    dtype: DType = DType.INT8,
) -> Case:
    """``window`` and ``output`` are (height, width)."""
    channels = shape[3] * multiplier
    of_bias = DType.INT64 if dtype is DType.INT16 else DType.INT32
    scales = weight_scales or tuple(0.002 + 0.0007 * (i % 11) for i in range(channels))
    return Case(
        name,
        (
            Operand(shape, 0.03, zero_points[0], dtype),
            Operand((1, *window, channels), scales, axis=3, data=weights),
            Operand((channels,), tuple(0.03 * s for s in scales), dtype=of_bias, data="random") if bias else None,
        ),
        (Operand((shape[0], *output, channels), output_scale, zero_points[1], dtype),),
        {
            "stride_h": stride[0],
            "stride_w": stride[1],
            "dilation_h_factor": dilation[0],
            "dilation_w_factor": dilation[1],
            "padding": padding,
            "depth_multiplier": multiplier,
            "fused_activation_function": int(activation),
        },
    )


def _tie(scale: float) -> float:
    """The output scale that would make the factor 1/64 if the product of scales were rounded to float32; it is not.

    Every 64th accumulator would then be a tie, which shows how the product is rounded.
    """
    return float(np.float32(0.03) * np.float32(scale)) * 64


CASES = (
    _case("3x3_same", (1, 7, 6, 5), (3, 3), (7, 6)),
    _case("3x3_same_8_channels", (1, 5, 5, 8), (3, 3), (5, 5), activation=Activation.RELU),
    _case("3x3_valid_stride_2", (1, 9, 8, 6), (3, 3), (4, 3), stride=(2, 2), padding=VALID),
    _case("3x3_same_stride_2_even", (1, 8, 8, 4), (3, 3), (4, 4), stride=(2, 2), activation=Activation.RELU6),
    _case("5x4_same", (1, 8, 9, 7), (5, 4), (8, 9)),
    _case("1x1", (1, 4, 4, 9), (1, 1), (4, 4)),
    _case("1xn", (1, 1, 20, 6), (1, 5), (1, 20)),
    _case("1xn_valid_stride_3", (1, 1, 21, 6), (1, 5), (1, 6), stride=(1, 3), padding=VALID),
    _case("nx1", (1, 12, 1, 3), (4, 1), (12, 1)),
    _case("whole_input", (1, 6, 5, 4), (6, 5), (1, 1), padding=VALID),
    _case("dilated", (1, 11, 10, 3), (3, 3), (11, 10), dilation=(2, 3)),
    _case("dilated_valid", (1, 11, 10, 3), (3, 3), (7, 4), dilation=(2, 3), padding=VALID),
    _case("dilated_beyond_the_input", (1, 3, 3, 2), (3, 3), (3, 3), dilation=(4, 5)),
    _case("dilated_past_every_tap", (1, 3, 3, 2), (2, 2), (3, 3), dilation=(4, 4)),
    _case("asymmetric_stride", (1, 10, 9, 2), (5, 2), (5, 3), stride=(2, 3)),
    _case("multiplier_2", (1, 6, 6, 5), (3, 3), (6, 6), multiplier=2),
    _case("multiplier_3_stride_2", (1, 7, 7, 3), (3, 3), (4, 4), multiplier=3, stride=(2, 2)),
    _case("multiplier_4", (1, 6, 5, 3), (3, 2), (6, 5), multiplier=4, activation=Activation.RELU),
    _case("multiplier_4_batch_2", (2, 4, 5, 3), (3, 3), (4, 5), multiplier=4),
    _case("multiplier_4_dilated", (1, 6, 6, 2), (3, 3), (6, 6), multiplier=4, dilation=(2, 2)),
    _case("one_channel_multiplier_8", (1, 49, 10, 1), (10, 8), (25, 5), multiplier=8, stride=(2, 2)),
    _case("one_pixel", (1, 1, 1, 7), (3, 3), (1, 1)),
    _case("batch_2", (2, 4, 4, 5), (3, 3), (4, 4)),
    _case("many_channels", (1, 3, 3, 133), (3, 3), (3, 3)),
    _case("many_channels_5x5", (1, 3, 3, 130), (5, 5), (3, 3)),
    _case("per_tensor", (1, 5, 5, 6), (3, 3), (5, 5), weight_scales=(0.004,)),
    _case("no_bias", (1, 5, 5, 6), (3, 3), (5, 5), bias=False),
    _case("zero_points_at_the_ends", (1, 5, 5, 6), (3, 3), (5, 5), zero_points=(-128, 127)),
    _case("zero_points_at_the_other_ends", (1, 5, 5, 6), (5, 3), (5, 5), zero_points=(127, -128)),
    _case("factor_above_one", (1, 4, 4, 3), (2, 2), (4, 4), output_scale=1e-5),
    _case("tiny_factors", (1, 4, 4, 4), (1, 1), (4, 4), weight_scales=(1e-3, 1e-7, 1e-10, 1e-12)),
    _case("scale_ties", (1, 9, 9, 16), (1, 1), (9, 9), weight_scales=(0.00207,) * 16, output_scale=_tie(0.00207)),
    _case("scale_ties_down", (1, 9, 9, 16), (1, 1), (9, 9), weight_scales=(0.00206,) * 16, output_scale=_tie(0.00206)),
    _case("relu_n1_to_1", (1, 4, 4, 3), (2, 2), (4, 4), activation=Activation.RELU_N1_TO_1),
    # Lines of every length modulo 4, along either side, in one band and in several; -128 clamps negatives away.
    *(
        _case(f"3x3_lines_of_{n}", (1, 3, n, 3), (3, 3), (3, n), activation=Activation.RELU, zero_points=(-128, -128))
        for n in (3, 4, 5, 6, 7, 9)
    ),
    *(
        _case(f"3x3_stride_2_lines_of_{n}", (1, 2 * n, 5, 2), (3, 3), (n, 3), stride=(2, 2), zero_points=(3, -128))
        for n in (3, 4, 5, 6, 7, 9)
    ),
    _case("3x3_tall", (1, 25, 5, 6), (3, 3), (25, 5), activation=Activation.RELU, zero_points=(-128, -128)),
    _case("3x3_far_steps", (1, 25, 5, 66), (3, 3), (25, 5), activation=Activation.RELU, zero_points=(-128, -128)),
    _case("3x3_bands", (1, 37, 40, 2), (3, 3), (37, 40), activation=Activation.RELU, zero_points=(5, -128)),
    _case("3x3_bands_stride_2", (2, 66, 63, 1), (3, 3), (33, 32), stride=(2, 2)),
    _case("3x3_bands_turned", (1, 70, 31, 1), (3, 3), (68, 29), padding=VALID, zero_points=(0, 127)),
    _case("3x3_widest", (1, 2, 124, 1), (3, 3), (2, 124)),
    _case("3x3_wider", (1, 2, 130, 1), (3, 3), (2, 130)),
    _case("3x3_stride_1x2", (1, 6, 13, 3), (3, 3), (6, 7), stride=(1, 2)),
    _case("5x5_stride_2", (1, 13, 11, 3), (5, 5), (7, 6), stride=(2, 2), zero_points=(-128, -128)),
    _case("4x4_stride_3", (1, 12, 14, 2), (4, 4), (4, 5), stride=(3, 3)),
    _case("7x7_bands", (1, 30, 29, 1), (7, 7), (30, 29), activation=Activation.RELU, zero_points=(-1, -128)),
    _case("2x2_stride_2", (1, 8, 9, 4), (2, 2), (4, 4), stride=(2, 2), padding=VALID),
    _case("multiplier_2_stride_2", (1, 12, 12, 2), (3, 3), (6, 6), multiplier=2, stride=(2, 2)),
    _case(
        "relu_at_the_lowest_zero_point",
        (1, 11, 5, 32),
        (3, 3),
        (11, 5),
        zero_points=(-128, -128),
        activation=Activation.RELU,
    ),
    _case("17_channels_2x2", (1, 12, 3, 17), (2, 2), (12, 3)),
    _case("40_channels_nx1_valid", (1, 30, 1, 40), (10, 1), (21, 1), padding=VALID),
    _case("ternary", (1, 4, 3, 39), (3, 3), (4, 3), weights="-1 .. 1", output_scale=0.001),
    _case("bell", (1, 2, 3, 65), (3, 5), (2, 3), weights="bell", output_scale=0.05),
    _case("int16_3x3", (1, 6, 5, 4), (3, 3), (3, 3), stride=(2, 2), zero_points=(0, 0), dtype=DType.INT16),
    _case("int16_multiplier_2", (2, 4, 5, 3), (2, 3), (4, 5), multiplier=2, zero_points=(0, 0), dtype=DType.INT16),
)

OPERATORS = (
    Operator(
        "DEPTHWISE_CONV_2D",
        attributes,
        (
            rules.int8_or_int16_activations,
            rules.rank(0, (4,), "the input"),
            rules.constant_input(1, "the weights"),
            int8_weights(3),
            bias_is_int32,
            shapes_agree,
            accumulator_fits_int32(3),
            rules.fused_activation_is_a_clamp,
            rules.clamp_fits_int32,
        ),
        reference,
        CASES,
    ),
)
