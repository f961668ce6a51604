"""mcuq's ADD and SUB for cores without the DSP extension: the linear form of ``mcuq_linear``, in short products."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.dsp import needs_whole_range
from mcuq.kernels.mcuq_linear import linear_form, summing
from mcuq.kernels.plain import needs_no_dsp
from mcuq.kernels.work import per_output


def refuses(layer: Layer, target: Target) -> str | None:
    if (reason := needs_no_dsp(target)) is not None:
        return reason
    if (reason := needs_whole_range(layer)) is not None:
        return reason
    return None if linear_form(layer) is not None else "no linear form is exact for all pairs of inputs"


def lower(layer: Layer, _target: Target) -> Lowering:
    return summing(layer, "mcuq_linear_s8_plain")


KERNELS = tuple(
    Kernel("mcuq_linear_s8_plain", MCUQ, operator, refuses, lower, per_output(25)) for operator in ("ADD", "SUB")
)
