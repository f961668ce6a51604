"""CMSIS-NN's depthwise convolution. ``arm_depthwise_conv_wrapper_s8`` chooses among its three functions.

Scratch, from the C of 4.0.0: with multiplier 1, batch 1 and no dilation, one column of int16 in the DSP build (none for
3x3 windows with padding up to 1) and four columns of 124 channels of int8 in the MVE build; else none. The plain build,
which is also the host's, needs none.
"""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import CMSIS_NN, Kernel, Target
from mcuq.kernels.cmsis_nn_structs import (
    activation,
    channel_quantization,
    context,
    dims,
    not_proven,
    offsets,
    shape_dims,
    shift_too_small,
    tile,
    too_large,
    weighted_call,
)
from mcuq.kernels.operands import channel_tables
from mcuq.kernels.work import per_product
from mcuq.ops.depthwise_conv_2d import DepthwiseConv2D
from mcuq.ops.weighted import bias_values, channel_requantization

FUNCTION = "arm_depthwise_conv_wrapper_s8"
CHANNELS_IN_A_BLOCK = 124


def refuses(layer: Layer, target: Target) -> str | None:
    a: DepthwiseConv2D = layer.attributes
    if (reason := not_proven(FUNCTION, target)) is not None:
        return reason
    if (reason := shift_too_small(channel_requantization(layer)[1])) is not None:
        return reason
    return too_large(
        32767,
        input_height=a.height.input,
        input_width=a.width.input,
        output_height_in_strides=a.height.output * a.height.stride,
        output_width_in_strides=a.width.output * a.width.stride,
        window=a.height.window * a.width.window,
        output_channels=layer.output.shape[3],
        dilation=max(a.height.dilation, a.width.dilation),
    )


def scratch_bytes(layer: Layer, target: Target) -> int:
    a: DepthwiseConv2D = layer.attributes
    batches, _, _, channels = layer.input(0).shape
    axes = (a.height, a.width)
    if a.multiplier != 1 or batches != 1 or any(axis.dilation != 1 for axis in axes):
        return 0
    window = a.height.window * a.width.window
    if target.core.has_mve:
        return 4 * CHANNELS_IN_A_BLOCK * window
    if not target.core.has_dsp or all(axis.window == 3 and axis.pad_before <= 1 for axis in axes):
        return 0
    return 2 * channels * window


def lower(layer: Layer, target: Target) -> Lowering:
    a: DepthwiseConv2D = layer.attributes
    x, w, y = layer.input(0), layer.input(1), layer.output
    assert w.data is not None
    scratch = scratch_bytes(layer, target)
    params = Struct(
        "cmsis_nn_dw_conv_params",
        "params",
        (
            *offsets(layer),
            ("ch_mult", a.multiplier),
            tile("stride", a.height.stride, a.width.stride),
            tile("padding", a.height.pad_before, a.width.pad_before),
            tile("dilation", a.height.dilation, a.width.dilation),
            activation(a.activation, y.type),
        ),
    )
    shapes = (
        shape_dims("input_dims", x.type),
        shape_dims("filter_dims", w.type),
        dims("bias_dims", 1, 1, 1, y.shape[3]),
        shape_dims("output_dims", y.type),
    )
    return Lowering(
        calls=(weighted_call(FUNCTION, layer, (context(scratch), params, channel_quantization()), shapes),),
        constants=(
            Constant("weights", w.data, "HWO"),
            Constant("bias", bias_values(layer)),
            *channel_tables(*channel_requantization(layer)),
        ),
        scratch_bytes=scratch,
        sources=(f"{FUNCTION}.c",),
    )


def cycles(layer: Layer, target: Target) -> int:
    a: DepthwiseConv2D = layer.attributes
    by_3x3 = (a.height.window, a.width.window, a.height.dilation, a.width.dilation, a.multiplier) == (3, 3, 1, 1, 1)
    plain, plain_output = (12, 30) if by_3x3 else (60, 130)
    return per_product(plain, dsp=9.6, mve=1.5, output=15, plain_output=plain_output)(layer, target)


KERNELS = (Kernel(FUNCTION, CMSIS_NN, "DEPTHWISE_CONV_2D", refuses, lower, cycles),)
