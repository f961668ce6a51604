"""mcuq's plain C casts: run every CAST that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import DType, Layer
from mcuq.ir.kernel_call import Argument, KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output

_TYPES = {
    DType.BOOL: "MCUQ_CAST_BOOL",
    DType.INT8: "MCUQ_CAST_S8",
    DType.UINT8: "MCUQ_CAST_U8",
    DType.INT16: "MCUQ_CAST_S16",
    DType.INT32: "MCUQ_CAST_S32",
    DType.INT64: "MCUQ_CAST_S64",
}


def lower(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    source, y = _TYPES[layer.input(0).type.dtype], layer.output.type
    to_float = y.dtype is DType.FLOAT32
    types: tuple[Argument, ...] = (source,) if to_float else (source, _TYPES[y.dtype])
    function = "mcuq_cast_to_f32" if to_float else "mcuq_cast"
    arguments = (*types, x, TensorPointer(layer.output.name), y.elements)
    return Lowering(
        calls=(KernelCall(function, arguments, header="mcuq_cast.h"),),
        constants=constants,
        sources=("mcuq_cast.c",),
        overlaps=in_place(layer, 0),
    )


KERNELS = (Kernel("mcuq_cast", MCUQ, "CAST", never, lower, per_output(25)),)
