"""mcuq's fully connected layer for Helium (mcuq_fully_connected_mve.h), also for convolutions that are one; a layer
without its proof is refused.
"""

from __future__ import annotations

import functools

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.fast_requantize import FastRequantize, fit
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.mcuq_gemm_mve import GROUP, LANES, NO_MVE, raw_bias, stream, vectors
from mcuq.kernels.operands import packed_call
from mcuq.kernels.packed_weights import accumulator_range
from mcuq.kernels.rows import CONVOLUTION, refuses_windows, rows
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.weighted import channel_requantization

FUNCTION = "mcuq_fully_connected_mve"


@functools.lru_cache(maxsize=64)
def _requantization(layer: Layer) -> FastRequantize | None:
    low, high = accumulator_range(layer, weight_rows(layer))
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    zero_point = layer.output.type.zero_point
    twice = rows(layer).rounds_twice
    return fit(*channel_requantization(layer), low, high, zero_point, *limits, rounds_twice=twice)


def refuses(layer: Layer, target: Target) -> str | None:
    if not target.core.has_mve:
        return NO_MVE
    if (reason := refuses_windows(layer)) is not None:
        return reason
    if _requantization(layer) is None:
        return "no affine form is exact"
    return None


def lower(layer: Layer, _target: Target) -> Lowering:
    a = rows(layer)
    found = _requantization(layer)
    assert found is not None
    weights = weight_rows(layer)
    constants = (found.with_bias(raw_bias(layer, weights)), found.multipliers)
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    params = Struct(
        "mcuq_fully_connected_mve_params",
        "params",
        (
            ("batches", a.batches),
            ("depth", a.depth),
            ("vectors", vectors(a.depth)),
            ("outputs", a.outputs),
            ("left_shift", found.left_shift),
            ("right_shift", found.right_shift),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    return Lowering(
        calls=(packed_call(FUNCTION, layer, params, "stream", f"{FUNCTION}.h"),),
        constants=(
            Constant(
                "stream", stream(weights, constants), "for each four outputs: weights in vectors, offsets, multipliers"
            ),
        ),
        scratch_bytes=LANES * vectors(a.depth) if a.depth % LANES else 0,
        sources=(f"{FUNCTION}.c",),
    )


def cycles(layer: Layer, _target: Target) -> int:
    a = rows(layer)
    groups = -(-a.outputs // GROUP)
    return int(LAYER_CYCLES + a.batches * (40 + groups * (9.5 * vectors(a.depth) + 25)))


KERNELS = tuple(Kernel(FUNCTION, MCUQ, op, refuses, lower, cycles) for op in ("FULLY_CONNECTED", CONVOLUTION))
