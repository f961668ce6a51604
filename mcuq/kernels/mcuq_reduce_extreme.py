"""mcuq's plain C maximum and minimum over axes: runs every such reduction, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.reduction import loop_fields
from mcuq.kernels.work import per_input
from mcuq.ops.reduce_extreme import GREATEST, OF_BOOL, OF_INT8

_FUNCTION = "mcuq_reduce_extreme_8"


def lower(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    loops = Struct("mcuq_reduction", "loops", loop_fields(layer.input(0).shape, layer.attributes.axes))
    arguments = (loops, 0 if layer.op in GREATEST else -1, x, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall(_FUNCTION, arguments, header=f"{_FUNCTION}.h"),),
        constants=constants,
        sources=(f"{_FUNCTION}.c",),
    )


KERNELS = tuple(Kernel(_FUNCTION, MCUQ, operator, never, lower, per_input(7)) for operator in (*OF_INT8, *OF_BOOL))
