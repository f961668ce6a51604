"""mcuq's plain C layers of float32 with int8 weights: run every one that the operators allow, grouped ones apart."""

from __future__ import annotations

import math

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import (
    Argument,
    Constant,
    ConstantPointer,
    KernelCall,
    Lowering,
    Overlap,
    ScratchPointer,
    Struct,
    TensorPointer,
)
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.mcuq_weighted_f32 import geometry
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.floats import HYBRID, bias_of, named, tflite_name
from mcuq.ops.hybrid import is_asymmetric, scales_first, weight_scales
from mcuq.ops.weighted import as_convolution

_FILE = "mcuq_conv_2d_hybrid"


def cycles(layer: Layer, _target: Target) -> int:
    _, _, weights = as_convolution(layer)
    each = 8 if tflite_name(layer.op) == "DEPTHWISE_CONV_2D" else 5
    outputs = layer.output.type.elements
    products = outputs * math.prod(weights.shape[1:])
    return LAYER_CYCLES + each * products + 40 * layer.input(0).type.elements + 20 * outputs


def lower(layer: Layer, _target: Target) -> Lowering:
    x, depthwise = layer.input(0), tflite_name(layer.op) == "DEPTHWISE_CONV_2D"
    conv = geometry(layer, rows_are_images=True)
    images = dict(conv.fields)["batches"]
    assert isinstance(images, int)
    params = Struct(
        f"{_FILE}_params",
        "params",
        (
            ("conv", conv),
            ("asymmetric", int(is_asymmetric(layer))),
            ("scales_first", int(scales_first(layer))),
        ),
    )
    data = layer.input(1).data
    assert data is not None
    constants = (
        Constant("weights", data, "HWO" if depthwise else "OHWI"),
        Constant("scales", np.ascontiguousarray(weight_scales(layer)), "one for each output channel"),
        Constant("bias", bias_of(layer)),
    )
    arguments: tuple[Argument, ...] = (
        params,
        TensorPointer(x.name),
        *(ConstantPointer(constant.name) for constant in constants),
        ScratchPointer(),
        TensorPointer(layer.output.name),
    )
    function = "mcuq_depthwise_conv_2d_hybrid" if depthwise else _FILE
    return Lowering(
        calls=(KernelCall(function, arguments, header=f"{_FILE}.h"),),
        constants=constants,
        scratch_bytes=x.type.elements // images + (4 * layer.output.shape[-1] if depthwise else 0),
        sources=(f"{_FILE}.c",),
        overlaps=(Overlap(x.name, 0),) if images == 1 and not x.constant else (),
    )


KERNELS = tuple(
    Kernel("mcuq_conv_2d_hybrid", MCUQ, named(operator, HYBRID), never, lower, cycles)
    for operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
)
