"""How far a quantized model's outputs are from its float model's: one number, to choose by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.quantize.scheme import Array
from mcuq.reference import run_float

SAMPLES = 64
"""At most so many, evenly spaced among those given."""


class Judge:
    """Holds a float model's outputs for ``samples``, one array (n, ...) for each input; they are computed when asked
    for the first time.
    """

    def __init__(self, float_model: bytes, samples: Sequence[Array]) -> None:
        count = len(samples[0])
        taken = np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).round().astype(np.int64))
        self._model, self._samples = float_model, [array[taken] for array in samples]
        self._wanted: tuple[Array, ...] | None = None

    def error(self, quantized: bytes) -> float:
        """The mean square of what ``quantized`` changes in the outputs, in parts of their variance, added up."""
        if self._wanted is None:
            self._wanted = run_float(self._model, self._samples)
        found = run_float(quantized, self._samples)
        return float(sum(relative(values, wanted) for values, wanted in zip(found, self._wanted, strict=True)))


def relative(values: Array, wanted: Array) -> float:
    """The mean square of what sets ``values`` apart from those ``wanted``, in parts of these' variance."""
    spread = float(wanted.var()) or float((wanted.astype(np.float64) ** 2).mean()) or 1.0
    return float(((values.astype(np.float64) - wanted) ** 2).mean()) / spread
