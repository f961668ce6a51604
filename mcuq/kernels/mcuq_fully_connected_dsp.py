"""mcuq's fully connected layer for DSP cores (mcuq_fully_connected_s8_dsp.h), also for convolutions that are one.

One rounding is affine, so the form of ``fast_requantize.fit`` is the only one; a layer without it is refused. Two are
where the activation clamps at the zero point.
"""

from __future__ import annotations

import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import (
    Constant,
    Lowering,
    Overlap,
    Struct,
)
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.dsp import needs_dsp
from mcuq.kernels.fast_requantize import FastRequantize, fit
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.operands import packed_call
from mcuq.kernels.packed_weights import accumulator_range, pack, raw_bias, shuffle, shuffled, unpackable
from mcuq.kernels.rows import CONVOLUTION, refuses_windows, rows
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.weighted import channel_requantization

FUNCTION = "mcuq_fully_connected_s8_dsp"
GROUP = 8
LEAST_LEFT_SHIFT = 8
"""Sums of odd outputs come multiplied by 256."""


@functools.lru_cache(maxsize=64)
def _constants(layer: Layer) -> FastRequantize | None:
    low, high = accumulator_range(layer, weight_rows(layer))
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    zero_point, twice = layer.output.type.zero_point, rows(layer).rounds_twice
    found = fit(*channel_requantization(layer), low, high, zero_point, *limits, rounds_twice=twice)
    return None if found is None or found.left_shift < LEAST_LEFT_SHIFT else found


def refuses(layer: Layer, target: Target) -> str | None:
    if (reason := needs_dsp(target)) is not None:
        return reason
    if (reason := refuses_windows(layer) or unpackable(weight_rows(layer))) is not None:
        return reason
    if _constants(layer) is None:
        return "no affine form is exact for all outputs with the same shifts"
    return None


def packed(layer: Layer) -> Array:
    weights, found = weight_rows(layer), _constants(layer)
    assert found is not None, "the layer is refused"
    depth = weights.shape[1]
    ordered = shuffle(weights) if shuffled(depth) else np.pad(weights, ((0, 0), (0, -depth % 4)))
    return pack(ordered, (found.with_bias(raw_bias(layer, weights)), found.multipliers), GROUP)


def cycles(layer: Layer, _target: Target) -> int:
    a = rows(layer)
    quads, groups = -(-a.depth // 4), -(-a.outputs // GROUP)
    return int(LAYER_CYCLES + a.batches * (10 * quads + groups * (100 + 39 * quads)))


def lower(layer: Layer, _target: Target) -> Lowering:
    a = rows(layer)
    x, y = layer.input(0), layer.output
    found = _constants(layer)
    assert found is not None, "the layer is refused"
    low, high = quantized_range(layer.attributes.activation, y.type)
    params = Struct(
        "mcuq_fully_connected_s8_dsp_params",
        "params",
        (
            ("batches", a.batches),
            ("depth", a.depth),
            ("outputs", a.outputs),
            ("left_shift", found.left_shift),
            ("right_shift", found.right_shift),
            ("clamped", "false" if (low, high) == (-128, 127) else "true"),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    return Lowering(
        calls=(packed_call(FUNCTION, layer, params, "packed", f"{FUNCTION}.h"),),
        constants=(Constant("packed", packed(layer), "weights in pairs, and the constants of each eight outputs"),),
        scratch_bytes=8 * -(-a.depth // 4),
        sources=(f"{FUNCTION}.c",),
        overlaps=(Overlap(x.name, 0),) if a.batches == 1 and not x.constant else (),
    )


KERNELS = tuple(Kernel(FUNCTION, MCUQ, op, refuses, lower, cycles) for op in ("FULLY_CONNECTED", CONVOLUTION))
