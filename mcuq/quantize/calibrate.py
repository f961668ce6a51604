"""What the calibration data do to a float model: how the values of each activation are spread, by channel and in all.

The float model runs on LiteRT's reference kernels, which compute the same bits whatever vector units the machine has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.errors import UnsupportedError
from mcuq.quantize.histogram import Histogram
from mcuq.quantize.scheme import Array
from mcuq.reference import Reference

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Of one activation tensor: the smallest and largest value of each calibration sample (samples,), and over all of
    them each channel's (the last axis) extremes and mean, and how the values are spread.
    """

    lows: Array
    highs: Array
    channel_lows: Array
    channel_highs: Array
    channel_means: Array
    histogram: Histogram

    @property
    def low(self) -> float:
        return float(self.lows.min())

    @property
    def high(self) -> float:
        return float(self.highs.max())


class Running:
    """The statistics of one tensor while samples come. ``channels`` is the size of its last axis."""

    def __init__(self, channels: int) -> None:
        self.lows: list[float] = []
        self.highs: list[float] = []
        self.channel_lows, self.channel_highs = np.full(channels, np.inf), np.full(channels, -np.inf)
        self.sums = np.zeros(channels)
        self.histogram = Histogram()

    def add(self, values: Array) -> None:
        channels = values.reshape(-1, self.sums.size)
        self.channel_lows = np.minimum(self.channel_lows, channels.min(axis=0))
        self.channel_highs = np.maximum(self.channel_highs, channels.max(axis=0))
        self.lows.append(float(channels.min()))
        self.highs.append(float(channels.max()))
        self.sums += channels.mean(axis=0, dtype=np.float64)
        self.histogram.add(values)

    def done(self) -> Statistics:
        means = self.sums / len(self.lows)
        lows, highs = np.array(self.lows), np.array(self.highs)
        return Statistics(lows, highs, self.channel_lows, self.channel_highs, means, self.histogram)


def _runnable(float_model: bytes) -> Reference:
    """The model on the reference kernels; on the optimized ones when it has an operator that only those know."""
    try:
        return Reference(float_model, all_tensors=True)
    except UnsupportedError:
        return Reference(float_model, exact=False, all_tensors=True)


def calibrate(
    float_model: bytes, samples: Sequence[npt.NDArray[np.generic]], progress: Progress | None = None
) -> Mapping[str, Statistics]:
    """Statistics by tensor name of all float activations, inputs included.

    ``samples`` has one array (n, ...) for each input of the model. ``progress`` is called with (done, n).
    """
    reference = _runnable(float_model)
    count = len(samples[0])
    running: dict[str, Running] = {}
    for index in range(count):
        for name, values in reference.tensors([array[index] for array in samples]).items():
            if values.dtype != np.float32 or values.size == 0:
                continue
            if not np.isfinite(values).all():
                raise UnsupportedError(
                    f"the float model computes values that are not finite numbers, first in {name!r}",
                    hint="give --data as the model was trained on, or keep exponentials and quotients in bounds",
                )
            if name not in running:
                running[name] = Running(values.shape[-1] if values.ndim else 1)
            running[name].add(values)
        if progress is not None:
            progress(index + 1, count)
    return {name: found.done() for name, found in running.items()}
