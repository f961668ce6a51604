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
from mcuq.ops.conv_geometry import Axis


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


def convolution_fields(
    batches: int, channels: int, height: Axis, width: Axis, weights: Array
) -> tuple[tuple[str, int], ...]:
    """Of a struct of parameters: the sizes of a convolution with ``weights`` (OHWI) of inputs with ``channels``."""
    return (
        ("batches", batches),
        ("input_height", height.input),
        ("input_width", width.input),
        ("input_channels", channels),
        ("filter_height", height.window),
        ("filter_width", width.window),
        ("filter_channels", weights.shape[3]),
        ("output_height", height.output),
        ("output_width", width.output),
        ("output_channels", weights.shape[0]),
        ("stride_height", height.stride),
        ("stride_width", width.stride),
        ("dilation_height", height.dilation),
        ("dilation_width", width.dilation),
        ("pad_top", height.pad_before),
        ("pad_left", width.pad_before),
    )


def transposed_fields(x: Tensor, y: Tensor, height: Axis, width: Axis) -> tuple[tuple[str, int], ...]:
    """Of a struct of parameters: the sizes of a transposed convolution from ``x`` to ``y``."""
    return (
        ("batches", x.shape[0]),
        ("input_height", x.shape[1]),
        ("input_width", x.shape[2]),
        ("input_channels", x.shape[3]),
        ("filter_height", height.window),
        ("filter_width", width.window),
        ("output_height", y.shape[1]),
        ("output_width", y.shape[2]),
        ("output_channels", y.shape[3]),
        ("stride_height", height.stride),
        ("stride_width", width.stride),
        ("pad_top", height.pad_before),
        ("pad_left", width.pad_before),
    )
