"""Calibrators: from how an activation's values are spread, the range that its integers are to cover.

A range wider than most values need spends steps on a few; a narrower one cuts those off (saturation). Each calibrator
strikes its own balance. Adding one is adding a function here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mcuq.errors import UsageError, suggestion
from mcuq.quantize.calibrate import Statistics
from mcuq.quantize.scheme import Array

AUTO = "auto"
DEFAULT = "minmax"
Range = tuple[float, float]

KEPT = 0.9999
"""The share of values that ``percentile`` keeps inside, half of the rest on either side."""

_SHARES = np.concatenate([np.geomspace(0.02, 0.5, 24, endpoint=False), np.linspace(0.5, 1.0, 51)])
"""Of the whole range: what ``mse`` and ``kl`` try."""


@dataclass(frozen=True, slots=True)
class Calibrator:
    """``limits`` gives the range for a tensor, given the ``steps`` that the integers divide it into."""

    name: str
    summary: str
    limits: Callable[[Statistics, int], Range]


def _minmax(known: Statistics, _steps: int) -> Range:
    return known.low, known.high


def _percentile(known: Statistics, _steps: int) -> Range:
    counts = known.histogram.counts
    below = np.cumsum(counts) / counts.sum()
    edge = (1.0 - KEPT) / 2
    first, last = np.searchsorted(below, edge, side="right"), np.searchsorted(below, 1.0 - edge, side="left")
    centres, half = known.histogram.centres, known.histogram.step / 2
    return max(known.low, float(centres[first] - half)), min(known.high, float(centres[last] + half))


def _mse(known: Statistics, steps: int) -> Range:
    """The least mean square of what rounding and cutting off do, each end in turn; rounding errors are taken as evenly
    spread, as OCTAV does (Sakr et al., "Optimal Clipping and Magnitude-aware Differentiation", 2022).
    """
    centres, counts = known.histogram.centres, known.histogram.counts
    used = counts > 0
    centres, counts = centres[used], counts[used].astype(np.float64)
    low, high = min(known.low, 0.0), max(known.high, 0.0)
    error = functools.partial(_square_error, centres, counts, steps)
    best_low, best_high = low, high
    for _ in range(3):
        best_high = _least(high * _SHARES, functools.partial(error, best_low))
        best_low = _least(low * _SHARES, functools.partial(error, high=best_high))
    return best_low, best_high


def _square_error(centres: Array, counts: Array, steps: int, low: float, high: float) -> float:
    beyond = centres - np.clip(centres, low, high)
    rounded = counts[beyond == 0.0].sum() * ((high - low) / steps) ** 2 / 12
    return float((counts * beyond**2).sum() + rounded)


def _kl(known: Statistics, steps: int) -> Range:
    """The least divergence (Kullback and Leibler) between the spread of values and that of their integers; both ends
    move together. After Migacz, "8-bit Inference with TensorRT", 2017. Zeros do not count:
    integers hold them exactly.
    """
    low, high = min(known.low, 0.0), max(known.high, 0.0)
    counts = known.histogram.counts.astype(np.float64)
    counts[np.searchsorted(known.histogram.centres, 0.0)] = 0.0
    if not counts.any():
        return low, high
    centres = known.histogram.centres
    best = _least(_SHARES, lambda share: _divergence(centres, counts, low * share, high * share, steps))
    return low * best, high * best


def _divergence(centres: Array, counts: Array, low: float, high: float, steps: int) -> float:
    """From values, those beyond the range counted at its ends, to their integers spread evenly again."""
    inside = (centres >= low) & (centres <= high)
    kept = counts[inside]
    if kept.sum() == 0.0:
        return np.inf
    p = kept.copy()
    p[0] += counts[centres < low].sum()
    p[-1] += counts[centres > high].sum()
    owner = np.rint((centres[inside] - low) * (steps / (high - low))).astype(np.int64)
    members = np.bincount(owner, kept > 0)
    q = np.where(kept > 0, (np.bincount(owner, kept) / np.maximum(members, 1))[owner], 0.0)
    p, q = p / p.sum(), np.maximum(q / q.sum(), 1e-12)
    held = p > 0
    return float((p[held] * np.log(p[held] / q[held])).sum())


def _least(candidates: Array, error: Callable[[float], float]) -> float:
    """The candidate with the least error; of equals the last, which cuts off least."""
    errors = np.array([error(float(candidate)) for candidate in candidates])
    return float(candidates[len(errors) - 1 - int(np.argmin(errors[::-1]))])


CALIBRATORS: Mapping[str, Calibrator] = {
    calibrator.name: calibrator
    for calibrator in (
        Calibrator("minmax", "from the least value to the largest", _minmax),
        Calibrator("percentile", f"all but {1 - KEPT:.2%} of the values", _percentile),
        Calibrator("mse", "the least mean square error (OCTAV)", _mse),
        Calibrator("kl", "the least Kullback-Leibler divergence", _kl),
    )
}


def check_calibrator(name: str) -> None:
    """Raises ``UsageError`` for a name that no calibrator has."""
    known = (*CALIBRATORS, AUTO)
    if name not in known:
        hint = suggestion(name, known, f"calibrators are: {', '.join(known)}")
        raise UsageError(f"there is no calibrator {name!r}", hint=hint)
