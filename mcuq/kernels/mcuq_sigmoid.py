"""mcuq's logistic function and hyperbolic tangent of int16, by a table and lines, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops.sigmoid_int16 import scaling, table

_FUNCTIONS = {"LOGISTIC": "mcuq_logistic_s16", "TANH": "mcuq_tanh_s16"}


def lower(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    multiplier, shift = scaling(layer)
    output = TensorPointer(layer.output.name)
    arguments = (multiplier, shift, ConstantPointer("table"), x, output, layer.output.type.elements)
    return Lowering(
        calls=(KernelCall(_FUNCTIONS[layer.op], arguments, header="mcuq_sigmoid_s16.h"),),
        constants=(Constant("table", table(), "the logistic function of 24ths, in 65536ths"), *constants),
        sources=("mcuq_sigmoid_s16.c",),
        overlaps=in_place(layer, 0),
    )


KERNELS = tuple(
    Kernel(function, MCUQ, operator, never, lower, per_output(30), int16=True)
    for operator, function in _FUNCTIONS.items()
)
