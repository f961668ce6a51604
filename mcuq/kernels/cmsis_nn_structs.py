"""What the CMSIS-NN kernels share: its parameter structs, and when its functions are trusted. No kernel.

Proven against LiteRT's bytes, in plain C, DSP and MVE builds, is CMSIS-NN 4.0.0. Its functions add ``output_offset``
(so it is plus the zero point), add ``input_offset`` (minus the zero point) and round twice.
"""

from __future__ import annotations

from mcuq.ir import Layer, TensorType
from mcuq.ir.kernel_call import (
    Argument,
    ConstantPointer,
    KernelCall,
    ScratchPointer,
    Struct,
    TensorPointer,
    Value,
)
from mcuq.kernels.base import Target
from mcuq.ops.activation import Activation, quantized_range
from mcuq.ops.base import Array

HEADER = "arm_nnfunctions.h"
SUCCESS = "ARM_CMSIS_NN_SUCCESS"

NEWER = ("arm_vector_sum_s8", "arm_nn_mat_mult_nt_t_s4", "arm_convolve_weight_sum")
"""Functions that came after 4.0.0, with other needs of scratch memory and other signatures."""


def not_proven(function: str, target: Target) -> str | None:
    """Why ``function`` cannot be used on ``target`` whatever the layer, or None."""
    if function not in target.cmsis_nn:
        return f"CMSIS-NN has no {function} here"
    if any(newer in target.cmsis_nn for newer in NEWER):
        return "this CMSIS-NN is newer than 4.0.0, the version that is proven exact"
    return None


def too_large(limit: int, **sizes: int) -> str | None:
    """The first of ``sizes`` that is above ``limit``, in words; CMSIS-NN counts in 16 bits here and there."""
    for name, size in sizes.items():
        if size > limit:
            return f"{name.replace('_', ' ')} {size} is above CMSIS-NN's limit of {limit}"
    return None


def shift_too_small(shifts: Array) -> str | None:
    """A shift of -31, the smallest, makes CMSIS-NN's C overflow a signed integer."""
    return "a shift of -31 is undefined in CMSIS-NN's C" if int(shifts.min()) <= -31 else None


def dims(name: str, n: int, h: int, w: int, c: int) -> Struct:
    return Struct("cmsis_nn_dims", name, (("n", n), ("h", h), ("w", w), ("c", c)))


def shape_dims(name: str, tensor: TensorType) -> Struct:
    """The dimensions of an NHWC tensor."""
    n, h, w, c = tensor.shape
    return dims(name, n, h, w, c)


def tile(name: str, h: int, w: int) -> tuple[str, Struct]:
    """A field of type ``cmsis_nn_tile``."""
    return name, Struct("cmsis_nn_tile", name, (("w", w), ("h", h)))


def activation(kind: Activation, output: TensorType) -> tuple[str, Struct]:
    """The field ``activation``: the range of output values."""
    low, high = quantized_range(kind, output)
    return "activation", Struct("cmsis_nn_activation", "activation", (("min", low), ("max", high)))


def offsets(layer: Layer) -> tuple[tuple[str, Value], tuple[str, Value]]:
    """The fields ``input_offset`` and ``output_offset``."""
    return (
        ("input_offset", -layer.input(0).type.zero_point),
        ("output_offset", layer.output.type.zero_point),
    )


def context(scratch_bytes: int) -> Struct:
    buffer: Value = ScratchPointer() if scratch_bytes else "NULL"
    return Struct("cmsis_nn_context", "context", (("buf", buffer), ("size", scratch_bytes)))


def channel_quantization() -> Struct:
    """Points to the constants of ``channel_tables``; the interface lacks const, the functions only read."""
    return Struct(
        "cmsis_nn_per_channel_quant_params",
        "quantization",
        (
            ("multiplier", ConstantPointer("multipliers", mutable_c_type="int32_t")),
            ("shift", ConstantPointer("shifts", mutable_c_type="int32_t")),
        ),
    )


def weighted_call(
    function: str, layer: Layer, settings: tuple[Struct, Struct, Struct], shapes: tuple[Struct, Struct, Struct, Struct]
) -> KernelCall:
    """The call that convolutions and fully connected layers have in common.

    ``settings`` are context, parameters and quantization, ``shapes`` the dimensions of input, filter, bias and output;
    weights and bias are the constants of those names.
    """
    context_, params, quantization = settings
    input_dims, filter_dims, bias_dims, output_dims = shapes
    arguments: tuple[Argument, ...] = (
        context_,
        params,
        quantization,
        input_dims,
        TensorPointer(layer.input(0).name),
        filter_dims,
        ConstantPointer("weights"),
        bias_dims,
        ConstantPointer("bias"),
        output_dims,
        TensorPointer(layer.output.name),
    )
    return KernelCall(function, arguments, HEADER, SUCCESS)
