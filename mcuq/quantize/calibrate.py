"""What the calibration data do to a float model: each activation's range, and each channel's mean.

The float model runs on LiteRT's reference kernels, which compute the same bits whatever vector units the machine has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.errors import UnsupportedError
from mcuq.reference import Reference

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Of one activation tensor over all calibration samples: smallest and largest value, mean along the last axis."""

    low: float
    high: float
    channel_means: npt.NDArray[np.float64]


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
    lows: dict[str, float] = {}
    highs: dict[str, float] = {}
    sums: dict[str, npt.NDArray[np.float64]] = {}
    for index in range(count):
        for name, values in reference.tensors([array[index] for array in samples]).items():
            if values.dtype != np.float32:
                continue
            channels = values.reshape(-1, values.shape[-1] if values.ndim else 1)
            lows[name] = min(lows.get(name, np.inf), float(values.min()))
            highs[name] = max(highs.get(name, -np.inf), float(values.max()))
            sums[name] = sums.get(name, np.zeros(channels.shape[1])) + channels.mean(axis=0, dtype=np.float64)
        if progress is not None:
            progress(index + 1, count)
    return {name: Statistics(lows[name], highs[name], sums[name] / count) for name in lows}
