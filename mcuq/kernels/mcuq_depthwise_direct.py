"""mcuq's depthwise convolution for cores with the DSP extension, without planes (mcuq_depthwise_direct_s8.h)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, table
from mcuq.kernels.dsp import needs_dsp
from mcuq.kernels.fast_requantize import TwiceRounded, twice_rounded
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.planes import halves
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.depthwise_conv_2d import DepthwiseConv2D
from mcuq.ops.weighted import accumulator_bound, bias_values, channel_requantization


def refuses(layer: Layer, target: Target) -> str | None:
    a: DepthwiseConv2D = layer.attributes
    if (reason := needs_dsp(target)) is not None:
        return reason
    if a.multiplier != 1:
        return f"the channel multiplier is {a.multiplier}, 1 is needed"
    if layer.output.shape[3] < 4:
        return f"the channels are {layer.output.shape[3]}, at least 4 are needed"
    return None if requantization(layer) is not None else "a factor is too large for the quick requantization"


def requantization(layer: Layer) -> TwiceRounded | None:
    bound = accumulator_bound(layer, 3)
    return twice_rounded(*channel_requantization(layer), -bound, bound, layer.output.type.zero_point)


def packed_weights(layer: Layer) -> npt.NDArray[np.int64]:
    """Words of each block of four channels, tap by tap."""
    w = layer.input(1).data
    assert w is not None
    taps = w[0].reshape(-1, w.shape[3]).astype(np.int64)
    channels = taps.shape[1]
    blocks = []
    for start in (min(c, channels - 4) for c in range(0, channels, 4)):
        four = taps[:, start : start + 4]
        blocks.append(np.stack([halves(four[:, 0], four[:, 2]), halves(four[:, 1], four[:, 3])], axis=1).reshape(-1))
    return np.concatenate(blocks)


def lower(layer: Layer, _target: Target) -> Lowering:
    a: DepthwiseConv2D = layer.attributes
    x, y, found = layer.input(0), layer.output, requantization(layer)
    assert found is not None
    low, high = quantized_range(a.activation, y.type)
    params = Struct(
        "mcuq_depthwise_direct_s8_params",
        "params",
        (
            ("batches", x.shape[0]),
            ("channels", x.shape[3]),
            ("input_height", a.height.input),
            ("input_width", a.width.input),
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
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    constants = np.stack([bias_values(layer), found.multipliers, found.roundings, found.shifts], axis=1)
    arguments = (
        params,
        TensorPointer(x.name),
        ConstantPointer("weights"),
        ConstantPointer("constants"),
        TensorPointer(y.name),
    )
    return Lowering(
        calls=(KernelCall("mcuq_depthwise_direct_s8", arguments, header="mcuq_depthwise_direct_s8.h"),),
        constants=(
            Constant("weights", table(packed_weights(layer), "int32"), "int16 in pairs, by blocks of four channels"),
            Constant("constants", table(constants, "int32"), "bias, multiplier, rounding and shift of each channel"),
        ),
        sources=("mcuq_depthwise_direct_s8.c",),
        overlaps=by_rows(layer, a.height, rows_are_copied=False),
    )


def cycles(layer: Layer, _target: Target) -> int:
    a: DepthwiseConv2D = layer.attributes
    rows = 1 if a.width.window == 1 or a.width.input == 1 else a.height.window
    output = 3.4 * a.height.window * a.width.window + 4 * rows + 40
    pixels = layer.output.type.elements / layer.output.shape[3]
    return int(LAYER_CYCLES + layer.output.type.elements * output + 80 * pixels)


KERNELS = (Kernel("mcuq_depthwise_direct_s8", MCUQ, "DEPTHWISE_CONV_2D", refuses, lower, cycles),)
