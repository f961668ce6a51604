"""Arguments of kernel calls: operands that may be activations or constants, and the usual ones. No kernel."""

from __future__ import annotations

import numpy as np

from mcuq.ir import DType, Layer, Tensor
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, ScratchPointer, Struct, TensorPointer


def operand(tensor: Tensor, name: str) -> tuple[TensorPointer | ConstantPointer, tuple[Constant, ...]]:
    """The argument for ``tensor``, and the constant (called ``name``, bools as bytes) that it needs when it is one."""
    if tensor.data is None:
        return TensorPointer(tensor.name), ()
    values = tensor.data.view(np.uint8) if tensor.type.dtype is DType.BOOL else tensor.data
    return ConstantPointer(name), (Constant(name, values),)


def packed_call(function: str, layer: Layer, params: Struct, table: str, header: str) -> KernelCall:
    """``function(&params, input, table, scratch, output)``: how kernels with one table of packed weights are called."""
    arguments = (
        params,
        TensorPointer(layer.input(0).name),
        ConstantPointer(table),
        ScratchPointer(),
        TensorPointer(layer.output.name),
    )
    return KernelCall(function, arguments, header)
