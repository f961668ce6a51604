"""CMSIS-NN's convolution: CONV_2D without groups. ``arm_convolve_wrapper_s8`` chooses among its four functions.

Scratch, from the C of 4.0.0: two columns of int16 in the plain and DSP builds, four columns of int8, each rounded up to
8, in the MVE build; none for windows of one pixel. Code is also built for the host, which is the plain build.
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
from mcuq.ops.conv_2d import Conv2D
from mcuq.ops.weighted import bias_values, channel_requantization

FUNCTION = "arm_convolve_wrapper_s8"


def refuses(layer: Layer, target: Target) -> str | None:
    a: Conv2D = layer.attributes
    if (reason := not_proven(FUNCTION, target)) is not None:
        return reason
    if a.groups != 1:
        return f"CMSIS-NN 4.0.0 has no convolution in {a.groups} groups"
    _, kernel_h, kernel_w, kernel_c = layer.input(1).shape
    if (reason := shift_too_small(channel_requantization(layer)[1])) is not None:
        return reason
    return too_large(
        65535,
        window=kernel_h * kernel_w * kernel_c,
        input_height=a.height.input,
        input_width=a.width.input,
        output_channels=layer.output.shape[3],
        stride=max(a.height.stride, a.width.stride),
        dilation=max(a.height.dilation, a.width.dilation),
        padding=max(a.height.pad_before, a.width.pad_before),
    )


def is_one_pixel(a: Conv2D) -> bool:
    """Does the wrapper choose the functions for windows of one pixel?"""
    return all(axis.window == 1 and axis.dilation == 1 and axis.pad_before == 0 for axis in (a.height, a.width))


def scratch_bytes(layer: Layer, target: Target) -> int:
    a: Conv2D = layer.attributes
    if is_one_pixel(a):
        return 0
    column = a.height.window * a.width.window * layer.input(0).shape[3]
    host = 2 * 2 * column
    return max(host, 4 * (-(-column // 8) * 8)) if target.core.has_mve else host


def lower(layer: Layer, target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    x, w, y = layer.input(0), layer.input(1), layer.output
    assert w.data is not None
    scratch = scratch_bytes(layer, target)
    params = Struct(
        "cmsis_nn_conv_params",
        "params",
        (
            *offsets(layer),
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
            Constant("weights", w.data, "OHWI"),
            Constant("bias", bias_values(layer)),
            *channel_tables(*channel_requantization(layer)),
        ),
        scratch_bytes=scratch,
        sources=(f"{FUNCTION}.c",),
    )


_CYCLES = per_product(4.1, dsp=2.3, mve=0.4, output=20, plain_output=77)

KERNELS = (Kernel(FUNCTION, CMSIS_NN, "CONV_2D", refuses, lower, _CYCLES),)
