"""Constants of the quick requantizations of the DSP kernels (firmware/kernels/mcuq_fast_requantize.h). No kernel.

``fit`` searches for an affine form and proves it: the output is a staircase of the accumulator with at most 255 steps,
and the form is right for every accumulator of a range when it is right just before and just after each step of the
range and at both its ends. Nothing is sampled. ``twice_rounded`` needs no search: it is LiteRT's own arithmetic with
the additions put together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mcuq.fixedpoint import requantize_double, requantize_single
from mcuq.ops.base import Array

INT32 = 2**31
MAX_LEFT_SHIFT = 14
MAX_RIGHT_SHIFT = 22
"""With it the product that a step of the output stands for stays below 2**62."""

TRIED = 24
"""Multipliers tried on either side of the closest one: at distances 1, 2, 4 and so on."""


@dataclass(frozen=True, slots=True, eq=False)
class FastRequantize:
    """``clamp(((biases[c] + (acc << left_shift)) · multipliers[c] >> 32) >> right_shift)``, zero point included.

    ``clamp`` is to int8, then to the activation's range where that is narrower. Arrays are int64 of int32 values.
    """

    left_shift: int
    right_shift: int
    biases: Array
    multipliers: Array

    def with_bias(self, bias: Array) -> Array:
        """``biases`` for accumulators that lack ``bias`` (wrapped to int32, as the sum in C is)."""
        return wrapped(self.biases + (bias.astype(np.int64) << self.left_shift))


@dataclass(frozen=True, slots=True, eq=False)
class TwiceRounded:
    """``t = (2·acc·multipliers[c] + 2**31) >> 32``, ``clamp((t + (t < 0 ? -1 : 0) + roundings[c]) >> shifts[c])``.

    ``roundings`` hold half an output unit and the zero point. ``clamp`` as in ``FastRequantize``.
    """

    multipliers: Array
    roundings: Array
    shifts: Array


NOT_PROVEN = "a factor of 0.5 or more is rounded once, and no affine form is exact"
"""Why a kernel refuses a layer for which neither ``fit`` nor ``twice_rounded`` finds constants."""


def wrapped(values: Array) -> Array:
    """``values`` modulo 2**32, as int64 between the limits of int32."""
    result: Array = ((values.astype(np.int64) + INT32) % (2 * INT32)) - INT32
    return result


def fit(
    multipliers: Array,
    shifts: Array,
    low: Array,
    high: Array,
    output_zero_point: int,
    act_low: int,
    act_high: int,
    *,
    rounds_twice: bool = True,
    fixed_shifts: tuple[int, int] | None = None,
) -> FastRequantize | None:
    """The affine form that gives LiteRT's bytes for every accumulator ``low[c] .. high[c]``, or None.

    Arrays are per channel; accumulators include the bias. ``rounds_twice`` as LiteRT's convolutions do, else once as
    its FULLY_CONNECTED. Two roundings are affine only on one side of the zero point: an activation that clamps there
    is what makes the search succeed. ``fixed_shifts`` are the left and right shift of kernels that have them built in.
    """
    multipliers, shifts, low, high = (np.asarray(a, np.int64) for a in (multipliers, shifts, low, high))
    values = np.arange(act_low + 1, act_high + 1, dtype=np.int64)
    steps = _first_accumulators(multipliers, shifts, low, high, values - output_zero_point, rounds_twice)
    factors = multipliers.astype(np.float64) * np.exp2(shifts.astype(np.float64) - 31)
    # The offset in accumulators that the zero point and the rounding stand for, at most.
    offsets = np.minimum((abs(output_zero_point) + 1) / np.maximum(factors, 1e-30), 2.0**40)
    reach = float(np.max(np.maximum(np.abs(low), np.abs(high))))
    live = [c for c in range(len(factors)) if np.any((steps[c] > low[c]) & (steps[c] <= high[c]))]
    reach += float(np.max(offsets[live], initial=0.0))
    greatest = float(np.max(factors[live], initial=2.0**-9))
    left, right = fixed_shifts or _shifts(reach, greatest)
    # Whether the sums stay within int32 is seen channel by channel: accumulators far from 0 may lie close together.
    if left < 0 or right < 0 or greatest * 2.0 ** (32 + right - left) >= INT32:
        return None
    pairs = []
    for c in range(len(factors)):
        goals = values << (32 + right)
        pair = _fit_channel(float(factors[c]), steps[c], goals, int(low[c]), int(high[c]), left, right)
        if pair is None:
            return None
        pairs.append(pair)
    biases, multipliers = np.array(pairs, np.int64).T
    return FastRequantize(left, right, wrapped(biases), multipliers)


def _shifts(reach: float, greatest: float) -> tuple[int, int]:
    """The largest shifts with which accumulators up to ``reach`` and the ``greatest`` factor's multiplier fit int32."""
    left = min(MAX_LEFT_SHIFT, int(np.floor(np.log2(INT32 / (reach + 2)))))
    return left, min(MAX_RIGHT_SHIFT, int(np.floor(np.log2(0.999 * INT32 / (greatest * 2.0 ** (32 - left))))))


