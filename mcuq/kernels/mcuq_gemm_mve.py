"""The stream of weights and constants that firmware/kernels/mcuq_gemm_mve.h reads, and its parameters. No kernel.

Its arithmetic is LiteRT's own: the vector instructions round as LiteRT's two roundings do, with the correction for
negative values where the activation does not clamp them. Factors of 1 or more are refused.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Struct
from mcuq.kernels.base import Target, table
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.weighted import bias_values, channel_requantization

NO_MVE = "the core has no MVE instructions"
LANES = 16
GROUP = 4
"""Output channels that advance together."""


def vectors(depth: int) -> int:
    """Vectors of 16 bytes that ``depth`` bytes take."""
    return -(-depth // LANES)


def relu(layer: Layer) -> bool:
    """Is the activation the saturation to int8 of values above a zero point of -128? Rounding is simpler then."""
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    return limits == (-128, 127) and layer.output.type.zero_point == -128


def right_shifts(layer: Layer) -> tuple[Array, Array]:
    """Multipliers and shifts; a vanished channel has multiplier 0 and shift -1, which gives the same."""
    multipliers, shifts = channel_requantization(layer)
    return multipliers, np.where(multipliers == 0, -1, shifts)


def refuses_requantization(layer: Layer, target: Target) -> str | None:
    """Why vectors do not requantize ``layer`` with two roundings, or None."""
    if not target.core.has_mve:
        return NO_MVE
    greatest = int(right_shifts(layer)[1].max())
    if greatest > 0:
        return "the kernel has no factor of 1 or more"
    if greatest == 0 and not relu(layer):
        return "the kernel has no factor of 0.5 or more where negative values are not clamped"
    return None


def raw_bias(layer: Layer, weights: Array) -> Array:
    """The bias less the input's zero point times each output's weights (outputs, depth)."""
    bias: Array = bias_values(layer).astype(np.int64) - layer.input(0).type.zero_point * weights.sum(axis=1)
    return bias


def stream(weights: Array, constants: tuple[Array, ...]) -> Array:
    """(groups, words): for each four of ``weights`` (outputs, depth) their bytes in vectors, then their constants."""
    outputs, depth = weights.shape
    groups = -(-outputs // GROUP)
    padded = np.zeros((groups * GROUP, vectors(depth) * LANES), np.int8)
    padded[:outputs, :depth] = weights
    interleaved = padded.reshape(groups, GROUP, -1, LANES).transpose(0, 2, 1, 3).reshape(groups, -1)
    parts = [np.ascontiguousarray(interleaved).view("<i4")]
    for values in constants:
        row = np.zeros(groups * GROUP, np.int64)
        row[:outputs] = values
        parts.append(table(row, "int32").reshape(groups, GROUP))
    return np.concatenate(parts, axis=1).astype(np.int32)


def convolution_stream(layer: Layer, weights: Array) -> Array:
    """``stream`` for a convolution's ``weights`` (outputs, depth), an int64 array in the order of its columns."""
    multipliers, shifts = right_shifts(layer)
    return stream(weights, (raw_bias(layer, weights), multipliers, shifts))


def gemm_params(layer: Layer, depth: int) -> Struct:
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    return Struct(
        "mcuq_gemm_mve_params",
        "gemm",
        (
            ("vectors", vectors(depth)),
            ("channels", layer.output.shape[-1]),
            ("relu", "true" if relu(layer) else "false"),
            ("output_offset", layer.output.type.zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )


def gemm_cycles(layer: Layer, depth: int, pairs: int) -> float:
    """Instructions of ``pairs`` calls."""
    return pairs * (30 + -(-layer.output.shape[-1] // GROUP) * (15 * vectors(depth) + (33 if relu(layer) else 40)))
