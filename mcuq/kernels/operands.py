"""Arguments of kernel calls: operands that may be activations or constants, and the usual ones. No kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.ir import DType, Layer, Tensor
from mcuq.ir.kernel_call import (
    Argument,
    Constant,
    ConstantPointer,
    KernelCall,
    Lowering,
    Overlap,
    ScratchPointer,
    Struct,
    TensorPointer,
)
from mcuq.kernels.base import table
from mcuq.ops.base import Array


def operand(tensor: Tensor, name: str) -> tuple[TensorPointer | ConstantPointer, tuple[Constant, ...]]:
    """The argument for ``tensor``, and the constant (called ``name``, bools as bytes) that it needs when it is one."""
    if tensor.data is None:
        return TensorPointer(tensor.name), ()
    values = tensor.data.view(np.uint8) if tensor.type.dtype is DType.BOOL else tensor.data
    return ConstantPointer(name), (Constant(name, values),)


def packed_call(function: str, layer: Layer, params: Struct, packed: str, header: str) -> KernelCall:
    """``function(&params, input, packed, scratch, output)``: the call of a kernel with one table of packed weights."""
    arguments = (
        params,
        TensorPointer(layer.input(0).name),
        ConstantPointer(packed),
        ScratchPointer(),
        TensorPointer(layer.output.name),
    )
    return KernelCall(function, arguments, header)


def channel_tables(multipliers: Array, shifts: Array) -> tuple[Constant, Constant]:
    return (
        Constant("multipliers", table(multipliers, "int32"), "Q31, one for each output channel"),
        Constant("shifts", table(shifts, "int32"), "powers of two, one for each output channel"),
    )


def weighted(
    layer: Layer,
    function: str,
    params: Struct,
    constants: Sequence[Constant],
    overlaps: tuple[Overlap, ...] = (),
    file: str | None = None,
) -> Lowering:
    """``function(&params, input, constants …, output)``, in files of its name: how plain kernels with weights run."""
    file = file or function
    pointers: list[Argument] = [ConstantPointer(constant.name) for constant in constants]
    arguments = (params, TensorPointer(layer.input(0).name), *pointers, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall(function, arguments, header=f"{file}.h"),),
        constants=tuple(constants),
        sources=(f"{file}.c",),
        overlaps=overlaps,
    )
