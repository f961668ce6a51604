"""The call of a kernel of two tensors that are broadcast. No kernel."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place


def binary(layer: Layer, function: str, params: Struct, file: str) -> Lowering:
    """``function(&params, input1, input2, output)``, declared in ``file``'s header; the output may be either input."""
    input1, constants1 = operand(layer.input(0), "input1")
    input2, constants2 = operand(layer.input(1), "input2")
    arguments = (params, input1, input2, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall(function, arguments, header=f"{file}.h"),),
        constants=(*constants1, *constants2),
        sources=(f"{file}.c",),
        overlaps=in_place(layer, 0, 1),
    )
