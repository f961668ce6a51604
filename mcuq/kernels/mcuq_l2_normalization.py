"""mcuq's plain C normalization of rows: runs every L2_NORMALIZATION that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output

_FUNCTION = "mcuq_l2_normalization_s8"


def lower(layer: Layer, _target: Target) -> Lowering:
    tensor = layer.input(0)
    x, constants = operand(tensor, "input")
    row_size = tensor.shape[-1]
    rows = tensor.type.elements // row_size
    arguments = (-tensor.type.zero_point, rows, row_size, x, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall(_FUNCTION, arguments, header=f"{_FUNCTION}.h"),),
        constants=constants,
        sources=(f"{_FUNCTION}.c",),
        overlaps=in_place(layer, 0),
    )


KERNELS = (Kernel(_FUNCTION, MCUQ, "L2_NORMALIZATION", never, lower, per_output(35)),)
