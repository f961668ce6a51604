"""mcuq's concatenation: one copying call for each input; runs every CONCATENATION that the operator allows."""

from __future__ import annotations

import math

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output


def lower(layer: Layer, _target: Target) -> Lowering:
    axis, shape = layer.attributes.axis, layer.output.shape
    rows, output_row = math.prod(shape[:axis]), math.prod(shape[axis:])
    calls: list[KernelCall] = []
    constants: list[Constant] = []
    distance = 0
    for index in range(len(layer.inputs)):
        x = layer.input(index)
        pointer, needed = operand(x, f"input{index + 1}")
        constants.extend(needed)
        input_row = math.prod(x.shape[axis:])
        arguments = (rows, input_row, output_row, distance, pointer, TensorPointer(layer.output.name))
        calls.append(KernelCall("mcuq_concatenation_s8", arguments, header="mcuq_concatenation_s8.h"))
        distance += input_row
    return Lowering(calls=tuple(calls), constants=tuple(constants), sources=("mcuq_concatenation_s8.c",))


KERNELS = (Kernel("mcuq_concatenation_s8", MCUQ, "CONCATENATION", never, lower, per_output(3)),)
