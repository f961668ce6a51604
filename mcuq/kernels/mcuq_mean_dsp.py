"""mcuq's mean for cores with the DSP extension: the spatial mean, four channels at a time."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.dsp import needs_dsp
from mcuq.kernels.mcuq_mean import averaging
from mcuq.kernels.reduction import loops
from mcuq.kernels.work import LAYER_CYCLES

_FUNCTION = "mcuq_mean_s8_dsp"


def refuses(layer: Layer, target: Target) -> str | None:
    if (reason := needs_dsp(target)) is not None:
        return reason
    kept, reduced = loops(layer.input(0).shape, layer.attributes.axes)
    if len(reduced) != 1 or not kept or kept[-1][1] != 1:
        return "the averaged axes are not neighbours in front of the last"
    channels = kept[-1][0]
    return None if channels >= 4 else f"{channels} elements lie behind the averaged axes, at least 4 are needed"


def lower(layer: Layer, _target: Target) -> Lowering:
    return averaging(layer, _FUNCTION)


def cycles(layer: Layer, _target: Target) -> int:
    return int(LAYER_CYCLES + 2.4 * layer.input(0).type.elements + 30 * layer.output.type.elements)


KERNELS = (Kernel(_FUNCTION, MCUQ, "MEAN", refuses, lower, cycles),)
