"""mcuq's plain C transposed convolutions, of int8 and of int16 activations: they run every TRANSPOSE_CONV that the
operator allows, on every core."""

from __future__ import annotations

import math

from mcuq.ir import DType, Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, table
from mcuq.kernels.operands import channel_tables, transposed_fields, weighted
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.transpose_conv import TransposeConv, as_convolution
from mcuq.ops.weighted import bias_values, channel_requantization


def cycles(layer: Layer, _target: Target) -> int:
    """Eight for each product of an input element with a weight, some of which fall off the output's edges."""
    products = layer.input(2).type.elements * math.prod(layer.input(1).shape[:3])
    return LAYER_CYCLES + 8 * products + 40 * layer.output.type.elements


def refuses_int16(layer: Layer, _target: Target) -> str | None:
    return "the activations are int16" if layer.output.type.dtype is DType.INT16 else None


def refuses_int8(layer: Layer, _target: Target) -> str | None:
    return "the activations are int8" if layer.output.type.dtype is DType.INT8 else None


def lower(layer: Layer, _target: Target) -> Lowering:
    a: TransposeConv = layer.attributes
    conv = as_convolution(layer)
    x, w, y = conv.input(0), conv.input(1), layer.output
    assert w.data is not None
    low, high = quantized_range(a.activation, y.type)
    wide = y.type.dtype is DType.INT16
    function = "mcuq_transpose_conv_s16" if wide else "mcuq_transpose_conv_s8"
    offsets = () if wide else (("input_offset", -x.type.zero_point), ("output_offset", y.type.zero_point))
    params = Struct(
        f"{function}_params",
        "params",
        (
            *transposed_fields(x, y, a.height, a.width),
            *offsets,
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    constants = (
        Constant("weights", w.data, "OHWI"),
        Constant("bias", table(bias_values(conv), "int64" if wide else "int32")),
        *channel_tables(*channel_requantization(conv)),
    )
    return weighted(conv, function, params, constants)


KERNELS = (
    Kernel("mcuq_transpose_conv_s8", MCUQ, "TRANSPOSE_CONV", refuses_int16, lower, cycles),
    Kernel("mcuq_transpose_conv_s16", MCUQ, "TRANSPOSE_CONV", refuses_int8, lower, cycles),
)
