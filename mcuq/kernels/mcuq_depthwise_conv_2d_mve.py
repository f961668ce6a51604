"""mcuq's depthwise convolution for Helium, multiplier 1 (mcuq_depthwise_conv_2d_mve.h)."""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, table
from mcuq.kernels.mcuq_gemm_mve import LANES, raw_bias, refuses_requantization, relu, right_shifts
from mcuq.kernels.mcuq_window_mve import window_bytes, window_cycles, window_struct
from mcuq.kernels.operands import packed_call
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.depthwise_conv_2d import DepthwiseConv2D

FUNCTION = "mcuq_depthwise_conv_2d_mve"
ORDER = (0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15)
"""Channels in the order of the bias and the factors."""

PAIR_LIMIT = 255
"""128 times it fits 16 bits."""


def weight_taps(layer: Layer) -> Array:
    """(taps, channels) as int64, taps in the order of column, row."""
    weights = layer.input(1).data
    assert weights is not None
    taps: Array = weights[0].astype(np.int64).transpose(1, 0, 2).reshape(-1, weights.shape[3])
    return taps


def refuses(layer: Layer, target: Target) -> str | None:
    a: DepthwiseConv2D = layer.attributes
    if a.multiplier != 1:
        return f"the multiplier is {a.multiplier}, 1 is needed"
    if a.height.dilation != 1 or a.width.dilation != 1:
        return "the kernel has no dilation"
    taps = np.abs(weight_taps(layer))
    pairs = taps[len(taps) % 2 :].reshape(-1, 2, taps.shape[1])  # an odd tap comes first, alone
    if pairs.size and int(pairs.sum(axis=1).max()) > PAIR_LIMIT:
        return "the products of two taps may not fit 16 bits"
    return refuses_requantization(layer, target)


def stream(layer: Layer) -> Array:
    """(groups, words): for each 16 channels the bias, the weights, and multipliers and shifts."""
    taps = weight_taps(layer)
    channels = taps.shape[1]
    groups = -(-channels // LANES)

    def grouped(values: Array) -> Array:
        padded = np.zeros(groups * LANES, np.int64)
        padded[:channels] = values
        return table(padded, "int32").reshape(groups, LANES)[:, ORDER].reshape(groups, 4, 4)

    weights = np.zeros((len(taps), groups * LANES), np.int8)
    weights[:, :channels] = taps
    words = np.ascontiguousarray(weights.reshape(len(taps), groups, LANES).transpose(1, 0, 2)).view("<i4")
    factors = np.stack([grouped(values) for values in right_shifts(layer)], axis=2)
    bias = grouped(raw_bias(layer, taps.T))
    parts = [bias.reshape(groups, -1), words.reshape(groups, -1), factors.reshape(groups, -1)]
    return np.concatenate(parts, axis=1).astype(np.int32)


def lower(layer: Layer, _target: Target) -> Lowering:
    a: DepthwiseConv2D = layer.attributes
    low, high = quantized_range(a.activation, layer.output.type)
    params = Struct(
        "mcuq_depthwise_conv_2d_mve_params",
        "params",
        (
            ("window", window_struct(layer)),
            ("batches", layer.input(0).shape[0]),
            ("taps", a.height.window * a.width.window),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
            ("stride_width", a.width.stride),
            ("relu", "true" if relu(layer) else "false"),
            ("output_offset", layer.output.type.zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    return Lowering(
        calls=(packed_call(FUNCTION, layer, params, "stream", f"{FUNCTION}.h"),),
        constants=(Constant("stream", stream(layer), "for each 16 channels: bias, weights, multipliers and shifts"),),
        scratch_bytes=window_bytes(layer) + LANES,
        sources=(f"{FUNCTION}.c", "mcuq_window_mve.c"),
        overlaps=by_rows(layer, a.height, rows_are_copied=True),
    )


def cycles(layer: Layer, _target: Target) -> int:
    a: DepthwiseConv2D = layer.attributes
    shape = layer.output.shape
    groups = shape[0] * a.height.output * a.width.output * -(-shape[3] // LANES)
    taps = a.height.window * a.width.window
    return int(LAYER_CYCLES + groups * (11 * taps + 45) + window_cycles(layer))


KERNELS = (Kernel(FUNCTION, MCUQ, "DEPTHWISE_CONV_2D", refuses, lower, cycles),)
