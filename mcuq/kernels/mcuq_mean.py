"""mcuq's plain C mean: runs every MEAN that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.reduction import loop_fields
from mcuq.kernels.work import per_input
from mcuq.ops.mean import Mean, count, requantization


def averaging(layer: Layer, function: str) -> Lowering:
    """The call of a mean that takes these parameters, by its function's name."""
    a: Mean = layer.attributes
    x, y = layer.input(0), layer.output
    multiplier, shift = requantization(layer)
    params = Struct(
        "mcuq_mean_s8_params",
        "params",
        (
            *loop_fields(x.shape, a.axes),
            ("sum_offset", -x.type.zero_point * count(layer)),
            ("multiplier", multiplier),
            ("shift", shift),
            ("output_offset", y.type.zero_point),
        ),
    )
    arguments = (params, TensorPointer(x.name), TensorPointer(y.name))
    return Lowering(calls=(KernelCall(function, arguments, header=f"{function}.h"),), sources=(f"{function}.c",))


def lower(layer: Layer, _target: Target) -> Lowering:
    return averaging(layer, "mcuq_mean_s8")


def lower_s16(layer: Layer, _target: Target) -> Lowering:
    return averaging(layer, "mcuq_mean_s16")


KERNELS = (
    Kernel("mcuq_mean_s8", MCUQ, "MEAN", never, lower, per_input(6)),
    Kernel("mcuq_mean_s16", MCUQ, "MEAN", never, lower_s16, per_input(6), int16=True),
)
