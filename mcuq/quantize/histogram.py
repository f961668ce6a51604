"""How the values of an activation are spread, counted as they come: no second look at the data is needed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcuq.quantize.scheme import Array

BINS = 1 << 13


class Histogram:
    """``counts`` of values in even steps from ``-limit`` to ``limit``.

    The limit is a power of two, doubled when a value lies beyond it; so at least a quarter of the steps serve the
    values, whatever their size. Values must be finite.
    """

    def __init__(self) -> None:
        self.limit = 2.0**-20
        self.counts: npt.NDArray[np.int64] = np.zeros(BINS, np.int64)

    @property
    def step(self) -> float:
        return 2 * self.limit / BINS

    @property
    def centres(self) -> Array:
        """The middle of each step."""
        return np.asarray((np.arange(BINS) + 0.5) * self.step - self.limit)

    def add(self, values: Array) -> None:
        """Counts ``values``, of any shape."""
        largest = float(np.abs(values).max(initial=0.0))
        while largest > self.limit:
            self._double()
        places = ((values.ravel().astype(np.float64) + self.limit) * (1 / self.step)).astype(np.int64)
        self.counts += np.bincount(np.minimum(places, BINS - 1), minlength=BINS)

    def outside(self, low: float, high: float) -> float:
        """The share of values below ``low`` or above ``high``, 0 to 1, to the accuracy of a step."""
        middles, half = self.centres, self.step / 2
        beyond = (middles + half < low) | (middles - half > high)
        return float(self.counts[beyond].sum() / max(1, self.counts.sum()))

    def _double(self) -> None:
        pairs = self.counts.reshape(-1, 2).sum(axis=1)
        self.counts = np.zeros(BINS, np.int64)
        self.counts[BINS // 4 : 3 * BINS // 4] = pairs
        self.limit *= 2
