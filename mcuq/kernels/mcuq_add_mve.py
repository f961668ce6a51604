"""mcuq's sum of two tensors of one shape for Helium (mcuq_add_mve.h)."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.mcuq_gemm_mve import NO_MVE
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops.activation import quantized_range
from mcuq.ops.add import scaling

FUNCTION = "mcuq_add_mve"
ONE_HALF = (1 << 30, 0)
"""Multiplier and shift of the input with the greater scale."""


def _greater(layer: Layer) -> int | None:
    """The index of an input whose factor is one half; LiteRT's arithmetic makes it the one of the greater scale."""
    factors = scaling(layer)
    return next((i for i, factor in enumerate((factors.input1, factors.input2)) if factor == ONE_HALF), None)


def refuses(layer: Layer, target: Target) -> str | None:
    if not target.core.has_mve:
        return NO_MVE
    if not layer.input(0).shape == layer.input(1).shape == layer.output.shape:
        return "the kernel does not broadcast"
    factors = scaling(layer)
    greater = _greater(layer)
    if greater is None:
        return "no input's factor is one half"
    lesser = (factors.input2, factors.input1)[greater]
    if lesser[1] >= 0 and lesser not in (ONE_HALF, (0, 0)):
        return "the lesser input's factor is above one half"
    if factors.output[1] >= 0 and factors.output[0] != 0:
        return "the output's factor is one half or more"
    return None


def lower(layer: Layer, _target: Target) -> Lowering:
    factors = scaling(layer)
    first = _greater(layer)
    assert first is not None
    multiplier, shift = (factors.input2, factors.input1)[first]
    doubled = shift == 0
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    operands = [operand(layer.input(index), f"input{index + 1}") for index in (first, 1 - first)]
    params = Struct(
        "mcuq_add_mve_params",
        "params",
        (
            ("elements", layer.output.type.elements),
            ("a_zero_point", layer.input(first).type.zero_point),
            ("b_zero_point", layer.input(1 - first).type.zero_point),
            ("b_left_shift", 5 if doubled else 4),
            ("b_multiplier", multiplier),
            ("b_right_shift", 1 if doubled else -shift),
            ("output_multiplier", factors.output[0]),
            ("output_right_shift", -factors.output[1] or 1),
            ("output_offset", layer.output.type.zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    (a, constants_a), (b, constants_b) = operands
    return Lowering(
        calls=(KernelCall(FUNCTION, (params, a, b, TensorPointer(layer.output.name)), header=f"{FUNCTION}.h"),),
        constants=(*constants_a, *constants_b),
        sources=(f"{FUNCTION}.c",),
        overlaps=in_place(layer, 0, 1),
    )


KERNELS = (Kernel(FUNCTION, MCUQ, "ADD", refuses, lower, per_output(5)),)
