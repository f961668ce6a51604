"""mcuq's log-softmax with a table of exponentials: runs every LOG_SOFTMAX that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.mcuq_softmax import counted
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops.log_softmax import least_difference, reverse_scaling, scaling
from mcuq.ops.softmax import exponential_table

_FUNCTION = "mcuq_log_softmax_s8"


def lower(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    row_size = layer.input(0).shape[-1]
    exponentials = counted(exponential_table(layer))
    multiplier, shift = scaling(layer)
    reverse_multiplier, reverse_shift = reverse_scaling(layer)
    params = Struct(
        f"{_FUNCTION}_params",
        "params",
        (
            ("rows", layer.input(0).type.elements // row_size),
            ("row_size", row_size),
            ("entries", len(exponentials)),
            ("multiplier", multiplier),
            ("shift", shift),
            ("reverse_multiplier", reverse_multiplier),
            ("reverse_shift", reverse_shift),
            ("least_difference", least_difference(layer)),
        ),
    )
    arguments = (params, ConstantPointer("exponentials"), x, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall(_FUNCTION, arguments, header=f"{_FUNCTION}.h"),),
        constants=(Constant("exponentials", table(exponentials, "int32"), "exp(-d * scale) in Q0.31"), *constants),
        sources=(f"{_FUNCTION}.c",),
        overlaps=in_place(layer, 0),
    )


KERNELS = (Kernel(_FUNCTION, MCUQ, "LOG_SOFTMAX", never, lower, per_output(100)),)
