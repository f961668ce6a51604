"""mcuq's plain C SVDF: runs every SVDF that the operator allows, on every core."""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.svdf import FEATURE, MEMORY, TIME, Svdf, bias_of, feature_requantization, time_requantization


def cycles(layer: Layer, _target: Target) -> int:
    (filters, inputs), places = layer.input(FEATURE).shape, layer.input(TIME).shape[1]
    return LAYER_CYCLES + layer.input(0).shape[0] * filters * (6 * inputs + 10 * places + 40)


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Svdf = layer.attributes
    x, y = layer.input(0), layer.output
    feature, time = layer.input(FEATURE), layer.input(TIME)
    assert feature.data is not None and time.data is not None
    feature_bias = -x.type.zero_point * feature.data.astype(np.int64).sum(axis=1)
    of_feature, of_time = feature_requantization(layer), time_requantization(layer)
    params = Struct(
        "mcuq_svdf_s8_params",
        "params",
        (
            ("batches", x.shape[0]),
            ("inputs", x.shape[1]),
            ("units", y.shape[1]),
            ("rank", a.rank),
            ("places", time.shape[1]),
            ("feature_multiplier", of_feature[0]),
            ("feature_shift", of_feature[1]),
            ("time_multiplier", of_time[0]),
            ("time_shift", of_time[1]),
            ("output_offset", y.type.zero_point),
        ),
    )
    arguments = (
        params,
        TensorPointer(x.name),
        ConstantPointer("feature"),
        ConstantPointer("feature bias"),
        ConstantPointer("time"),
        ConstantPointer("bias"),
        TensorPointer(layer.input(MEMORY).name),
        TensorPointer(y.name),
    )
    return Lowering(
        calls=(KernelCall("mcuq_svdf_s8", arguments, header="mcuq_svdf_s8.h"),),
        constants=(
            Constant("feature", feature.data, "filters x inputs"),
            Constant("feature bias", table(feature_bias, "int32"), "of the zero point alone"),
            Constant("time", time.data, "filters x places"),
            Constant("bias", table(bias_of(layer), "int32")),
        ),
        sources=("mcuq_svdf_s8.c",),
    )


KERNELS = (Kernel("mcuq_svdf_s8", MCUQ, "SVDF", never, lower, cycles),)
