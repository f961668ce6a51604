"""Requantization by one multiplication and one fixed shift, proven exact: the constants of mcuq's depthwise kernels.

An accumulator comes multiplied by ``2**p`` (the kernel's operands are scaled, so that costs nothing), and becomes

    plain:      ``value = saturate((o · M) >> (32 + E))``           with ``o = accumulator · 2**p + b``
    corrected:  ``value = saturate((C + (o · M >> 32)) >> E)``      where ``o`` loses ``d`` when it is negative

``E`` is ``SHIFT``, ``C`` is ``rounding_constant``. The plain form is one line, so it fits where all steps of the output
lie on one side of zero (a ReLU with its zero point at -128); the corrected form rounds negative values the other way,
as two roundings "half away from zero" do. ``fit`` finds ``M``, ``b`` and ``d`` for each channel such that the output
is that of ``requantize_double`` at every accumulator that the channel can reach: it checks each of the at most 255
steps of the output, from both sides. Nothing is sampled; the answer is a proof. It computes in 64 bits. No kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.fixedpoint import requantize_double

SHIFT = 14
"""E. With it, multipliers of channels with factors of 2**-4 to 2**-14 have 24 bits and more."""

INT32_END = 1 << 31
_TRIES = 200
_CONSTANT_MULTIPLIER = 1 << 30

IntArray = npt.NDArray[np.int64]


def rounding_constant(zero_point: int) -> int:
    """C of the corrected form."""
    return (zero_point << SHIFT) + (1 << (SHIFT - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """What is asked for, an array element for each channel.

    ``low`` and ``high``: the accumulator's least and greatest value, bias and offsets included.
    ``least_scaling`` and ``most_scaling`` bound ``p`` for all channels.
    """

    multipliers: IntArray
    shifts: IntArray
    low: IntArray
    high: IntArray
    least_scaling: int
    most_scaling: int


@dataclass(frozen=True, slots=True, eq=False)
class FixedShift:
    """The constants: ``scaling`` is p, ``offsets`` b, ``corrections`` d (zeros in the plain form), ``multipliers`` M.

    ``constant``: channels with one value only; their accumulator must be left at 0, b alone makes the value.
    """

    corrected: bool
    scaling: IntArray
    multipliers: IntArray
    offsets: IntArray
    corrections: IntArray
    constant: npt.NDArray[np.bool_]


def fit(channels: Channels, zero_point: int) -> FixedShift | None:
    """The constants for outputs clamped to -128 .. 127, the plain form where it fits; None where neither does."""
    steps = _Steps(channels, zero_point)
    for corrected in (False, True):
        found = _fit(channels, zero_point, steps, corrected)
        if found is not None:
            return found
    return None


class _Steps:
    """Where the outputs step: ``at[c, i]`` is the least accumulator of channel c with output ``values[i]`` or more.

    ``reached[c, i]``: does the channel reach both sides of that step?
    """

    def __init__(self, channels: Channels, zero_point: int) -> None:
        self.values = np.arange(-127, 128, dtype=np.int64)
        multipliers, shifts = channels.multipliers[:, None], channels.shifts[:, None]

        def output(accumulator: IntArray) -> IntArray:
            return np.clip(requantize_double(accumulator, multipliers, shifts) + zero_point, -128, 127)

        low = np.broadcast_to(channels.low[:, None], (len(channels.low), len(self.values))).copy()
        high = np.broadcast_to(channels.high[:, None], low.shape).copy()
        self.least = output(channels.low[:, None])[:, 0]
        self.reached = (output(low) < self.values) & (output(high) >= self.values)
        while bool((high - low > 1).any()):
            middle = (low + high) >> 1
            above = output(middle) >= self.values
            high = np.where(above, middle, high)
            low = np.where(above, low, middle)
        self.at = high


def _fit(channels: Channels, zero_point: int, steps: _Steps, corrected: bool) -> FixedShift | None:
    constant: npt.NDArray[np.bool_] = np.logical_not(steps.reached.any(axis=1))
    scale = np.ldexp(channels.multipliers.astype(np.float64), channels.shifts.astype(np.int32) - 31)
    scaling = _scaling(channels, scale, constant, corrected)
    start = np.rint(np.ldexp(scale, (32 + SHIFT - scaling).astype(np.int32)))
    if bool((start[~constant] >= INT32_END).any()):
        return None
    base = rounding_constant(zero_point) if corrected else 0
    span = np.maximum(channels.high - channels.low, 1)
    stride = np.maximum(1, np.rint(2.0 * start / span / _TRIES)).astype(np.int64)
    multipliers = np.where(constant, _CONSTANT_MULTIPLIER, 0)
    offsets = np.where(constant, (((steps.least << SHIFT) - base + (1 << (SHIFT - 1))) << 2), 0)
    corrections = np.zeros_like(offsets)
    missing = ~constant
    for attempt in range(2 * _TRIES + 1):
        if not missing.any():
            break
        distance = (attempt + 1) // 2 * (1 if attempt % 2 else -1)
        trial = start.astype(np.int64) + distance * stride
        good, offset, correction = _try(channels, scaling, zero_point, steps, base, trial, corrected)
        take = missing & good & (trial > 0) & (trial < INT32_END)
        multipliers, offsets = np.where(take, trial, multipliers), np.where(take, offset, offsets)
        corrections = np.where(take, correction, corrections)
        missing &= ~take
    return None if missing.any() else FixedShift(corrected, scaling, multipliers, offsets, corrections, constant)


def _scaling(
    channels: Channels, scale: npt.NDArray[np.float64], constant: npt.NDArray[np.bool_], corrected: bool
) -> IntArray:
    """The greatest p with which o surely fits int32: the plain form's b is up to 128 steps of the output away."""
    reach = np.maximum(np.abs(channels.low), np.abs(channels.high)) + 2.0
    steps_away = 2.0 if corrected else 130.0
    reach += np.where(constant, 0.0, steps_away / np.where(scale > 0, scale, 1.0))
    room = np.floor(np.log2(INT32_END / reach)).astype(np.int64)
    return np.clip(room, channels.least_scaling, channels.most_scaling)


