"""What the operators that multiply by weights share: weights, bias, requantization, accumulators. No operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mcuq.fixedpoint import IntArray, quantize_multiplier, requantize_wide
from mcuq.ir import DType, Layer
from mcuq.ops.base import Array, Constraint
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.floats import tflite_name
from mcuq.ops.rules import is_wide

WIDE_SUM = 2**47
MOST_WIDE_SHIFT = 7
"""What LiteRT allows of sums over int16 activations."""
Requantize = Callable[[Any, Any, Any], IntArray]


def requantization_of(layer: Layer, narrow: Requantize) -> Requantize:
    """How the layer's sums are scaled: as ``narrow`` does, but for those over int16 activations."""
    return requantize_wide if is_wide(layer) else narrow


def int8_weights(channel_axis: int) -> Constraint:
    """The rule for weights (input 1) that count output channels along ``channel_axis``."""

    def rule(layer: Layer) -> str | None:
        weights = layer.input(1).type
        quantization = weights.quantization
        if weights.dtype is not DType.INT8 or quantization is None:
            return f"weights are {weights.dtype.value}, quantized int8 is needed"
        if any(quantization.zero_points):
            return "weights have a zero point other than 0"
        if len(quantization.scales) not in (1, layer.output.shape[-1]):
            return f"weights have {len(quantization.scales)} scales for {layer.output.shape[-1]} output channels"
        if quantization.per_channel and quantization.axis != channel_axis:
            return f"weights have scales along dimension {quantization.axis}, {channel_axis} is needed"
        return None

    rule.__doc__ = "weights are int8, zero point 0, with one scale or one for each output channel"
    return rule


def bias_is_int32(layer: Layer) -> str | None:
    """the bias is absent, or constant with one value for each output channel: int32, for int16 activations int64"""
    bias = layer.optional_input(2)
    if bias is None:
        return None
    dtype = DType.INT64 if is_wide(layer) else DType.INT32
    if bias.data is None or bias.type.dtype is not dtype or bias.type.elements != layer.output.shape[-1]:
        return f"bias is {bias.type}, a constant {dtype.value} for each of {layer.output.shape[-1]} channels is needed"
    return None


def bias_values(layer: Layer) -> Array:
    """The bias as int32 (int64 for int16 activations), zeros where there is none."""
    bias = layer.optional_input(2)
    dtype = np.int64 if is_wide(layer) else np.int32
    if bias is None or bias.data is None:
        return np.zeros(layer.output.shape[-1], dtype)
    return bias.data.astype(dtype).reshape(-1)


def channel_requantization(layer: Layer) -> tuple[Array, Array]:
    """Multiplier and shift for each output channel (int64 arrays)."""
    scales = np.array(layer.input(1).type.quantization.scales, np.float64)  # type: ignore[union-attr]
    channels = layer.output.shape[-1]
    if len(scales) == 1:
        scales = np.repeat(scales, channels)
    factors = layer.input(0).type.scale * scales / layer.output.type.scale
    pairs = [quantize_multiplier(float(factor)) for factor in factors]
    return np.array([m for m, _ in pairs], np.int64), np.array([s for _, s in pairs], np.int64)


def accumulator_bound(layer: Layer, channel_axis: int) -> Array:
    """For each output channel, what no partial sum exceeds in magnitude, with or without the offset in the bias.

    ``channel_axis`` is the axis of the weights (input 1) that counts output channels.
    """
    weights = layer.input(1).data
    assert weights is not None
    by_channel = np.moveaxis(weights.astype(np.int64), channel_axis, 0).reshape(weights.shape[channel_axis], -1)
    bound: Array = (32768 if is_wide(layer) else 256) * np.abs(by_channel).sum(axis=1) + np.abs(
        bias_values(layer).astype(np.int64)
    )
    return bound


def accumulator_fits_int32(channel_axis: int, wide_sum: int = WIDE_SUM) -> Constraint:
    """The rule for an operator whose weights count output channels along ``channel_axis``.

    ``wide_sum`` is more than its sums over int16 activations may reach.
    """

    def rule(layer: Layer) -> str | None:
        _, shifts = channel_requantization(layer)
        bound = accumulator_bound(layer, channel_axis).astype(np.float64)
        if is_wide(layer):
            scaled = float(np.ldexp(bound, shifts.astype(np.int32)).max(initial=0))
            fits = bound.max(initial=0) < wide_sum and shifts.max(initial=0) <= MOST_WIDE_SHIFT and scaled < 2**31
            return None if fits else f"the accumulator may reach {bound.max():.0f}, scaled {scaled:.0f}"
        reach = float(np.ldexp(bound, np.maximum(shifts, 0).astype(np.int32)).max(initial=0))
        return None if reach < 2**31 else f"the accumulator may reach {reach:.0f} before its scaling, past int32"

    rule.__doc__ = (
        "the accumulator stays within int32 for every input, also when shifted left for its scaling; "
        "with int16 activations within 48 bits (33 in FULLY_CONNECTED), and within int32 when scaled"
    )
    return rule


def as_convolution(layer: Layer) -> tuple[Axis, Axis, Array]:
    """Height, width and weights (OHWI) of the convolution that a layer of any of the operators but one is.

    A depthwise layer has groups of one channel, a fully connected one windows of one pixel in one row.
    """
    a, weights = layer.attributes, layer.input(1).data
    assert weights is not None
    if tflite_name(layer.op) == "FULLY_CONNECTED":
        return Axis(1, 1, 1, 1, 1, 0), Axis(a.batches, a.batches, 1, 1, 1, 0), weights[:, np.newaxis, np.newaxis, :]
    if tflite_name(layer.op) == "DEPTHWISE_CONV_2D":
        weights = np.ascontiguousarray(weights.transpose(3, 1, 2, 0))
    return a.height, a.width, weights
