"""mcuq's poolings for Helium (mcuq_pool_2d_mve.h)."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.mcuq_gemm_mve import NO_MVE
from mcuq.kernels.mcuq_pool_2d import pooling
from mcuq.kernels.work import LAYER_CYCLES, window_elements
from mcuq.ops.pooling import Pool2D

AVERAGE = "mcuq_average_pool_2d_mve"
MAX = "mcuq_max_pool_2d_mve"
HEADER = "mcuq_pool_2d_mve"
MOST_TAPS = 256
"""Taps whose sum fits 16 bits."""


def refuses_max(_layer: Layer, target: Target) -> str | None:
    return None if target.core.has_mve else NO_MVE


def refuses_average(layer: Layer, target: Target) -> str | None:
    a: Pool2D = layer.attributes
    if not target.core.has_mve:
        return NO_MVE
    taps = min(a.height.window, a.height.input) * min(a.width.window, a.width.input)
    if taps > MOST_TAPS:
        return f"windows have {taps} taps, at most {MOST_TAPS} are possible"
    return None


def lower_average(layer: Layer, _target: Target) -> Lowering:
    return pooling(layer, AVERAGE, HEADER, AVERAGE)


def lower_max(layer: Layer, _target: Target) -> Lowering:
    return pooling(layer, MAX, HEADER, MAX)


def average_cycles(layer: Layer, _target: Target) -> int:
    return int(LAYER_CYCLES + 0.7 * window_elements(layer) + 5 * layer.output.type.elements)


def max_cycles(layer: Layer, _target: Target) -> int:
    return int(LAYER_CYCLES + 0.5 * window_elements(layer) + 4 * layer.output.type.elements)


KERNELS = (
    Kernel(AVERAGE, MCUQ, "AVERAGE_POOL_2D", refuses_average, lower_average, average_cycles),
    Kernel(MAX, MCUQ, "MAX_POOL_2D", refuses_max, lower_max, max_cycles),
)
