"""mcuq's plain C sum over axes: runs every SUM that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.reduction import loop_fields
from mcuq.kernels.work import per_input
from mcuq.ops.mean import count
from mcuq.ops.sum import requantization

_FUNCTION = "mcuq_sum_u8"


def lower(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    multiplier, shift = requantization(layer)
    params = Struct(
        f"{_FUNCTION}_params",
        "params",
        (
            ("loops", Struct("mcuq_reduction", "loops", loop_fields(layer.input(0).shape, layer.attributes.axes))),
            ("sum_offset", -layer.input(0).type.zero_point * count(layer)),
            ("multiplier", multiplier),
            ("shift", shift),
            ("output_offset", layer.output.type.zero_point),
        ),
    )
    return Lowering(
        calls=(KernelCall(_FUNCTION, (params, x, TensorPointer(layer.output.name)), header=f"{_FUNCTION}.h"),),
        constants=constants,
        sources=(f"{_FUNCTION}.c",),
    )


KERNELS = (Kernel(_FUNCTION, MCUQ, "SUM", never, lower, per_input(6)),)
