"""mcuq's plain C sums of int32 and fills: run every ADD_N, CUMSUM, FILL and ZEROS_LIKE that the operators allow."""

from __future__ import annotations

import math

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Argument, Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output

_FILE = "mcuq_whole_s32"


def _call(function: str, *arguments: Argument) -> KernelCall:
    return KernelCall(function, arguments, header=f"{_FILE}.h")


def lower_add_n(layer: Layer, _target: Target) -> Lowering:
    """The first two into the output, then one more at a time, so that the output is clear of all but those two."""
    operands = [operand(layer.input(index), f"input{index + 1}") for index in range(len(layer.inputs))]
    output, elements = TensorPointer(layer.output.name), layer.output.type.elements
    (first, _), *others = operands
    sums = [first, *(output for _ in others[1:])]
    return Lowering(
        calls=tuple(_call("mcuq_add_s32", a, b, output, elements) for a, (b, _) in zip(sums, others, strict=True)),
        constants=tuple(constant for _, constants in operands for constant in constants),
        sources=(f"{_FILE}.c",),
    )


def lower_cumsum(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    a, shape = layer.attributes, layer.input(0).shape
    params = Struct(
        "mcuq_cumulative_sum_s32_params",
        "params",
        (
            ("outer", math.prod(shape[: a.axis])),
            ("axis", shape[a.axis]),
            ("inner", math.prod(shape[a.axis + 1 :])),
            ("exclusive", int(a.exclusive)),
            ("reverse", int(a.reverse)),
        ),
    )
    return Lowering(
        calls=(_call("mcuq_cumulative_sum_s32", params, x, TensorPointer(layer.output.name)),),
        constants=constants,
        sources=(f"{_FILE}.c",),
        overlaps=in_place(layer, 0),
    )


def lower_fill(layer: Layer, _target: Target) -> Lowering:
    y = layer.output.type
    if layer.op == "FILL":
        value, constants = operand(layer.input(1), "value")
    else:
        value, constants = ConstantPointer("zero"), (Constant("zero", table([0] * y.dtype.bytes, "uint8")),)
    return Lowering(
        calls=(_call("mcuq_fill", value, y.dtype.bytes, TensorPointer(layer.output.name), y.elements),),
        constants=constants,
        sources=(f"{_FILE}.c",),
    )


KERNELS = (
    Kernel("mcuq_add_s32", MCUQ, "ADD_N", never, lower_add_n, per_output(12)),
    Kernel("mcuq_cumulative_sum_s32", MCUQ, "CUMSUM", never, lower_cumsum, per_output(10)),
    Kernel("mcuq_fill", MCUQ, "FILL", never, lower_fill, per_output(8)),
    Kernel("mcuq_fill", MCUQ, "ZEROS_LIKE", never, lower_fill, per_output(8)),
)
