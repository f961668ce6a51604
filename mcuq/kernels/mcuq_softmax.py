"""mcuq's softmax with tables of exponentials: runs every SOFTMAX that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops import softmax_int16
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


def lower_s16(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    row_size = layer.input(0).shape[-1]
    multiplier, shift = softmax_int16.requantization(layer)
    rows = layer.input(0).type.elements // row_size
    fields = (("multiplier", multiplier), ("shift", shift), ("rows", rows), ("row_size", row_size))
    arguments = (
        Struct("mcuq_softmax_s16_params", "params", fields),
        ConstantPointer("exponentials"),
        ConstantPointer("reciprocals"),
        x,
        TensorPointer(layer.output.name),
    )
    return Lowering(
        calls=(KernelCall("mcuq_softmax_s16", arguments, header="mcuq_softmax_s16.h"),),
        constants=(
            Constant("exponentials", softmax_int16.exponentials(), "exp(x) of -10 .. 0 in Q0.15"),
            Constant("reciprocals", softmax_int16.reciprocals(), "1 / (1 + x) of 0 .. 1 in Q0.15"),
            *constants,
        ),
        sources=("mcuq_softmax_s16.c",),
        overlaps=in_place(layer, 0),
    )


KERNELS = (
    Kernel("mcuq_softmax_s8", MCUQ, "SOFTMAX", never, lower, per_output(100)),
    Kernel("mcuq_softmax_s16", MCUQ, "SOFTMAX", never, lower_s16, per_output(60), int16=True),
)
