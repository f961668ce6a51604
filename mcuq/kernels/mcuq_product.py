"""mcuq's MUL for cores with the DSP extension, with the one-shift requantization proven for all products."""

from __future__ import annotations

import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.dsp import needs_dsp, needs_whole_range
from mcuq.kernels.fixed_shift_requantize import Channels, FixedShift, fit, rounding_constant
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops.mul import product_requantization

_MOST_SCALING = 14
"""Times a product of two differences of int8, below 2**16, it stays within int32."""


def refuses(layer: Layer, target: Target) -> str | None:
    if (reason := needs_dsp(target)) is not None:
        return reason
    if (reason := needs_whole_range(layer)) is not None:
        return reason
    return None if requantization(layer) is not None else "no constants of the quick requantization are exact for it"


@functools.lru_cache(maxsize=64)
def requantization(layer: Layer) -> FixedShift | None:
    """The proven constants (one channel) for all products of two inputs of -128 .. 127, or None."""
    ends = [[q - layer.input(i).type.zero_point for q in (-128, 127)] for i in range(2)]
    products = [x1 * x2 for x1 in ends[0] for x2 in ends[1]]
    one = [np.array([value], np.int64) for value in (*product_requantization(layer), min(products), max(products))]
    found = fit(Channels(one[0], one[1], one[2], one[3], 0, _MOST_SCALING), layer.output.type.zero_point)
    return None if found is None or found.constant[0] else found


def lower(layer: Layer, _target: Target) -> Lowering:
    found = requantization(layer)
    assert found is not None
    input1, constants1 = operand(layer.input(0), "input1")
    input2, constants2 = operand(layer.input(1), "input2")
    params = Struct(
        "mcuq_product_s8_params",
        "params",
        (
            ("loops", loops_struct(layer.attributes)),
            ("input1_offset", -layer.input(0).type.zero_point),
            ("input2_offset", -layer.input(1).type.zero_point),
            ("scaling", 1 << int(found.scaling[0])),
            ("bias", int(found.offsets[0])),
            ("multiplier", int(found.multipliers[0])),
            ("correction", int(found.corrections[0])),
            ("rounding", rounding_constant(layer.output.type.zero_point) if found.corrected else 0),
        ),
    )
    arguments = (params, input1, input2, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall("mcuq_product_s8", arguments, header="mcuq_product_s8.h"),),
        constants=(*constants1, *constants2),
        sources=("mcuq_product_s8.c",),
        overlaps=in_place(layer, 0, 1),
    )


KERNELS = (Kernel("mcuq_product_s8", MCUQ, "MUL", refuses, lower, per_output(12)),)
