"""mcuq's poolings for cores with the DSP extension, four channels at a time (mcuq_pool_2d_s8_dsp.h)."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.dsp import needs_dsp
from mcuq.kernels.mcuq_pool_2d import pooling
from mcuq.kernels.work import LAYER_CYCLES, window_elements
from mcuq.ops.pooling import Pool2D

_FILE = "mcuq_pool_2d_s8_dsp"
_MOST_ELEMENTS = 255
"""Sums of so many int8 stay within int16."""


def refuses_max(layer: Layer, target: Target) -> str | None:
    if (reason := needs_dsp(target)) is not None:
        return reason
    channels = layer.output.shape[3]
    return None if channels >= 4 else f"the channels are {channels}, at least 4 are needed"


def refuses_average(layer: Layer, target: Target) -> str | None:
    a: Pool2D = layer.attributes
    elements = min(a.height.window, a.height.input) * min(a.width.window, a.width.input)
    if elements > _MOST_ELEMENTS:
        return f"a window has {elements} elements, at most {_MOST_ELEMENTS} are summed in int16"
    return refuses_max(layer, target)


def lower_average(layer: Layer, _target: Target) -> Lowering:
    return pooling(layer, "mcuq_average_pool_2d_s8_dsp", _FILE, _FILE)


def lower_max(layer: Layer, _target: Target) -> Lowering:
    return pooling(layer, "mcuq_max_pool_2d_s8_dsp", _FILE, _FILE)


def cycles_average(layer: Layer, _target: Target) -> int:
    return int(LAYER_CYCLES + 1.3 * window_elements(layer) + 34 * layer.output.type.elements)


def cycles_max(layer: Layer, _target: Target) -> int:
    return int(LAYER_CYCLES + 2.4 * window_elements(layer) + 8 * layer.output.type.elements)


KERNELS = (
    Kernel("mcuq_average_pool_2d_s8_dsp", MCUQ, "AVERAGE_POOL_2D", refuses_average, lower_average, cycles_average),
    Kernel("mcuq_max_pool_2d_s8_dsp", MCUQ, "MAX_POOL_2D", refuses_max, lower_max, cycles_max),
)
