"""Copies of whole tensors, by the C library: how variables are read and assigned."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output


def lower(layer: Layer, _target: Target) -> Lowering:
    source, constants = operand(layer.input(0), "value")
    arguments = (TensorPointer(layer.output.name), source, layer.output.type.bytes)
    return Lowering(calls=(KernelCall("memcpy", arguments, header="string.h"),), constants=constants)


KERNELS = tuple(
    Kernel("memcpy", MCUQ, operator, never, lower, per_output(1)) for operator in ("READ_VARIABLE", "ASSIGN_VARIABLE")
)
