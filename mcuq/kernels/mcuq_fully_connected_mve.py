"""mcuq's fully connected layer for Helium (mcuq_fully_connected_mve.h); a layer without its proof is refused."""

from __future__ import annotations

import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.fast_requantize import FastRequantize, fit
from mcuq.kernels.mcuq_gemm_mve import GROUP, LANES, NO_MVE, raw_bias, stream, vectors
from mcuq.kernels.operands import packed_call
from mcuq.kernels.packed_weights import accumulator_range
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.weighted import channel_requantization

FUNCTION = "mcuq_fully_connected_mve"


def weight_rows(layer: Layer) -> Array:
    """(outputs, depth) as int64."""
    weights = layer.input(1).data
    assert weights is not None
    rows: Array = weights.astype(np.int64)
    return rows


@functools.lru_cache(maxsize=64)
def _requantization(layer: Layer) -> FastRequantize | None:
    low, high = accumulator_range(layer, weight_rows(layer))
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    zero_point = layer.output.type.zero_point
    return fit(*channel_requantization(layer), low, high, zero_point, *limits, rounds_twice=False)


def refuses(layer: Layer, target: Target) -> str | None:
    if not target.core.has_mve:
        return NO_MVE
    if _requantization(layer) is None:
        return "no affine form is exact"
    return None


def lower(layer: Layer, _target: Target) -> Lowering:
    a: FullyConnected = layer.attributes
    found = _requantization(layer)
    assert found is not None
    weights = weight_rows(layer)
    constants = (found.with_bias(raw_bias(layer, weights)), found.multipliers)
    low, high = quantized_range(a.activation, layer.output.type)
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
    a: FullyConnected = layer.attributes
    groups = -(-a.outputs // GROUP)
    return int(LAYER_CYCLES + a.batches * (40 + groups * (9.5 * vectors(a.depth) + 25)))


KERNELS = (Kernel(FUNCTION, MCUQ, "FULLY_CONNECTED", refuses, lower, cycles),)
