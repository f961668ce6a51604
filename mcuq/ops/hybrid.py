"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of float32 with int8 weights: dynamic-range quantization.

The input is quantized to int8 while the model runs, ``q = z + round(in / s)``: each image of a batch, and each row of
FULLY_CONNECTED, by its own range, 0 in it: ``s = (max - min) / 255``; or ``s = max |in| / 127`` and z = 0 where
FULLY_CONNECTED does not ask for zero points, and where all weights of CONV_2D have one scale. Then
``a = Σ (q - z) · q_w`` in int32, and in single precision ``clamp(a · (s_w[o] · s) + b[o])``, in CONV_2D with zero
points ``a · s_w[o] · s``.
Source: TFLite ``conv.cc``, ``depthwise_conv.cc``, ``fully_connected.cc``, ``portable_tensor_utils.cc``; bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import conv_2d, depthwise_conv_2d, fully_connected, rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.float_weighted import sums
from mcuq.ops.floats import HYBRID, bias_is_real, bias_of, clamped, ends_of, named, real_tensors, tflite_name
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.weighted import int8_weights


@dataclass(frozen=True, slots=True)
class HybridFullyConnected(FullyConnected):
    """Attributes of FULLY_CONNECTED. ``asymmetric``: rows are quantized with a zero point."""

    asymmetric: bool = False


def dense_attributes(options: Mapping[str, Any], layer: Layer) -> HybridFullyConnected:
    plain = fully_connected.attributes(options, layer)
    fields = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
    return HybridFullyConnected(**fields, asymmetric=bool(options.get("asymmetric_quantize_inputs", False)))


def is_asymmetric(layer: Layer) -> bool:
    """Is the input quantized with a zero point? Of CONV_2D where not all weights have one scale."""
    quantization = layer.input(1).type.quantization
    assert quantization is not None
    if tflite_name(layer.op) == "CONV_2D":
        return len(set(quantization.scales)) > 1
    return bool(getattr(layer.attributes, "asymmetric", True))


def scales_first(layer: Layer) -> bool:
    """Are sums multiplied by the product of the two scales, instead of by one and then by the other?"""
    return tflite_name(layer.op) != "CONV_2D" or not is_asymmetric(layer)


def scale_for_each_channel(layer: Layer) -> str | None:
    """weights of DEPTHWISE_CONV_2D have a scale for each output channel"""
    quantization = layer.input(1).type.quantization
    assert quantization is not None
    if tflite_name(layer.op) != "DEPTHWISE_CONV_2D" or len(quantization.scales) == layer.output.shape[-1]:
        return None
    return f"weights have {len(quantization.scales)} scales for {layer.output.shape[-1]} output channels"


def not_grouped(layer: Layer) -> str | None:
    """the input's channels are those of the filters"""
    channels, filters = layer.input(0).shape[3], layer.input(1).shape[3]
    return None if channels == filters else f"{channels} channels in groups of {filters}"


def sums_fit_int32(layer: Layer) -> str | None:
    """sums of products of int8 values stay within int32"""
    depth = layer.input(1).type.elements // layer.output.shape[-1]
    return None if depth * 255 * 128 < 2**31 else f"{depth} products in a sum"


def weight_scales(layer: Layer) -> Array:
    """One for each output channel, single precision."""
    quantization = layer.input(1).type.quantization
    assert quantization is not None
    return np.broadcast_to(np.array(quantization.scales, np.float32), layer.output.shape[-1:])


def _round(x: Array) -> Array:
    """Halves away from zero."""
    whole = np.trunc(x)
    return whole + np.where(np.abs(x - whole) >= 0.5, np.sign(x), 0)


def _asymmetric(row: Array) -> tuple[Array, np.float32]:
    """A row of float32 as integers without their zero point, and its scale."""
    low, high = min(0.0, float(row.min())), max(0.0, float(row.max()))
    if low == high:
        return np.zeros(row.shape, np.int64), np.float32(1)
    scale = float(np.float32(high - low)) / 255.0
    from_low, from_high = -128.0 - low / scale, 127.0 - high / scale
    nearer = 128.0 + abs(low / scale) < 127.0 + abs(high / scale)
    zero = float(np.clip(_round(np.array(from_low if nearer else from_high)), -128, 127))
    inverse = np.float32(1) / np.float32(scale)
    q = np.clip(zero + _round(row * inverse), -128, 127)
    return q.astype(np.int64) - int(zero), np.float32(scale)


