"""mcuq's plain C poolings and reductions of float32: run every one that the operators allow."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.mcuq_pool_2d import pooling_fields
from mcuq.kernels.mcuq_weighted_f32 import clamp_fields
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.reduction import loop_fields
from mcuq.kernels.work import per_input, per_window_element
from mcuq.ops.float_reductions import fold_of
from mcuq.ops.floats import ends_of, named, tflite_name

_POOLINGS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
_REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")


def lower_pooling(layer: Layer, _target: Target) -> Lowering:
    a = layer.attributes
    params = Struct("mcuq_pool_2d_f32_params", "params", (*pooling_fields(layer), *clamp_fields(ends_of(a.activation))))
    arguments = (params, TensorPointer(layer.input(0).name), TensorPointer(layer.output.name))
    function = f"mcuq_{tflite_name(layer.op).lower()}_f32"
    return Lowering(
        calls=(KernelCall(function, arguments, header="mcuq_pool_2d_f32.h"),),
        sources=("mcuq_pool_2d_f32.c",),
        overlaps=by_rows(layer, a.height, rows_are_copied=False),
    )


def lower_reduction(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    loops = Struct("mcuq_reduction", "loops", loop_fields(layer.input(0).shape, layer.attributes.axes))
    function = f"mcuq_reduce_{fold_of(layer)}_f32"
    return Lowering(
        calls=(KernelCall(function, (loops, x, TensorPointer(layer.output.name)), header="mcuq_reduce_f32.h"),),
        constants=constants,
        sources=("mcuq_reduce_f32.c",),
    )


KERNELS = (
    *(
        Kernel("mcuq_pool_2d_f32", MCUQ, named(op), never, lower_pooling, per_window_element(9))
        for op in _POOLINGS
    ),
    *(Kernel("mcuq_reduce_f32", MCUQ, named(op), never, lower_reduction, per_input(6)) for op in _REDUCTIONS),
)  # fmt: skip
