"""What mcuq's kernels for cores without the DSP extension have in common. No kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mcuq.fixedpoint import requantize_double, requantize_single
from mcuq.ir import Layer
from mcuq.ir.kernel_call import Struct
from mcuq.kernels.base import Target
from mcuq.kernels.fast_requantize import twice_rounded, wrapped
from mcuq.kernels.packed_weights import accumulator_range, raw_bias
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.weighted import channel_requantization

FACTOR_BITS = 20
"""A line's slope is ``multiplier / 2**FACTOR_BITS``, in units of ``2**-shift`` of an output step."""

MULTIPLIER_END = 1 << 30
"""Multipliers are three times ten bits."""

ACCUMULATOR_END = 1 << 21
"""What a product with ten bits leaves of int32."""

VALUE_END = 1 << 30
"""What scaled accumulators and the line's constant stay below, each."""

_TRIED = (0, *(sign * i for i in (1, 2, 3, *(1 << k for k in range(2, 14))) for sign in (1, -1)))
"""Multipliers tried, less the closest one."""


def needs_no_dsp(target: Target) -> str | None:
    """Why a kernel for cores without the DSP extension does not run on the target; None when it does."""
    return "made for cores without DSP instructions" if target.core.has_dsp else None


@dataclass(frozen=True, slots=True, eq=False)
class PlainRequantize:
    """Constants of mcuq_triple_store.h's two forms, for accumulators that lack the bias.

    ``constants`` are int32 values (outputs,): of the line constant and multiplier; twice rounded bias, multiplier,
    rounding and shift.
    """

    twice: bool
    shift: int
    constants: tuple[Array, ...]

    def struct(self, layer: Layer) -> Struct:
        """``mcuq_triple_requantize``."""
        low, high = quantized_range(layer.attributes.activation, layer.output.type)
        return Struct(
            "mcuq_triple_requantize",
            "requantize",
            (
                ("shift", self.shift),
                ("twice", "true" if self.twice else "false"),
                ("clamped", "false" if (low, high) == (-128, 127) else "true"),
                ("activation_min", low),
                ("activation_max", high),
            ),
        )


def requantize_constants(
    multipliers: Array,
    shifts: Array,
    low: Array,
    high: Array,
    bias: Array,
    zero_point: int,
    limits: tuple[int, int],
) -> PlainRequantize | None:
    """A line where it is proven for accumulators ``low`` .. ``high`` (bias included), else two roundings; or None."""
    line = fit_line(multipliers, shifts, low, high, bias, zero_point, limits)
    if line is not None:
        return line
    twice = twice_rounded(multipliers, shifts, low, high, zero_point)
    if twice is None:
        return None
    doubled = wrapped(2 * bias.astype(np.int64))
    return PlainRequantize(True, 0, (doubled, twice.multipliers, twice.roundings, twice.shifts))


def layer_requantization(layer: Layer, rows: Array) -> PlainRequantize | None:
    """Those constants for a convolution whose weights are ``rows`` (outputs, taps)."""
    return requantize_constants(
        *channel_requantization(layer),
        *accumulator_range(layer, rows),
        raw_bias(layer, rows),
        layer.output.type.zero_point,
        quantized_range(layer.attributes.activation, layer.output.type),
    )


def fit_line(
    multipliers: Array,
    shifts: Array,
    low: Array,
    high: Array,
    bias: Array,
    zero_point: int,
    limits: tuple[int, int],
    *,
    rounds_twice: bool = True,
) -> PlainRequantize | None:
    """``(constant + (multiplier · sum >> FACTOR_BITS)) >> shift`` for sums that lack ``bias``, clamped to ``limits``.

    The output is a staircase of the sum. The line is right for every sum when it is right on both sides of each step
    that the sums reach, which is checked for each. None where no multiplier that was tried has a constant.
    ``rounds_twice`` as LiteRT's convolutions do, else once as its FULLY_CONNECTED.
    """
    requantize = requantize_double if rounds_twice else requantize_single
    multipliers, shifts, bias = (np.asarray(a, np.int64) for a in (multipliers, shifts, bias))
    low, high = np.asarray(low, np.int64) - bias, np.asarray(high, np.int64) - bias
    reach = np.maximum(np.maximum(np.abs(low), np.abs(high)), 1)
    if int(reach.max()) >= ACCUMULATOR_END:
        return None
    values = np.arange(limits[0] + 1, limits[1] + 1, dtype=np.int64)

    def reaches(sums: Array) -> Array:
        found = requantize(sums + bias[:, None], multipliers[:, None], shifts[:, None])
        result: Array = found >= values - zero_point
        return result

    steps, reached = _steps(low, high, len(values), reaches)
    factors = multipliers.astype(np.float64) * np.exp2(shifts.astype(np.float64) - 31)
    live = reached.any(axis=1)
    least = np.clip(requantize(low + bias, multipliers, shifts) + zero_point, *limits)
    shift = _shift(factors[live], reach[live], bias[live])
    if shift < 1:
        return None
    constants, found = (least << shift) + (1 << (shift - 1)), np.zeros_like(bias)
    missing = live.copy()
    for distance in _TRIED:
        trial = np.rint(factors * 2.0 ** (FACTOR_BITS + shift)).astype(np.int64) + distance
        need: Array = (values << (shift + FACTOR_BITS)) - steps * trial[:, None]
        at_least = np.where(reached, -(-need >> FACTOR_BITS), -VALUE_END).max(axis=1, initial=-VALUE_END)
        ends: Array = need + trial[:, None] - 1
        at_most = np.where(reached, ends >> FACTOR_BITS, VALUE_END - 1).min(axis=1, initial=VALUE_END - 1)
        good = missing & (at_least <= at_most) & (trial > 0) & (trial < MULTIPLIER_END)
        constants, found = np.where(good, (at_least + at_most) >> 1, constants), np.where(good, trial, found)
        missing &= ~good
        if not missing.any():
            return PlainRequantize(False, shift, (constants, found))
    return None


def _shift(factors: Array, reach: Array, bias: Array) -> int:
    """The greatest shift with which multipliers, scaled sums and constants keep their limits."""
    greatest = float(np.max(factors, initial=2.0**-12))
    scaled = float(np.max(factors * reach, initial=1.0))
    constant = float(np.max(np.abs(factors * bias), initial=0.0)) + 260
    room = min(0.99 * MULTIPLIER_END / (greatest * 2.0**FACTOR_BITS), 0.99 * VALUE_END / max(scaled, constant))
    return int(np.floor(np.log2(room)))


def _steps(low: Array, high: Array, values: int, reaches: Callable[[Array], Array]) -> tuple[Array, Array]:
    """(channels, values): the least sum that requantizes to a value or more; do sums reach both its sides?"""
    below, above = (np.broadcast_to(a[:, None], (len(low), values)).copy() for a in (low, high))
    reached = ~reaches(below) & reaches(above)
    while bool((above - below > 1).any()):
        middle = (below + above) >> 1
        up = reaches(middle)
        above, below = np.where(up, middle, above), np.where(up, below, middle)
    return above, reached
