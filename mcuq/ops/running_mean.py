"""RUNNING_MEAN: a MEAN over the newest frames of a tensor, kept up to date. No TFLite operator: a step function
(``mcuq.sliding``) is made with it.

Of each frame the sums over its elements are kept, channel by channel, and their total: new ones are added, the oldest
taken away. ``out = clamp(z_out + requantize(total + sum_offset, m, s))`` with MEAN's two roundings.
Inputs: new frames, sums of the window's frames (frames, channels), total (channels,), place of the oldest frame.
Outputs: the mean, then the three states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import requantize_double
from mcuq.ir import Layer
from mcuq.ops.base import Array, Operator


@dataclass(frozen=True, slots=True)
class RunningMean:
    """Attributes of RUNNING_MEAN; time is ``axis``, channels are the last one."""

    axis: int
    sum_offset: int
    multiplier: int
    shift: int


def attributes(options: Mapping[str, Any], _layer: Layer) -> RunningMean:
    return RunningMean(**options)


def frame_sums(frames: Array) -> Array:
    """The sums of each frame (frames, ..., channels), channel by channel (frames, channels)."""
    sums: Array = frames.astype(np.int32).reshape(len(frames), -1, frames.shape[-1]).sum(axis=1, dtype=np.int32)
    return sums


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: RunningMean = layer.attributes
    x, kept, before, place = inputs
    assert x is not None and kept is not None and before is not None and place is not None
    sums, total, at = kept.copy(), before.astype(np.int32), int(place[0])
    for new in frame_sums(np.moveaxis(x, a.axis, 0)):
        total = total + new - sums[at]
        sums[at] = new
        at = (at + 1) % len(sums)
    scaled = requantize_double(total.astype(np.int64) + a.sum_offset, a.multiplier, a.shift)
    out = np.clip(scaled + layer.output.type.zero_point, -128, 127).astype(np.int8).reshape(layer.output.shape)
    return out, sums, total, np.array([at], np.int32)


OPERATORS = (Operator("RUNNING_MEAN", attributes, (), reference, cases=(), in_files=False, keeps_state=True),)
