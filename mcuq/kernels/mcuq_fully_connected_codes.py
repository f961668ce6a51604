"""mcuq's fully connected layer in plain C for weights of at most 16 values, kept in four or two bits
(mcuq_fully_connected_codes.h).
"""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels import mcuq_fully_connected as base
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.palette_codes import refusal, unpacking_cycles, with_codes

FUNCTION = "mcuq_fully_connected_codes"


def refuses(layer: Layer, _target: Target) -> str | None:
    return refusal(layer)


def lower(layer: Layer, target: Target) -> Lowering:
    return with_codes(layer, base.lower(layer, target), FUNCTION)


def cycles(layer: Layer, target: Target) -> int:
    return base.KERNELS[0].cycles(layer, target) + unpacking_cycles(layer)


KERNELS = (Kernel(FUNCTION, MCUQ, "FULLY_CONNECTED", refuses, lower, cycles),)
