"""mcuq's softmax with a table of exponentials: runs every SOFTMAX that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output
from mcuq.ops.base import Array
from mcuq.ops.softmax import exponential_table

COUNTS_FROM = 1 << 11
"""What is less adds round(e / 2**12) = 0 to the sum, and is 0 after the shift by 23 or more."""


def counted(exponentials: Array) -> Array:
    """The falling table without its end, which changes no output."""
    found: Array = exponentials[exponentials >= COUNTS_FROM]
    return found


def lower(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    row_size = layer.input(0).shape[-1]
    exponentials = counted(exponential_table(layer))
    return Lowering(
        calls=(
            KernelCall(
                "mcuq_softmax_s8",
                (
                    ConstantPointer("exponentials"),
                    len(exponentials),
                    layer.input(0).type.elements // row_size,
                    row_size,
                    x,
                    TensorPointer(layer.output.name),
                ),
                header="mcuq_softmax_s8.h",
            ),
        ),
        constants=(
            Constant("exponentials", table(exponentials, "int32"), "exp(-d * beta * scale) in Q0.31"),
            *constants,
        ),
        sources=("mcuq_softmax_s8.c",),
    )


KERNELS = (Kernel("mcuq_softmax_s8", MCUQ, "SOFTMAX", never, lower, per_output(100)),)
