"""CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and TRANSPOSE_CONV of float32, with float32 weights.

``out = clamp(Σ in · w + b)`` in single precision, each product and each sum rounded once, from 0 on: over the rows of
the window, then its columns, then the input channels; the bias comes last. TRANSPOSE_CONV: over the input's rows, its
columns, then its channels. Fused activations clamp, between the finite numbers where there is none.
Source: TFLite ``reference_ops``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import conv_2d, depthwise_conv_2d, fully_connected, rules, transpose_conv
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.floats import bias_is_real, bias_of, clamped, ends_of, named, real_tensors, tflite_name
from mcuq.ops.weighted import as_convolution


def sums(layer: Layer, x: Array) -> Array:
    """The sums of products in the type of ``x``, one product after the other: (batches, height, width, channels)."""
    h, v, weights = as_convolution(layer)
    dense = tflite_name(layer.op) == "FULLY_CONNECTED"
    image = x.reshape(1, 1, v.input, weights.shape[3]) if dense else x
    groups = image.shape[3] // weights.shape[3]
    padded = np.pad(image, ((0, 0), (h.pad_before, h.pad_after), (v.pad_before, v.pad_after), (0, 0)))
    shape = (image.shape[0], h.output, v.output, groups, weights.shape[0] // groups)
    total = np.zeros(shape, x.dtype)
    grouped = weights.astype(x.dtype).reshape(groups, -1, *weights.shape[1:])
    for ky in range(h.window):
        rows = slice(ky * h.dilation, ky * h.dilation + (h.output - 1) * h.stride + 1, h.stride)
        for kx in range(v.window):
            columns = slice(kx * v.dilation, kx * v.dilation + (v.output - 1) * v.stride + 1, v.stride)
            taps = padded[:, rows, columns].reshape(*shape[:4], -1)
            for i in range(weights.shape[3]):
                total += taps[..., i, np.newaxis] * grouped[:, :, ky, kx, i]
    return total.reshape(layer.output.shape)


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    with np.errstate(all="ignore"):
        return (clamped(sums(layer, inputs[0]) + bias_of(layer), ends_of(layer.attributes.activation)),)


def transposed(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a = layer.attributes
    w, x = inputs[1], inputs[2]
    assert w is not None and x is not None
    h, v = a.height, a.width
    batches, height, width, channels = layer.output.shape
    # Room behind for windows that reach over the output's edge, and for outputs that no window reaches.
    rows = max((x.shape[1] - 1) * h.stride + h.window, h.pad_before + height)
    columns = max((x.shape[2] - 1) * v.stride + v.window, v.pad_before + width)
    full = np.zeros((batches, rows, columns, channels), np.float32)
    taps = np.moveaxis(w, 0, -1)  # HWIO
    with np.errstate(all="ignore"):
        for iy in range(x.shape[1]):
            for ix in range(x.shape[2]):
                window = full[:, iy * h.stride :, ix * v.stride :][:, : h.window, : v.window]
                for i in range(x.shape[3]):
                    window += x[:, iy, ix, i, np.newaxis, np.newaxis, np.newaxis] * taps[:, :, i]
        inside = full[:, h.pad_before : h.pad_before + height, v.pad_before : v.pad_before + width]
        bias = bias_of(transpose_conv.as_convolution(layer))
        return (clamped(inside + bias, ends_of(a.activation)),)


def real(operand: Operand | None) -> Operand | None:
    """The operand as float32; one that counts something stays."""
    if operand is None or operand.scale is None:
        return operand
    return Operand(operand.shape, dtype=DType.FLOAT32, data=None if operand.data is None else "random")


def cases_like(cases: Sequence[Case], names: Sequence[str]) -> tuple[Case, ...]:
    """The cases of these ``names``, of float32."""
    named_ = {case.name: case for case in cases}
    chosen = (named_[name] for name in names)
    return tuple(
        Case(one.name, tuple(map(real, one.inputs)), tuple(o for o in map(real, one.outputs) if o), one.options)
        for one in chosen
    )


_RULES = (
    rules.rank(0, (4,), "the input"),
    rules.constant_input(1, "the weights"),
)
_CONV_CASES = ("3x3_same", "3x3_valid_stride_2", "1x1", "dilated", "grouped", "one_pixel", "batch_2", "relu_n1_to_1")
_DENSE_CASES = ("one_row", "batch_3", "relu6", "rank_3_keeps_dims", "no_bias", "one_by_one")

OPERATORS = (
    Operator(
        named("CONV_2D"),
        conv_2d.attributes,
        (
            real_tensors(0, 1),
            *_RULES,
            rules.constant_input(2, "the bias"),
            bias_is_real,
            conv_2d.shapes_agree,
            rules.fused_activation_is_a_clamp,
        ),
        reference,
        cases_like(conv_2d.CASES, _CONV_CASES),
    ),
    Operator(
        named("DEPTHWISE_CONV_2D"),
        depthwise_conv_2d.attributes,
        (
            real_tensors(0, 1),
            *_RULES,
            bias_is_real,
            depthwise_conv_2d.shapes_agree,
            rules.fused_activation_is_a_clamp,
        ),
        reference,
        cases_like(depthwise_conv_2d.CASES, [case.name for case in depthwise_conv_2d.CASES[:6]]),
    ),
    Operator(
        named("FULLY_CONNECTED"),
        fully_connected.attributes,
        (
            real_tensors(0, 1),
            rules.constant_input(1, "the weights"),
            rules.rank(1, (2,), "the weights"),
            fully_connected.weights_have_the_default_format,
            fully_connected.shapes_agree,
            bias_is_real,
            rules.fused_activation_is_a_clamp,
        ),
        reference,
        cases_like(fully_connected.CASES, _DENSE_CASES),
    ),
    Operator(
        named("TRANSPOSE_CONV"),
        transpose_conv.attributes,
        (
            real_tensors(1, 2),
            rules.rank(2, (4,), "the input"),
            rules.constant_input(0, "the output's shape"),
            rules.constant_input(1, "the weights"),
            transpose_conv.of_convolution(bias_is_real),
            transpose_conv.shapes_agree,
            rules.fused_activation_is_a_clamp,
        ),
        transposed,
        cases_like(transpose_conv.CASES, [case.name for case in transpose_conv.CASES]),
    ),
)
