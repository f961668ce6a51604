"""mcuq's convolution in plain C for weights of at most 16 values, kept in four or two bits (mcuq_conv_2d_codes.h)."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels import mcuq_conv_2d as base
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.palette_codes import refusal, unpacking_cycles, with_codes

FUNCTION = "mcuq_conv_2d_codes"


def refuses(layer: Layer, _target: Target) -> str | None:
    if layer.input(1).shape[3] != layer.input(0).shape[3]:
        return "the convolution is grouped"
    return refusal(layer)


def lower(layer: Layer, target: Target) -> Lowering:
    return with_codes(layer, base.lower(layer, target), FUNCTION)


def cycles(layer: Layer, target: Target) -> int:
    return base.KERNELS[0].cycles(layer, target) + unpacking_cycles(layer)


KERNELS = (Kernel(FUNCTION, MCUQ, "CONV_2D", refuses, lower, cycles),)
