"""mcuq's plain C convolutions and fully connected layers of float32: run every one that the operators allow."""

from __future__ import annotations

import numpy as np

from mcuq.codegen.literals import float_literal
from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct, Value
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import convolution_fields, transposed_fields, weighted
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.floats import Ends, bias_of, ends_of, named, tflite_name
from mcuq.ops.transpose_conv import as_convolution as as_back
from mcuq.ops.weighted import as_convolution


def clamp_fields(ends: Ends) -> tuple[tuple[str, Value], ...]:
    """A clamp's ends as fields of a C struct."""
    return (("activation_min", float_literal(ends[0])), ("activation_max", float_literal(ends[1])))


def products(layer: Layer, _target: Target) -> int:
    """Eight cycles for each product; without an FPU they are the same for all kernels."""
    if tflite_name(layer.op) == "TRANSPOSE_CONV":
        return LAYER_CYCLES + 8 * layer.input(2).type.elements * int(np.prod(layer.input(1).shape[:3]))
    _, _, weights = as_convolution(layer)
    return LAYER_CYCLES + 8 * layer.output.type.elements * int(np.prod(weights.shape[1:]))


def geometry(layer: Layer, *, rows_are_images: bool = False) -> Struct:
    """``mcuq_conv_2d_f32_params``; rows of a fully connected layer are images, or else pixels of one."""
    height, width, weights = as_convolution(layer)
    x, dense = layer.input(0), tflite_name(layer.op) == "FULLY_CONNECTED"
    batches = 1 if dense else x.shape[0]
    if dense and rows_are_images:
        batches, width = width.input, height
    return Struct(
        "mcuq_conv_2d_f32_params",
        "conv",
        (
            *convolution_fields(batches, weights.shape[3] if dense else x.shape[3], height, width, weights),
            *clamp_fields(ends_of(layer.attributes.activation)),
        ),
    )


def lower(layer: Layer, _target: Target) -> Lowering:
    depthwise = tflite_name(layer.op) == "DEPTHWISE_CONV_2D"
    data = layer.input(1).data
    assert data is not None
    constants = (Constant("weights", data, "HWO" if depthwise else "OHWI"), Constant("bias", bias_of(layer)))
    function = "mcuq_depthwise_conv_2d_f32" if depthwise else "mcuq_conv_2d_f32"
    return weighted(layer, function, geometry(layer), constants, file="mcuq_conv_2d_f32")


def lower_transposed(layer: Layer, _target: Target) -> Lowering:
    conv, a = as_back(layer), layer.attributes
    x, w, y = conv.input(0), conv.input(1), layer.output
    assert w.data is not None
    params = Struct(
        "mcuq_transpose_conv_f32_params",
        "params",
        (
            *transposed_fields(x, y, a.height, a.width),
            *clamp_fields(ends_of(a.activation)),
        ),
    )
    constants = (Constant("weights", w.data, "OHWI"), Constant("bias", bias_of(conv)))
    return weighted(conv, "mcuq_transpose_conv_f32", params, constants)


KERNELS = (
    *(
        Kernel("mcuq_conv_2d_f32", MCUQ, named(operator), never, lower, products)
        for operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ),
    Kernel("mcuq_transpose_conv_f32", MCUQ, named("TRANSPOSE_CONV"), never, lower_transposed, products),
)
