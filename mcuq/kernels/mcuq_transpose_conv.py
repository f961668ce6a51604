"""mcuq's plain C transposed convolution: runs every TRANSPOSE_CONV that the operator allows, on every core."""

from __future__ import annotations

import math

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.transpose_conv import TransposeConv, as_convolution
from mcuq.ops.weighted import bias_values, channel_requantization


def cycles(layer: Layer, _target: Target) -> int:
    """Eight for each product of an input element with a weight, some of which fall off the output's edges."""
    products = layer.input(2).type.elements * math.prod(layer.input(1).shape[:3])
    return LAYER_CYCLES + 8 * products + 40 * layer.output.type.elements


def lower(layer: Layer, _target: Target) -> Lowering:
    a: TransposeConv = layer.attributes
    conv = as_convolution(layer)
    x, w, y = conv.input(0), conv.input(1), layer.output
    assert w.data is not None
    multipliers, shifts = channel_requantization(conv)
    low, high = quantized_range(a.activation, y.type)
    params = Struct(
        "mcuq_transpose_conv_s8_params",
        "params",
        (
            ("batches", x.shape[0]),
            ("input_height", x.shape[1]),
            ("input_width", x.shape[2]),
            ("input_channels", x.shape[3]),
            ("filter_height", a.height.window),
            ("filter_width", a.width.window),
            ("output_height", y.shape[1]),
            ("output_width", y.shape[2]),
            ("output_channels", y.shape[3]),
            ("stride_height", a.height.stride),
            ("stride_width", a.width.stride),
            ("pad_top", a.height.pad_before),
            ("pad_left", a.width.pad_before),
            ("input_offset", -x.type.zero_point),
            ("output_offset", y.type.zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    arguments = (
        params,
        TensorPointer(x.name),
        ConstantPointer("weights"),
        ConstantPointer("bias"),
        ConstantPointer("multipliers"),
        ConstantPointer("shifts"),
        TensorPointer(y.name),
    )
    return Lowering(
        calls=(KernelCall("mcuq_transpose_conv_s8", arguments, header="mcuq_transpose_conv_s8.h"),),
        constants=(
            Constant("weights", w.data, "OHWI"),
            Constant("bias", bias_values(conv)),
            Constant("multipliers", table(multipliers, "int32"), "Q31, one for each output channel"),
            Constant("shifts", table(shifts, "int32"), "powers of two, one for each output channel"),
        ),
        sources=("mcuq_transpose_conv_s8.c",),
    )


KERNELS = (Kernel("mcuq_transpose_conv_s8", MCUQ, "TRANSPOSE_CONV", never, lower, cycles),)
