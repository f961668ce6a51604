"""mcuq's concatenation of uint8 in several quantizations: one call through a table for each input."""

from __future__ import annotations

import math

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output
from mcuq.ops.concatenation import requantizes, table


def refuses(layer: Layer, _target: Target) -> str | None:
    return None if requantizes(layer) else "bytes are copied as they are"


def lower(layer: Layer, _target: Target) -> Lowering:
    axis, shape = layer.attributes.axis, layer.output.shape
    rows, output_row = math.prod(shape[:axis]), math.prod(shape[axis:])
    calls: list[KernelCall] = []
    constants: list[Constant] = []
    distance = 0
    for index in range(len(layer.inputs)):
        x = layer.input(index)
        pointer, needed = operand(x, f"input{index + 1}")
        of_bytes = Constant(f"table{index + 1}", table(x.type, layer.output.type), "the output for each input byte")
        constants += [*needed, of_bytes]
        input_row = math.prod(x.shape[axis:])
        output = TensorPointer(layer.output.name, distance)
        arguments = (ConstantPointer(of_bytes.name), rows, input_row, output_row, pointer, output)
        calls.append(KernelCall("mcuq_concatenation_u8", arguments, header="mcuq_concatenation_u8.h"))
        distance += input_row
    return Lowering(calls=tuple(calls), constants=tuple(constants), sources=("mcuq_concatenation_u8.c",))


KERNELS = (Kernel("mcuq_concatenation_u8", MCUQ, "CONCATENATION", refuses, lower, per_output(6)),)
