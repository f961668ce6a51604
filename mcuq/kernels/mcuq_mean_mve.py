"""mcuq's mean over rows for Helium (mcuq_mean_mve.h)."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.mcuq_gemm_mve import NO_MVE
from mcuq.kernels.reduction import loops
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.mean import Mean, count, requantization

FUNCTION = "mcuq_mean_mve"
MOST_ROWS = 256
"""Rows whose sum fits 16 bits."""


def refuses(layer: Layer, target: Target) -> str | None:
    a: Mean = layer.attributes
    if not target.core.has_mve:
        return NO_MVE
    kept, reduced = loops(layer.input(0).shape, a.axes)
    if len(kept) != 1 or len(reduced) != 1 or kept[0][1] != 1:
        return "the mean is not over all axes but the last"
    if reduced[0][0] > MOST_ROWS:
        return f"the mean is of {reduced[0][0]} values, at most {MOST_ROWS} are possible"
    multiplier, shift = requantization(layer)
    if shift >= 0 and multiplier:
        return "the kernel has no factor of 0.5 or more"
    return None


def lower(layer: Layer, _target: Target) -> Lowering:
    x, y = layer.input(0), layer.output
    multiplier, shift = requantization(layer)
    params = Struct(
        "mcuq_mean_mve_params",
        "params",
        (
            ("rows", count(layer)),
            ("channels", y.type.elements),
            ("sum_offset", -x.type.zero_point * count(layer)),
            ("multiplier", multiplier),
            ("shift", shift if multiplier else -1),
            ("output_offset", y.type.zero_point),
        ),
    )
    arguments = (params, TensorPointer(x.name), TensorPointer(y.name))
    return Lowering(calls=(KernelCall(FUNCTION, arguments, header=f"{FUNCTION}.h"),), sources=(f"{FUNCTION}.c",))


def cycles(layer: Layer, _target: Target) -> int:
    return int(LAYER_CYCLES + 0.7 * layer.input(0).type.elements + 5 * layer.output.type.elements)


KERNELS = (Kernel(FUNCTION, MCUQ, "MEAN", refuses, lower, cycles),)
