"""mcuq's plain C convolution: runs every CONV_2D that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import channel_tables, weighted
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.work import per_product
from mcuq.ops.activation import quantized_range
from mcuq.ops.conv_2d import Conv2D
from mcuq.ops.weighted import bias_values, channel_requantization


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    x, w, y = layer.input(0), layer.input(1), layer.output
    assert w.data is not None
    low, high = quantized_range(a.activation, y.type)
    params = Struct(
        "mcuq_conv_2d_s8_params",
        "params",
        (
            ("batches", x.shape[0]),
            ("input_height", a.height.input),
            ("input_width", a.width.input),
            ("input_channels", x.shape[3]),
            ("filter_height", a.height.window),
            ("filter_width", a.width.window),
            ("filter_channels", w.shape[3]),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
            ("output_channels", y.shape[3]),
            ("output_pitch", y.shape[3]),
            ("stride_height", a.height.stride),
            ("stride_width", a.width.stride),
            ("dilation_height", a.height.dilation),
            ("dilation_width", a.width.dilation),
            ("pad_top", a.height.pad_before),
            ("pad_left", a.width.pad_before),
            ("input_offset", -x.type.zero_point),
            ("output_offset", y.type.zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    constants = (
        Constant("weights", w.data, "OHWI"),
        Constant("bias", bias_values(layer)),
        *channel_tables(*channel_requantization(layer)),
    )
    overlaps = by_rows(layer, a.height, rows_are_copied=False)
    return weighted(layer, "mcuq_conv_2d_s8", params, constants, overlaps)


KERNELS = (Kernel("mcuq_conv_2d_s8", MCUQ, "CONV_2D", never, lower, per_product(8, output=20)),)
