"""TRANSPOSE_CONV: each input element adds its product with a window of weights to the output around its place.

``out[n,y,x,o] = act(b[o] + Σ in[n,iy,ix,i] · w[o,ky,kx,i])`` over all taps with ``y = iy·sy + ky - py`` and
``x = ix·sx + kx - px``; py and px are the padding that a convolution from the output's size would have.

Integer: accumulator ``a = b[o] + Σ (q_in - z_in) · q_w`` in int32, then ``clamp(z_out + requantize(a, m[o], s[o]))``
with two roundings, ``m[o] · 2**(s[o]-31) = s_in · s_w[o] / s_out`` in double precision.
With int16 activations (zero points 0) the bias is int64, and sums of up to 48 bits are scaled by the upper half of
``m[o]``, rounded once.
Inputs are the output's shape, the weights, the data and the bias, in this order.
Source: TFLite ``transpose_conv.cc`` and ``reference_integer_ops::TransposeConv``.
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
from mcuq.ops.base import Array, Case, Constraint, Operand, Operator
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
class TransposeConv:
    """Attributes of TRANSPOSE_CONV: the geometry of the convolution from the output back to the input."""

    height: Axis
    width: Axis
    activation: Activation


def as_convolution(layer: Layer) -> Layer:
    """``layer`` with its inputs in the order of a convolution's: data, weights, bias."""
    bias = layer.optional_input(3)
    return Layer(layer.name, layer.op, layer.attributes, (layer.input(2), layer.input(1), bias), layer.outputs)


def attributes(options: Mapping[str, Any], layer: Layer) -> TransposeConv:
    _, height, width, _ = layer.output.shape
    _, window_h, window_w, _ = layer.input(1).shape
    padding = options.get("padding", SAME)
    return TransposeConv(
        axis(height, window_h, options.get("stride_h", 0), 1, padding),
        axis(width, window_w, options.get("stride_w", 0), 1, padding),
        Activation(options.get("fused_activation_function", 0)),
    )


def of_convolution(rule: Constraint) -> Constraint:
    """``rule`` of a convolution, asked about the layer as one."""

    def asked(layer: Layer) -> str | None:
        return rule(as_convolution(layer))

    asked.__doc__ = rule.__doc__
    return asked


def shapes_agree(layer: Layer) -> str | None:
    """input 0 is the output's shape; a convolution of it, of these strides and padding, has the data's shape"""
    shape, weights, data = layer.input(0), layer.input(1).shape, layer.input(2).shape
    if shape.data is None or tuple(shape.data.reshape(-1).tolist()) != layer.output.shape:
        return f"the output is {layer.output.shape}, which input 0 does not give"
    if layer.output.shape[0] != data[0] or layer.output.shape[3] != weights[0] or data[3] != weights[3]:
        return f"data {data}, weights {weights} and output {layer.output.shape} do not fit each other"
    a: TransposeConv = layer.attributes
    if data[1:3] != (a.height.output, a.width.output):
        return f"data of {data[1:3]} pixels; a convolution of the output would give {(a.height.output, a.width.output)}"
    return None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: TransposeConv = layer.attributes
    w, x = inputs[1], inputs[2]
    assert w is not None and x is not None
    conv = as_convolution(layer)
    batches, height, width, channels = layer.output.shape
    offsets = x.astype(np.int64) - conv.input(0).type.zero_point
    taps = np.einsum("nyxi,ohwi->nyxhwo", offsets, w.astype(np.int64))
    h, v = a.height, a.width
    full = np.zeros((batches, *(_reach(a, x.shape)), channels), np.int64)
    for iy in range(x.shape[1]):
        for ix in range(x.shape[2]):
            full[:, iy * h.stride : iy * h.stride + h.window, ix * v.stride : ix * v.stride + v.window] += taps[
                :, iy, ix
            ]
    inside = full[:, h.pad_before : h.pad_before + height, v.pad_before : v.pad_before + width]
    accumulator = np.zeros(layer.output.shape, np.int64)
    accumulator[:, : inside.shape[1], : inside.shape[2]] = inside
    requantize = requantization_of(conv, requantize_double)
    scaled = requantize(accumulator + bias_values(conv), *channel_requantization(conv))
    low, high = quantized_range(a.activation, layer.output.type)
    return (np.clip(scaled + layer.output.type.zero_point, low, high).astype(layer.output.type.dtype.numpy),)


