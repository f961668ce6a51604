"""Operands that may be activations or constants, as arguments of kernel calls. No kernel."""

from __future__ import annotations

from mcuq.ir import Tensor
from mcuq.ir.kernel_call import Constant, ConstantPointer, TensorPointer


def operand(tensor: Tensor, name: str) -> tuple[TensorPointer | ConstantPointer, tuple[Constant, ...]]:
    """The argument for ``tensor``, and the constant (called ``name``) that it needs when it is one."""
    if tensor.data is None:
        return TensorPointer(tensor.name), ()
    return ConstantPointer(name), (Constant(name, tensor.data),)
