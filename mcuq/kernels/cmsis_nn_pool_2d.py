"""CMSIS-NN's poolings: AVERAGE_POOL_2D and MAX_POOL_2D of one batch.

Scratch, from the C of 4.0.0: one int32 a channel for the average in the DSP build, none elsewhere.
"""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import CMSIS_NN, Kernel, Target
from mcuq.kernels.cmsis_nn_structs import (
    HEADER,
    SUCCESS,
    activation,
    context,
    dims,
    not_proven,
    shape_dims,
    tile,
)
from mcuq.kernels.work import per_window_element
from mcuq.ops.pooling import Pool2D

AVERAGE = "arm_avgpool_s8"
MAX = "arm_max_pool_s8"


def _refuses(layer: Layer, target: Target, function: str) -> str | None:
    if (reason := not_proven(function, target)) is not None:
        return reason
    batches = layer.input(0).shape[0]
    return None if batches == 1 else f"{function} pools one batch, not {batches}"


def refuses_average(layer: Layer, target: Target) -> str | None:
    return _refuses(layer, target, AVERAGE)


def refuses_max(layer: Layer, target: Target) -> str | None:
    return _refuses(layer, target, MAX)


def _lower(layer: Layer, function: str, scratch_bytes: int) -> Lowering:
    a: Pool2D = layer.attributes
    x, y = layer.input(0), layer.output
    params = Struct(
        "cmsis_nn_pool_params",
        "params",
        (
            tile("stride", a.height.stride, a.width.stride),
            tile("padding", a.height.pad_before, a.width.pad_before),
            activation(a.activation, y.type),
        ),
    )
    arguments = (
        context(scratch_bytes),
        params,
        shape_dims("input_dims", x.type),
        TensorPointer(x.name),
        dims("filter_dims", 1, a.height.window, a.width.window, 1),
        shape_dims("output_dims", y.type),
        TensorPointer(y.name),
    )
    return Lowering(
        calls=(KernelCall(function, arguments, HEADER, SUCCESS),),
        scratch_bytes=scratch_bytes,
        sources=(f"{function}.c",),
    )


def lower_average(layer: Layer, target: Target) -> Lowering:
    dsp_only = target.core.has_dsp and not target.core.has_mve
    return _lower(layer, AVERAGE, 4 * layer.input(0).shape[3] if dsp_only else 0)


def lower_max(layer: Layer, _target: Target) -> Lowering:
    return _lower(layer, MAX, 0)


KERNELS = (
    Kernel(
        AVERAGE, CMSIS_NN, "AVERAGE_POOL_2D", refuses_average, lower_average, per_window_element(6, dsp=10, mve=0.5)
    ),
    Kernel(MAX, CMSIS_NN, "MAX_POOL_2D", refuses_max, lower_max, per_window_element(6, dsp=5, mve=0.5)),
)
