"""mcuq's running mean (mcuq_running_mean_s8.h), on every core."""

from __future__ import annotations

import math

from mcuq.ir import DType, Layer
from mcuq.ir.kernel_call import Argument, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.running_mean import RunningMean

FUNCTION = "mcuq_running_mean_s8"
SINGLE = "mcuq_running_mean_single_s8"


def cycles(layer: Layer, _target: Target) -> int:
    a: RunningMean = layer.attributes
    x, channels = layer.input(0), layer.input(0).shape[-1]
    frames = x.shape[a.axis]
    return LAYER_CYCLES + 25 * channels + 10 * frames * channels + 5 * x.type.elements


def lower(layer: Layer, _target: Target) -> Lowering:
    a: RunningMean = layer.attributes
    x, sums = layer.input(0), layer.input(1)
    params = Struct(
        "mcuq_running_mean_params",
        "params",
        (
            ("rows_before", math.prod(x.shape[: a.axis])),
            ("frames", x.shape[a.axis]),
            ("rows_behind", math.prod(x.shape[a.axis + 1 : -1])),
            ("channels", x.shape[-1]),
            ("window", sums.shape[0]),
            ("sum_offset", a.sum_offset),
            ("multiplier", a.multiplier),
            ("shift", a.shift),
            ("output_offset", layer.output.type.zero_point),
        ),
    )
    tensors = (x, *(layer.input(index) for index in range(1, 4)), layer.output)
    arguments: tuple[Argument, ...] = (params, *(TensorPointer(tensor.name) for tensor in tensors))
    function = SINGLE if sums.type.dtype is DType.INT8 else FUNCTION
    return Lowering(calls=(KernelCall(function, arguments, f"{FUNCTION}.h"),), sources=(f"{FUNCTION}.c",))


KERNELS = (Kernel(FUNCTION, MCUQ, "RUNNING_MEAN", never, lower, cycles),)
