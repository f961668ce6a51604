"""How far the accumulator of a multiply-accumulate operator reaches: rules that keep it within int32. No operator."""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ops.base import Array, Constraint
from mcuq.ops.conv_2d import bias_values, channel_requantization


def accumulator_bound(layer: Layer, channel_axis: int) -> Array:
    """For each output channel, what no partial sum exceeds in magnitude, with or without the offset in the bias.

    ``channel_axis`` is the axis of the weights (input 1) that counts output channels.
    """
    weights = layer.input(1).data
    assert weights is not None
    by_channel = np.moveaxis(weights.astype(np.int64), channel_axis, 0).reshape(weights.shape[channel_axis], -1)
    bound: Array = 256 * np.abs(by_channel).sum(axis=1) + np.abs(bias_values(layer).astype(np.int64))
    return bound


def accumulator_fits_int32(channel_axis: int) -> Constraint:
    """The rule for an operator whose weights count output channels along ``channel_axis``."""

    def rule(layer: Layer) -> str | None:
        _, shifts = channel_requantization(layer)
        bound = accumulator_bound(layer, channel_axis).astype(np.float64)
        reach = float(np.ldexp(bound, np.maximum(shifts, 0).astype(np.int32)).max(initial=0))
        return None if reach < 2**31 else f"the accumulator may reach {reach:.0f} before its scaling, past int32"

    rule.__doc__ = "the accumulator stays within int32 for every input, also when shifted left for its scaling"
    return rule