def _symmetric(row: Array) -> tuple[Array, np.float32]:
    most = np.abs(row).max()
    if most == 0:
        return np.zeros(row.shape, np.int64), np.float32(1)
    q = np.clip(_round(row * (np.float32(127) / most)), -127, 127)
    return q.astype(np.int64), np.float32(most / np.float32(127))


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x, a = inputs[0], layer.attributes
    assert x is not None
    dense = tflite_name(layer.op) == "FULLY_CONNECTED"
    rows = x.reshape(a.batches if dense else x.shape[0], -1)
    quantized = [(_asymmetric if is_asymmetric(layer) else _symmetric)(row) for row in rows]
    total = sums(layer, np.stack([q for q, _ in quantized]).reshape(x.shape))
    total = total.reshape(len(rows), -1, layer.output.shape[-1]).astype(np.float32)
    scales, own = np.array([s for _, s in quantized], np.float32)[:, np.newaxis, np.newaxis], weight_scales(layer)
    scaled = total * (own * scales) if scales_first(layer) else total * own * scales
    found = clamped(scaled + bias_of(layer), ends_of(a.activation))
    return (found.reshape(layer.output.shape),)


def _hybrid(operand: Operand | None) -> Operand | None:
    """A case's operand: weights stay int8."""
    if operand is None or (operand.dtype is DType.INT8 and operand.data is not None):
        return operand
    return Operand(operand.shape, dtype=DType.FLOAT32, data=None if operand.data is None else "random")


def _cases(cases: Sequence[Case], names: Sequence[str], **options: Any) -> tuple[Case, ...]:
    by_name = {case.name: case for case in cases}
    suffix = "".join(f"_{key}" for key in options)
    return tuple(
        Case(
            name + suffix,
            tuple(_hybrid(operand) for operand in by_name[name].inputs),
            tuple(Operand(operand.shape, dtype=DType.FLOAT32) for operand in by_name[name].outputs),
            {**by_name[name].options, **options},
        )
        for name in names
    )


_CONV = ("3x3_same", "3x3_valid_stride_2", "1x1", "dilated", "batch_2", "relu_n1_to_1", "per_tensor", "wide_window")
_DENSE = ("per_channel", "per_channel_batch_3", "one_row", "no_bias")


def _operator(op: str, attributes: Any, more: Sequence[Any], channel_axis: int, cases: tuple[Case, ...]) -> Operator:
    constraints = (
        real_tensors(0),
        rules.constant_input(1, "the weights"),
        int8_weights(channel_axis),
        *more,
        scale_for_each_channel,
        sums_fit_int32,
        bias_is_real,
        rules.fused_activation_is_a_clamp,
    )
    return Operator(named(op, HYBRID), attributes, constraints, reference, cases)


OPERATORS = (
    _operator(
        "CONV_2D",
        conv_2d.attributes,
        (rules.rank(0, (4,), "the input"), conv_2d.shapes_agree, not_grouped),
        0,
        _cases(conv_2d.CASES, _CONV),
    ),
    _operator(
        "DEPTHWISE_CONV_2D",
        depthwise_conv_2d.attributes,
        (rules.rank(0, (4,), "the input"), depthwise_conv_2d.shapes_agree),
        3,
        _cases(depthwise_conv_2d.CASES, ("3x3_same", "3x3_same_stride_2_even", "multiplier_2", "batch_2")),
    ),
    _operator(
        "FULLY_CONNECTED",
        dense_attributes,
        (
            rules.rank(1, (2,), "the weights"),
            fully_connected.weights_have_the_default_format,
            fully_connected.shapes_agree,
        ),
        0,
        (
            *_cases(fully_connected.CASES, _DENSE),
            *_cases(fully_connected.CASES, _DENSE, asymmetric_quantize_inputs=True),
        ),
    ),
)
