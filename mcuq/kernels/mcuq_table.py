"""One kernel for every function of one byte: a table that the operator's own reference fills, exact by construction."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops import functions_of_a_byte
from mcuq.ops.table import of_all_bytes


def refuses(layer: Layer, _target: Target) -> str | None:
    for tensor, role in ((layer.input(0), "input"), (layer.output, "output")):
        if tensor.type.dtype.bytes != 1:
            return f"a table turns bytes into bytes, the {role} is {tensor.type.dtype.value}"
    return None


def lower(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    return Lowering(
        calls=(
            KernelCall(
                "mcuq_table_8",
                (ConstantPointer("table"), x, TensorPointer(layer.output.name), layer.output.type.elements),
                header="mcuq_table_8.h",
            ),
        ),
        constants=(Constant("table", of_all_bytes(layer), "the output for each input byte"), *constants),
        sources=("mcuq_table_8.c",),
        overlaps=in_place(layer, 0),
    )


KERNELS = tuple(
    Kernel("mcuq_table_8", MCUQ, operator, refuses, lower, per_output(5)) for operator in functions_of_a_byte()
)