def _try(
    channels: Channels,
    scaling: IntArray,
    zero_point: int,
    steps: _Steps,
    base: int,
    trial: IntArray,
    corrected: bool,
) -> tuple[npt.NDArray[np.bool_], IntArray, IntArray]:
    """For the multipliers ``trial``: which channels have a good b (and d), and these."""
    divisor = np.where(trial > 0, trial, 1)[:, None]
    goal = ((steps.values << SHIFT) - base) << 32
    need = -(-goal // divisor)  # the least o whose value is steps.values or more
    one = (np.int64(1) << scaling)[:, None]
    gap = need - steps.at * one  # b must be gap .. gap + one - 1
    positive = steps.reached & (steps.values > zero_point) if corrected else steps.reached
    negative = steps.reached & ~positive
    good1, offset = _common(gap, one, positive)
    if not corrected:
        none = np.zeros_like(offset)
        return good1 & _in_range(channels, one[:, 0], offset, none), offset, none
    good2, lower = _common(gap, one, negative)
    offset = np.where(positive.any(axis=1), offset, np.maximum(lower, 0))
    lower = np.where(negative.any(axis=1), lower, offset)
    correction = offset - lower
    # From the accumulator where o stops being negative, the line for positive values holds: no step may lie between.
    turn = -(offset // one[:, 0])
    right = np.where(negative, steps.at <= turn[:, None], True) & np.where(positive, steps.at >= turn[:, None], True)
    good = good1 & good2 & (correction >= 0) & right.all(axis=1)
    good &= _in_range(channels, one[:, 0], offset, correction)
    return good, offset, correction


def _common(gap: IntArray, one: IntArray, of: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """The middle of what all ``gap .. gap + one - 1`` have in common, where they do; 0 for channels without any."""
    far = np.int64(1) << 60
    low = np.where(of, gap, -far).max(axis=1)
    high = np.where(of, gap + one - 1, far).min(axis=1)
    some = of.any(axis=1)
    return ~some | (low <= high), np.where(some, low + (high - low) // 2, 0)


def _in_range(channels: Channels, one: IntArray, offset: IntArray, correction: IntArray) -> npt.NDArray[np.bool_]:
    """Does o fit int32, correction included?"""
    least = channels.low * one + offset - correction
    greatest = channels.high * one + offset
    return (least >= -INT32_END) & (greatest < INT32_END)
