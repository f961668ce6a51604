"""mcuq's plain C convolution of int16 activations: runs every CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of them.

A depthwise layer is a convolution in groups of one channel, a fully connected one has windows of one pixel in one row.
"""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import channel_tables, convolution_fields, weighted
from mcuq.kernels.work import per_product
from mcuq.ops.activation import quantized_range
from mcuq.ops.weighted import as_convolution, bias_values, channel_requantization


def lower(layer: Layer, _target: Target) -> Lowering:
    height, width, weights = as_convolution(layer)
    dense = layer.op == "FULLY_CONNECTED"
    x, y = layer.input(0), layer.output
    low, high = quantized_range(layer.attributes.activation, y.type)
    params = Struct(
        "mcuq_conv_2d_s16_params",
        "params",
        (
            *convolution_fields(
                1 if dense else x.shape[0], weights.shape[3] if dense else x.shape[3], height, width, weights
            ),
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
