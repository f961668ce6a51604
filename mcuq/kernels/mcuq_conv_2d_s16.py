"""mcuq's plain C convolution of int16 activations: runs every CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of them.

A depthwise layer is a convolution in groups of one channel, a fully connected one has windows of one pixel in one row.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import channel_tables, weighted
from mcuq.kernels.work import per_product
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.weighted import bias_values, channel_requantization


def _as_convolution(layer: Layer) -> tuple[Axis, Axis, Array]:
    """Height, width, and weights OHWI."""
    weights = layer.input(1).data
    assert weights is not None
    if layer.op == "FULLY_CONNECTED":
        pixels = layer.attributes.batches
        return Axis(1, 1, 1, 1, 1, 0), Axis(pixels, pixels, 1, 1, 1, 0), weights[:, np.newaxis, np.newaxis, :]
    if layer.op == "DEPTHWISE_CONV_2D":
        weights = np.ascontiguousarray(weights.transpose(3, 1, 2, 0))
    return layer.attributes.height, layer.attributes.width, weights


def lower(layer: Layer, _target: Target) -> Lowering:
    height, width, weights = _as_convolution(layer)
    dense = layer.op == "FULLY_CONNECTED"
    x, y = layer.input(0), layer.output
    low, high = quantized_range(layer.attributes.activation, y.type)
    params = Struct(
        "mcuq_conv_2d_s16_params",
        "params",
        (
            ("batches", 1 if dense else x.shape[0]),
            ("input_height", height.input),
            ("input_width", width.input),
            ("input_channels", weights.shape[3] if dense else x.shape[3]),
            ("filter_height", height.window),
            ("filter_width", width.window),
            ("filter_channels", weights.shape[3]),
            ("output_height", height.output),
            ("output_width", width.output),
            ("output_channels", weights.shape[0]),
            ("stride_height", height.stride),
            ("stride_width", width.stride),
            ("dilation_height", height.dilation),
            ("dilation_width", width.dilation),
            ("pad_top", height.pad_before),
            ("pad_left", width.pad_before),
            ("whole_multiplier", int(dense)),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    constants = (
        Constant("weights", weights, "OHWI"),
        Constant("bias", table(bias_values(layer), "int64")),
        *channel_tables(*channel_requantization(layer)),
    )
    return weighted(layer, "mcuq_conv_2d_s16", params, constants)


KERNELS = tuple(
    Kernel("mcuq_conv_2d_s16", MCUQ, operator, never, lower, per_product(9, output=30), int16=True)
    for operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
)