def _first_accumulators(
    multipliers: Array, shifts: Array, low: Array, high: Array, values: Array, rounds_twice: bool
) -> Array:
    """(channels, values): the least accumulator that requantizes to ``value`` or more; ``high + 1`` where none does."""
    requantize = requantize_double if rounds_twice else requantize_single
    channels = (len(multipliers), len(values))
    below = np.broadcast_to(low[:, None], channels).copy()
    above: Array = np.broadcast_to(high[:, None] + 1, channels).copy()
    while np.any(below < above):
        middle = (below + above) >> 1
        reaches = (requantize(middle, multipliers[:, None], shifts[:, None]) >= values) | (below >= above)
        above = np.where(reaches, np.minimum(above, middle), above)
        below = np.where(reaches, below, np.minimum(middle + 1, above))
    return above


def _fit_channel(
    factor: float, steps: Array, goals: Array, low: int, high: int, left: int, right: int
) -> tuple[int, int] | None:
    """A bias and a multiplier with ``(bias + (acc << left)) · multiplier >= goals[i]`` exactly from ``steps[i]`` on."""
    reached, missed = steps <= high, steps > low
    for multiplier in _multipliers(factor * 2.0 ** (32 + right - left)):
        least = -(-goals // multiplier)  # the least bias + (acc << left) that reaches the goal
        at_least = int(np.max((least - (steps << left))[reached], initial=-INT32 - (low << left)))
        at_most = int(np.min((least - 1 - ((steps - 1) << left))[missed], initial=INT32 - 1 - (high << left)))
        at_least, at_most = max(at_least, -INT32 - (low << left)), min(at_most, INT32 - 1 - (high << left))
        if at_least <= at_most:
            return (at_least + at_most) // 2, multiplier
    return None


def _multipliers(closest: float) -> Iterator[int]:
    """Multipliers to try, the closest first; then, for outputs of few steps, every power of two."""
    middle = round(closest)
    for distance in (0, *(sign << i for i in range(TRIED) for sign in (1, -1))):
        if 0 < middle + distance < INT32:
            yield middle + distance
    for power in range(30, -1, -1):
        yield 1 << power


def twice_rounded(
    multipliers: Array, shifts: Array, low: Array, high: Array, output_zero_point: int
) -> TwiceRounded | None:
    """LiteRT's two roundings for accumulators ``low[c] .. high[c]`` (bias included); None when a factor is too large.

    A factor of 0.5 or more has no second rounding, which the formula needs.
    """
    multipliers, shifts, low, high = (np.asarray(a, np.int64) for a in (multipliers, shifts, low, high))
    reach = np.maximum(np.abs(low), np.abs(high))
    # |t| <= reach, so where reach is less than half an output unit the output is the zero point.
    constant = (multipliers == 0) | ((shifts < 0) & (reach < np.int64(1) << np.maximum(-shifts - 1, 0)))
    right = np.where(constant, 1, -shifts)
    roundings = (2 * output_zero_point + 1) << np.maximum(right - 1, 0)
    if np.any(right < 1) or np.any(reach >= INT32 // 2) or np.any(np.abs(roundings) + reach >= INT32 - 1):
        return None
    return TwiceRounded(np.where(constant, 0, multipliers), roundings, right)
