"""The stream of weights and constants that mcuq_gemm_dsp.h reads, two weights in one halfword. No kernel.

A row of weights is in the order of its kernel's activations; the input's zero point goes into the bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcuq.ir import Layer
from mcuq.kernels.fast_requantize import fit, twice_rounded, wrapped
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.weighted import bias_values, channel_requantization

LEFT_SHIFT = 9
RIGHT_SHIFT = 13
"""The shifts that mcuq_gemm_dsp.h has built in."""

ODD_LEFT_SHIFT = 8
"""How sums of odd outputs are shifted when they are found."""

SUM_LIMIT = 2**23
"""What the sum of an odd output channel stays below in magnitude, so that 256 times it is found again modulo 2**32."""


@dataclass(frozen=True, slots=True, eq=False)
class Requantization:
    """Constants in the order of the stream: int32 values, (channels,) or (channels, n)."""

    twice: bool
    constants: tuple[Array, ...]


def shuffled(channels: int) -> bool:
    """Are activations of so many channels in the order 0, 2, 1, 3 that SXTB16 makes?"""
    return channels % 4 == 0


def shuffle(rows: Array) -> Array:
    """The last axis, of a multiple of 4 elements, in the order 0, 2, 1, 3 of each four."""
    fours = rows.reshape(*rows.shape[:-1], -1, 4)
    result: Array = fours[..., (0, 2, 1, 3)].reshape(rows.shape)
    return result


def unpackable(weights: Array) -> str | None:
    """Why ``weights`` (outputs, depth) cannot be two in a halfword, or None."""
    if int(weights.min(initial=0)) < -127:
        return "a weight of -128 does not fit beside another in a halfword"
    if int(np.abs(weights.astype(np.int64)).sum(axis=1).max()) * 128 >= SUM_LIMIT:
        return f"a sum of products may reach {SUM_LIMIT}"
    return None


def pack(weights: Array, constants: tuple[Array, ...], group: int) -> Array:
    """The stream for ``weights`` (outputs, depth): for each ``group`` of outputs all words, then its constants.

    Constants are (outputs,) or (outputs, n) for n that stand side by side. The depth must be even. Outputs past the
    last are zeros.
    """
    outputs, depth = weights.shape
    padded = np.zeros((-(-outputs // group) * group, depth), np.int64)
    padded[:outputs] = weights
    halves = (256 * padded[1::2] + padded[0::2]).reshape(-1, group // 2, depth // 2, 2)
    words = (halves[..., 0] & 0xFFFF) | ((halves[..., 1] & 0xFFFF) << 16)
    stream = [words.transpose(0, 2, 1).reshape(len(words), -1)]
    for values in constants:
        columns = values.reshape(outputs, -1)
        rows = np.zeros((len(padded), columns.shape[1]), np.int64)
        rows[:outputs] = columns
        stream.append(rows.reshape(len(words), -1))
    return wrapped(np.concatenate(stream, axis=1)).astype(np.int32)


def raw_bias(layer: Layer, weights: Array) -> Array:
    """The bias less the input's zero point times each output's weights (outputs, depth)."""
    bias: Array = bias_values(layer).astype(np.int64) - layer.input(0).type.zero_point * weights.sum(axis=1)
    return bias


def accumulator_range(layer: Layer, weights: Array) -> tuple[Array, Array]:
    """The least and the greatest accumulator of each output over all inputs, bias included."""
    zero_point = layer.input(0).type.zero_point
    at_least, at_most = weights * (-128 - zero_point), weights * (127 - zero_point)
    bias = bias_values(layer).astype(np.int64)
    return (
        bias + np.minimum(at_least, at_most).sum(axis=1),
        bias + np.maximum(at_least, at_most).sum(axis=1),
    )


def convolution_requantization(layer: Layer, weights: Array) -> Requantization | None:
    """Constants for ``weights`` (outputs, depth) of a convolution: affine where that is proven, else twice rounded."""
    multipliers, shifts = channel_requantization(layer)
    low, high = accumulator_range(layer, weights)
    zero_point = layer.output.type.zero_point
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    bias = raw_bias(layer, weights)
    affine = fit(multipliers, shifts, low, high, zero_point, *limits, fixed_shifts=(LEFT_SHIFT, RIGHT_SHIFT))
    if affine is not None:
        return Requantization(False, (affine.with_bias(bias), affine.multipliers))
    twice = twice_rounded(multipliers, shifts, low, high, zero_point)
    if twice is None:
        return None
    products = np.stack([twice.multipliers, twice.roundings], axis=1)
    return Requantization(True, (wrapped(2 * bias), products, twice.shifts))


def seeded_constants(layer: Layer, weights: Array) -> tuple[Array, Array] | None:
    """The seeds (groups of four, 2) and the constants (groups, 6) of MCUQ_GEMM_SEEDED for ``weights`` (outputs, depth),
    or None. Both halves are affine: even outputs as ever, odd ones with sums that are 256 times too large already.
    """
    if len(weights) == 1:
        return None
    multipliers, shifts = channel_requantization(layer)
    low, high = accumulator_range(layer, weights)
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    bias, zero_point = raw_bias(layer, weights), layer.output.type.zero_point
    halves: list[Array] = []
    for first, left in ((0, LEFT_SHIFT), (1, ODD_LEFT_SHIFT)):
        some = slice(first, None, 2)
        ranges = (multipliers[some], shifts[some], low[some], high[some])
        found = fit(*ranges, zero_point, *limits, fixed_shifts=(left, RIGHT_SHIFT))
        if found is None:
            return None
        halves += [_in_pairs(found.with_bias(bias[some]), len(weights)), _in_pairs(found.multipliers, len(weights))]
    even_biases, even_multipliers, odd_biases, odd_multipliers = halves
    return odd_biases, np.concatenate([even_biases, even_multipliers, odd_multipliers], axis=1)


def _in_pairs(values: Array, outputs: int) -> Array:
    """A value for every other one of ``outputs`` as (groups of four, 2), filled up with zeros."""
    padded = np.zeros(2 * -(-outputs // 4), np.int64)
    padded[: len(values)] = values
    pairs: Array = padded.reshape(-1, 2)
    return pairs