def _reach(a: TransposeConv, data: tuple[int, ...]) -> tuple[int, int]:
    """Height and width that the data's windows cover, padding included."""
    return (data[1] - 1) * a.height.stride + a.height.window, (data[2] - 1) * a.width.stride + a.width.window


def case(
    name: str,
    shape: tuple[int, int, int, int],
    window: tuple[int, int, int, int],
    output: tuple[int, int],
    *,
    stride: tuple[int, int] = (2, 2),
    padding: int = SAME,
    activation: Activation = Activation.NONE,
    zero_points: tuple[int, int] = (-7, 5),
    output_scale: float = 0.05,
    weight_scales: tuple[float, ...] | None = None,
    bias: bool = True,
    weights: str = "random",
    dtype: DType = DType.INT8,
) -> Case:
    """``window`` is OHWI, ``output`` is (height, width)."""
    channels = window[0]
    bias_dtype = DType.INT64 if dtype is DType.INT16 else DType.INT32
    scales = weight_scales or tuple(0.002 + 0.0007 * (i % 11) for i in range(channels))
    whole = (shape[0], *output, channels)
    return Case(
        name,
        (
            Operand((4,), dtype=DType.INT32, data=whole),
            Operand(window, scales, data=weights),
            Operand(shape, 0.03, zero_points[0], dtype),
            Operand((channels,), tuple(0.03 * s for s in scales), dtype=bias_dtype, data="random") if bias else None,
        ),
        (Operand(whole, output_scale, zero_points[1], dtype),),
        {
            "stride_h": stride[0],
            "stride_w": stride[1],
            "padding": padding,
            "fused_activation_function": int(activation),
        },
    )


def _wide(*arguments: Any, **options: Any) -> Case:
    """A case of int16 activations."""
    return case(*arguments, zero_points=(0, 0), dtype=DType.INT16, **options)


CASES = (
    case("2x2_stride_2", (1, 4, 3, 5), (6, 2, 2, 5), (8, 6)),
    case("3x3_same", (1, 5, 4, 3), (4, 3, 3, 3), (10, 8), zero_points=(-128, 127)),
    case("3x3_valid", (1, 5, 4, 4), (5, 3, 3, 4), (11, 9), padding=VALID, bias=False),
    case("larger_than_its_windows_reach", (1, 3, 3, 2), (3, 2, 2, 2), (7, 10), stride=(2, 3), padding=VALID),
    case("stride_above_window", (1, 3, 4, 3), (4, 1, 2, 3), (9, 12), stride=(3, 3), zero_points=(127, -128)),
    case("stride_1_batch_2", (2, 3, 5, 7), (2, 3, 4, 7), (3, 5), stride=(1, 1), weight_scales=(0.004,)),
    case("one_row", (1, 1, 9, 4), (3, 1, 5, 4), (1, 18), stride=(1, 2), activation=Activation.RELU),
    case("one_pixel", (1, 1, 1, 16), (8, 4, 4, 16), (4, 4), stride=(4, 4), padding=VALID, output_scale=0.2),
    case("factor_above_one", (1, 2, 2, 2), (2, 2, 2, 2), (4, 4), output_scale=1e-5),
    case("ternary", (1, 2, 2, 5), (13, 3, 2, 5), (4, 4), weights="-1 .. 1", output_scale=0.002),
    _wide("int16_same", (1, 5, 4, 3), (4, 3, 3, 3), (10, 8)),
    _wide("int16_valid_no_bias", (2, 3, 4, 4), (5, 3, 2, 4), (9, 8), stride=(3, 2), padding=VALID, bias=False),
    _wide("int16_one_row_relu", (1, 1, 9, 4), (3, 1, 5, 4), (1, 18), stride=(1, 2), activation=Activation.RELU),
)

OPERATORS = (
    Operator(
        "TRANSPOSE_CONV",
        attributes,
        (
            rules.quantized_activations((2,), (DType.INT8, DType.INT16)),
            of_convolution(rules.int8_or_int16_activations),
            rules.rank(2, (4,), "the input"),
            rules.constant_input(0, "the output's shape"),
            rules.constant_input(1, "the weights"),
            of_convolution(int8_weights(0)),
            of_convolution(bias_is_int32),
            shapes_agree,
            of_convolution(accumulator_fits_int32(0)),
            rules.fused_activation_is_a_clamp,
        ),
        reference,
        CASES,
    ),
)
