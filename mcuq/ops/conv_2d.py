"""CONV_2D: ``out[n,y,x,o] = act(b[o] + Σ in[n, y·sy+ky·dy-py, x·sx+kx·dx-px, i] · w[o,ky,kx,i])``, grouped or not.

Integer: accumulator ``a = b[o] + Σ (q_in - z_in) · q_w`` in int32, then ``clamp(z_out + requantize(a, m[o], s[o]))``
with two roundings, ``m[o] · 2**(s[o]-31) = s_in · s_w[o] / s_out`` in double precision.
With int16 activations (zero points 0) the bias is int64, sums have 48 bits, and the upper 16 bits of the multiplier
round once, half up.
Source: TFLite ``reference_integer_ops::ConvPerChannel``.
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
class Conv2D:
    """Attributes of CONV_2D. ``groups`` is input channels over filter channels.

    ``two_values``: the input is known to hold only its zero point and the value above it (``note_two_values``).
    """

    height: Axis
    width: Axis
    groups: int
    activation: Activation
    two_values: bool = False


def attributes(options: Mapping[str, Any], layer: Layer) -> Conv2D:
    _, height, width, channels = layer.input(0).shape
    _, window_h, window_w, filter_channels = layer.input(1).shape
    padding = options.get("padding", SAME)
    return Conv2D(
        axis(height, window_h, options.get("stride_h", 0), options.get("dilation_h_factor", 1), padding),
        axis(width, window_w, options.get("stride_w", 0), options.get("dilation_w_factor", 1), padding),
        channels // filter_channels,
        Activation(options.get("fused_activation_function", 0)),
    )


def shapes_agree(layer: Layer) -> str | None:
    """the output has the size that stride, dilation and padding give, and the channels divide into groups"""
    a: Conv2D = layer.attributes
    weights = layer.input(1).shape
    expected = (layer.input(0).shape[0], a.height.output, a.width.output, weights[0])
    if layer.output.shape != expected:
        return f"the output is {layer.output.shape}, its attributes give {expected}"
    if layer.input(0).shape[3] % weights[3] or weights[0] % a.groups:
        return f"{layer.input(0).shape[3]} channels do not divide into groups of {weights[3]}"
    return None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Conv2D = layer.attributes
    x, w = inputs[0], inputs[1]
    assert x is not None and w is not None
    h, v = a.height, a.width
    padded = np.pad(
        x.astype(np.int64) - layer.input(0).type.zero_point,
        ((0, 0), (h.pad_before, h.pad_after), (v.pad_before, v.pad_after), (0, 0)),
    )
    batches, channels_out = x.shape[0], w.shape[0]
    accumulator = np.broadcast_to(bias_values(layer).astype(np.int64), (batches, h.output, v.output, channels_out))
    accumulator = accumulator.reshape(batches, h.output, v.output, a.groups, -1).copy()
    grouped = w.astype(np.int64).reshape(a.groups, -1, h.window, v.window, w.shape[3])
    for ky in range(h.window):
        for kx in range(v.window):
            rows = slice(ky * h.dilation, ky * h.dilation + (h.output - 1) * h.stride + 1, h.stride)
            columns = slice(kx * v.dilation, kx * v.dilation + (v.output - 1) * v.stride + 1, v.stride)
            taps = padded[:, rows, columns].reshape(batches, h.output, v.output, a.groups, -1)
            accumulator += np.einsum("nyxgi,goi->nyxgo", taps, grouped[:, :, ky, kx])
    multipliers, shifts = channel_requantization(layer)
    scaled = requantization_of(layer, requantize_double)(
        accumulator.reshape(batches, h.output, v.output, channels_out), multipliers, shifts
    )
    low, high = quantized_range(a.activation, layer.output.type)
    return (np.clip(scaled + layer.output.type.zero_point, low, high).astype(layer.output.type.dtype.numpy),)


def _bias_type(activations: DType) -> DType:
    return DType.INT64 if activations is DType.INT16 else DType.INT32


def _wide(*arguments: Any, **options: Any) -> Case:
    """A case of int16 activations."""
    return _case(*arguments, zero_points=(0, 0), dtype=DType.INT16, **options)


def _case(
    name: str,
    shape: tuple[int, int, int, int],
    window: tuple[int, int, int, int],
    output: tuple[int, int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: int = SAME,
    activation: Activation = Activation.NONE,
    zero_points: tuple[int, int] = (-7, 5),
    output_scale: float = 0.05,
    weight_scales: tuple[float, ...] | None = None,
    weights: str = "random",
    dtype: DType = DType.INT8,
) -> Case:
    """``window`` is OHWI, ``output`` is (height, width, channels)."""
    channels = window[0]
    scales = weight_scales or tuple(0.002 + 0.0007 * (i % 11) for i in range(channels))
    return Case(
        name,
        (
            Operand(shape, 0.03, zero_points[0], dtype),
            Operand(window, scales, data=weights),
            Operand((channels,), tuple(0.03 * s for s in scales), dtype=_bias_type(dtype), data="random"),
        ),
        (Operand((shape[0], *output), output_scale, zero_points[1], dtype),),
        {
            "stride_h": stride[0],
            "stride_w": stride[1],
            "dilation_h_factor": dilation[0],
            "dilation_w_factor": dilation[1],
            "padding": padding,
            "fused_activation_function": int(activation),
        },
    )


CASES = (
    _case("3x3_same", (1, 7, 6, 5), (4, 3, 3, 5), (7, 6, 4)),
    _case("3x3_valid_stride_2", (1, 9, 8, 3), (8, 3, 3, 3), (4, 3, 8), stride=(2, 2), padding=VALID),
    _case("same_stride_2_even", (1, 8, 8, 4), (4, 3, 3, 4), (4, 4, 4), stride=(2, 2), activation=Activation.RELU),
    _case("1x1", (1, 5, 5, 16), (12, 1, 1, 16), (5, 5, 12), activation=Activation.RELU6),
    _case("1x1_stride_2", (1, 6, 6, 8), (4, 1, 1, 8), (3, 3, 4), stride=(2, 2)),
    _case("1xn", (1, 1, 20, 6), (8, 1, 5, 6), (1, 20, 8)),
    _case("1xn_valid_stride_2", (1, 1, 21, 6), (8, 1, 5, 6), (1, 9, 8), stride=(1, 2), padding=VALID),
    _case("nx1", (1, 12, 1, 3), (5, 4, 1, 3), (12, 1, 5)),
    _case("dilated", (1, 11, 10, 3), (4, 3, 3, 3), (11, 10, 4), dilation=(2, 3)),
    _case("dilated_valid", (1, 11, 10, 3), (4, 3, 3, 3), (7, 4, 4), dilation=(2, 3), padding=VALID),
    _case("asymmetric_stride", (1, 10, 9, 2), (3, 5, 2, 2), (5, 3, 3), stride=(2, 3)),
    _case("10x4_stride_2", (1, 49, 10, 1), (8, 10, 4, 1), (25, 5, 8), stride=(2, 2), activation=Activation.RELU),
    _case("grouped", (1, 6, 6, 8), (6, 3, 3, 4), (6, 6, 6)),
    _case("one_pixel", (1, 1, 1, 7), (9, 3, 3, 7), (1, 1, 9)),
    _case(
        "whole_image",
        (2, 3, 2, 11),
        (19, 3, 2, 11),
        (1, 1, 19),
        padding=VALID,
        activation=Activation.RELU,
        zero_points=(3, -128),
        output_scale=0.1,
    ),
    _case("batch_2", (2, 4, 4, 4), (4, 3, 3, 4), (4, 4, 4)),
    _case("per_tensor", (1, 5, 5, 4), (6, 3, 3, 4), (5, 5, 6), weight_scales=(0.004,)),
    _case("zero_points_at_the_ends", (1, 5, 5, 4), (6, 3, 3, 4), (5, 5, 6), zero_points=(-128, 127)),
    _case("zero_points_at_the_other_ends", (1, 5, 5, 4), (6, 3, 3, 4), (5, 5, 6), zero_points=(127, -128)),
    _case("factor_above_one", (1, 4, 4, 2), (3, 2, 2, 2), (4, 4, 3), output_scale=1e-5),
    _case("tiny_factors", (1, 4, 4, 2), (4, 1, 1, 2), (4, 4, 4), weight_scales=(1e-3, 1e-7, 1e-10, 1e-12)),
    _case("relu_n1_to_1", (1, 4, 4, 2), (3, 2, 2, 2), (4, 4, 3), activation=Activation.RELU_N1_TO_1),
    _case(
        "relu_at_the_low_end",
        (1, 13, 9, 16),
        (20, 3, 3, 16),
        (13, 9, 20),
        activation=Activation.RELU,
        zero_points=(-128, -128),
        output_scale=0.2,
    ),
    _case(
        "three_channels_in",
        (1, 20, 7, 3),
        (10, 3, 3, 3),
        (20, 7, 10),
        activation=Activation.RELU,
        zero_points=(3, -128),
    ),
    _case(
        "one_channel_in_tall_window",
        (1, 19, 8, 1),
        (8, 7, 3, 1),
        (10, 4, 8),
        stride=(2, 2),
        zero_points=(83, -128),
        activation=Activation.RELU,
    ),
    _case(
        "1x1_many_channels",
        (1, 3, 5, 64),
        (17, 1, 1, 64),
        (3, 5, 17),
        zero_points=(-128, -128),
        output_scale=0.2,
        activation=Activation.RELU,
    ),
    _case("1x1_few_channels", (1, 3, 3, 1), (5, 1, 1, 1), (3, 3, 5)),
    _case("stride_above_window", (1, 11, 10, 4), (4, 2, 2, 4), (4, 4, 4), stride=(3, 3)),
    _case("stride_3", (2, 11, 10, 4), (8, 4, 4, 4), (3, 3, 8), stride=(3, 3), padding=VALID),
    _case("wide_window", (1, 4, 30, 2), (4, 1, 17, 2), (4, 30, 4)),
    _case("dilated_1x1_row", (1, 5, 9, 2), (3, 1, 3, 2), (5, 9, 3), dilation=(1, 2)),
    _case("1x1_one_pixel", (1, 1, 1, 33), (6, 1, 1, 33), (1, 1, 6)),
    _case("1x1_odd_pixels", (1, 5, 3, 32), (7, 1, 1, 32), (5, 3, 7), output_scale=0.2),
    _case(
        "1x1_wider_output", (1, 4, 5, 20), (37, 1, 1, 20), (4, 5, 37), zero_points=(3, -128), activation=Activation.RELU
    ),
    _case("1x1_growing", (1, 11, 9, 8), (13, 1, 1, 8), (11, 9, 13)),
    _case("1x1_growing_odd_batch_3", (3, 3, 3, 35), (40, 1, 1, 35), (3, 3, 40), output_scale=0.2),
    _case("1x1_same_size", (1, 9, 7, 12), (12, 1, 1, 12), (9, 7, 12), activation=Activation.RELU6),
    _case("1x1_narrower_output", (1, 5, 5, 64), (16, 1, 1, 64), (5, 5, 16), output_scale=0.3),
    _case("1x1_batch_3", (3, 3, 3, 17), (5, 1, 1, 17), (3, 3, 5)),
    _case("1x1_stride_2_odd_batch_2", (2, 7, 5, 16), (8, 1, 1, 16), (4, 3, 8), stride=(2, 2)),
    _case("1x1_stride_3x2", (1, 7, 5, 48), (9, 1, 1, 48), (3, 3, 9), stride=(3, 2), output_scale=0.2),
    _case(
        "relu_at_the_lowest_zero_point",
        (1, 12, 5, 16),
        (8, 3, 3, 16),
        (12, 5, 8),
        zero_points=(-128, -128),
        activation=Activation.RELU,
        output_scale=0.1,
    ),
    _case("more_rows_than_the_buffer_moves", (1, 23, 4, 6), (5, 4, 3, 6), (12, 2, 5), stride=(2, 2), output_scale=0.1),
    _case("three_columns_wide", (2, 9, 8, 8), (12, 5, 3, 8), (5, 8, 12), stride=(2, 1)),
    _case("three_columns_wide_on_one_column", (1, 5, 1, 12), (4, 3, 3, 12), (5, 1, 4), output_scale=0.2),
    _case(
        "three_columns_wide_clamped",
        (1, 4, 7, 24),
        (6, 3, 3, 24),
        (4, 7, 6),
        activation=Activation.RELU6,
        zero_points=(127, -128),
    ),
    _case("pairs_far_apart", (1, 4, 16, 16), (8, 3, 3, 16), (4, 16, 8), output_scale=0.2),
    _case("two_channels", (1, 10, 7, 2), (4, 3, 3, 2), (10, 7, 4)),
    _case("int4_1x1", (1, 5, 3, 16), (8, 1, 1, 16), (5, 3, 8), weights="-8 .. 7", output_scale=0.01),
    _case("int4_in_parts", (1, 3, 3, 64), (70, 1, 1, 64), (3, 3, 70), weights="-8 .. 7", output_scale=0.01),
    _case("int4_odd", (2, 4, 3, 3), (7, 3, 3, 3), (2, 2, 7), stride=(2, 2), weights="-8 .. 7", output_scale=0.01),
    _case(
        "int4_relu",
        (1, 4, 3, 3),
        (7, 3, 3, 3),
        (4, 3, 7),
        weights="-8 .. 7",
        output_scale=0.01,
        zero_points=(3, -128),
        activation=Activation.RELU,
    ),
    _case(
        "int4_3x3_in_parts",
        (1, 4, 5, 32),
        (16, 3, 3, 32),
        (4, 5, 16),
        weights="-8 .. 7",
        output_scale=0.03,
        zero_points=(-128, -128),
        activation=Activation.RELU,
    ),
    _case("int2_3x3", (1, 5, 4, 5), (6, 3, 3, 5), (5, 4, 6), weights="-2 .. 1", output_scale=0.003),
    _case("ternary_1x1", (1, 3, 3, 18), (9, 1, 1, 18), (3, 3, 9), weights="-1 .. 1", output_scale=0.003),
    _case(
        "16_values",
        (1, 5, 4, 8),
        (6, 2, 3, 8),
        (5, 4, 6),
        weights="16 values",
        zero_points=(3, -128),
        activation=Activation.RELU,
    ),
    _case("16_values_1x1", (1, 3, 3, 32), (9, 1, 1, 32), (3, 3, 9), weights="16 values", activation=Activation.RELU6),
    _case("16_values_each", (1, 5, 4, 4), (6, 3, 3, 4), (5, 4, 6), weights="16 values each"),
    _case("4_values_each", (1, 5, 4, 6), (6, 3, 3, 6), (5, 4, 6), weights="4 values each"),
    _case("4_values_1x1_in_parts", (1, 2, 2, 96), (60, 1, 1, 96), (2, 2, 60), weights="4 values", output_scale=0.3),
    _case("bell_in_parts", (1, 3, 4, 24), (21, 3, 3, 24), (3, 4, 21), weights="bell", output_scale=0.3),
    _case("2_values", (2, 4, 3, 12), (12, 3, 2, 12), (4, 3, 12), weights="2 values", output_scale=0.2),
    _case("ternary_in_parts", (1, 3, 3, 64), (70, 1, 1, 64), (3, 3, 70), weights="-1 .. 1", output_scale=0.003),
    _wide("int16_3x3_stride_2", (1, 7, 6, 5), (4, 3, 3, 5), (4, 3, 4), stride=(2, 2), activation=Activation.RELU6),
    _wide("int16_grouped_dilated", (2, 6, 7, 4), (6, 3, 2, 2), (6, 7, 6), dilation=(2, 1)),
    _wide("int16_factor_above_one", (1, 3, 3, 2), (3, 1, 1, 2), (3, 3, 3), output_scale=2e-5),
    _wide("int16_tiny_factors", (1, 2, 2, 9), (3, 2, 2, 9), (2, 2, 3), weight_scales=(1e-3, 1e-6, 1e-9)),
)

OPERATORS = (
    Operator(
        "CONV_2D",
        attributes,
        (
            rules.int8_or_int16_activations,
            rules.rank(0, (4,), "the input"),
            rules.constant_input(1, "the weights"),
            int8_weights(0),
            rules.constant_input(2, "the bias"),  # LiteRT itself refuses a CONV_2D without one
            bias_is_int32,
            shapes_agree,
            accumulator_fits_int32(0),
            rules.fused_activation_is_a_clamp,
            rules.clamp_fits_int32,
        ),
        reference,
        CASES,
    ),
)
