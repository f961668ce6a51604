"""mcuq's plain C depthwise convolution: runs every DEPTHWISE_CONV_2D that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.work import per_product
from mcuq.ops.activation import quantized_range
from mcuq.ops.depthwise_conv_2d import DepthwiseConv2D
from mcuq.ops.weighted import bias_values, channel_requantization


def lower(layer: Layer, _target: Target) -> Lowering:
    a: DepthwiseConv2D = layer.attributes
    x, w, y = layer.input(0), layer.input(1), layer.output
    assert w.data is not None
    multipliers, shifts = channel_requantization(layer)
    low, high = quantized_range(a.activation, y.type)
    params = Struct(
        "mcuq_depthwise_conv_2d_s8_params",
        "params",
        (
            ("batches", x.shape[0]),
            ("input_height", a.height.input),
            ("input_width", a.width.input),
            ("input_channels", x.shape[3]),
            ("channel_multiplier", a.multiplier),
            ("filter_height", a.height.window),
            ("filter_width", a.width.window),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
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
    return Lowering(
        calls=(
            KernelCall(
                "mcuq_depthwise_conv_2d_s8",
                (
                    params,
                    TensorPointer(x.name),
                    ConstantPointer("weights"),
                    ConstantPointer("bias"),
                    ConstantPointer("multipliers"),
                    ConstantPointer("shifts"),
                    TensorPointer(y.name),
                ),
                header="mcuq_depthwise_conv_2d_s8.h",
            ),
        ),
        constants=(
            Constant("weights", w.data, "HWO"),
            Constant("bias", bias_values(layer)),
            Constant("multipliers", table(multipliers, "int32"), "Q31, one for each output channel"),
            Constant("shifts", table(shifts, "int32"), "powers of two, one for each output channel"),
        ),
        sources=("mcuq_depthwise_conv_2d_s8.c",),
        overlaps=by_rows(layer, a.height, rows_are_copied=False),
    )


_CYCLES = per_product(20, dsp=14, output=20, plain_output=130)

KERNELS = (Kernel("mcuq_depthwise_conv_2d_s8", MCUQ, "DEPTHWISE_CONV_2D", never, lower, _CYCLES),)
