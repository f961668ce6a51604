"""What is wrong with a calibration, in words: saturation, dead and outlier channels, and whether the samples suffice.

Everything is read from the statistics that calibration leaves and from the samples themselves; nothing is run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.data import Dataset
from mcuq.quantize.calibrate import Statistics
from mcuq.quantize.choose_ranges import Chosen
from mcuq.quantize.scheme import Array

OUTLIER = 8.0
"""A channel that reaches so many times as far as the median of its layer's channels is an outlier."""

CUT_OFF = 0.001
"""A share of values beyond the range that is worth a word."""

GROWTH = 0.10
"""Ranges that grew so much with the second half of the samples will grow with more."""

FEW_SAMPLES = 32


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation tensor. ``cut_off`` is the share of values beyond the range (0 to 1); ``sqnr_db`` how far values
    stand above what rounding and cutting them off does (decibels, estimated from the histogram); ``dead`` and
    ``outliers`` are channels; ``growth`` is how much wider the range of all samples is than that of half of them, on
    average over all halves.
    """

    layer: str
    low: float
    high: float
    calibrator: str
    cut_off: float
    sqnr_db: float
    channels: int
    dead: tuple[int, ...]
    outliers: tuple[int, ...]
    reach: float
    growth: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``activations`` in the order of execution, and ``findings``, each a sentence or two on what to do."""

    samples: int
    activations: tuple[Activation, ...]
    findings: tuple[str, ...]


def diagnose(
    statistics: Mapping[str, Statistics], chosen: Chosen, layers: Mapping[str, str], data: Dataset, bits: int
) -> Diagnosis:
    """``layers`` names the layer of each tensor; tensors that it does not name are left out."""
    steps = (1 << bits) - 1
    found = tuple(
        _activation(layers[name], known, chosen.ranges[name], chosen.calibrators[name], steps)
        for name, known in statistics.items()
        if name in layers
    )
    findings = (*_of_samples(data), *_of_coverage(found, data.count), *_of_ranges(found), *_of_channels(found))
    return Diagnosis(data.count, found, findings or ("nothing is wrong with this calibration",))


def _activation(layer: str, known: Statistics, limits: tuple[float, float], calibrator: str, steps: int) -> Activation:
    low, high = limits
    reach = np.maximum(-known.channel_lows, known.channel_highs)
    still = known.channel_lows == known.channel_highs
    typical = float(np.median(reach[~still])) if not still.all() else 0.0
    outliers = np.flatnonzero((reach > OUTLIER * typical) & ~still) if typical > 0.0 else np.zeros(0, np.int64)
    return Activation(
        layer,
        low,
        high,
        calibrator,
        known.histogram.outside(low, high),
        _sqnr_db(known, low, high, steps),
        len(reach),
        tuple(int(channel) for channel in np.flatnonzero(still)),
        tuple(int(channel) for channel in outliers),
        float(reach.max() / typical) if typical > 0.0 else 1.0,
        _growth(known),
    )


def _sqnr_db(known: Statistics, low: float, high: float, steps: int) -> float:
    centres, counts = known.histogram.centres, known.histogram.counts
    beyond = centres - np.clip(centres, low, high)
    noise = (counts * beyond**2).sum() + counts.sum() * ((high - low) / steps) ** 2 / 12
    signal = (counts * centres**2).sum()
    return float(10 * np.log10(signal / noise)) if signal > 0.0 and noise > 0.0 else math.inf


def _growth(known: Statistics) -> float:
    count = len(known.lows)
    half, whole = (_expected_width(known, n) for n in (count // 2, count))
    return max(0.0, whole / half - 1.0) if half > 0.0 else 0.0


def _expected_width(known: Statistics, samples: int) -> float:
    """The mean width of the range over all choices of ``samples`` of the samples."""
    return max(0.0, _expected_most(known.highs, samples)) + max(0.0, _expected_most(-known.lows, samples))


def _expected_most(values: Array, samples: int) -> float:
    """The mean of the largest of ``samples`` of ``values``, over all ways to choose them."""
    count = len(values)
    if not 0 < samples <= count:
        return 0.0
    ordered = np.sort(values)
    mean, share = 0.0, samples / count  # that the largest of all is among those chosen
    for taken in range(count, samples - 1, -1):
        mean += share * float(ordered[taken - 1])
        share *= (taken - samples) / (taken - 1) if taken > 1 else 0.0
    return mean


def _of_samples(data: Dataset) -> list[str]:
    found = []
    if data.count < FEW_SAMPLES:
        found.append(f"{data.count} samples are few: 100 to 300, as different as in use, give steadier ranges")
    rows = [np.ascontiguousarray(array.reshape(data.count, -1)) for array in data.inputs]
    distinct = len({b"".join(row[index].tobytes() for row in rows) for index in range(data.count)})
    if distinct < data.count:
        found.append(f"{data.count - distinct} of {data.count} samples repeat others: they add nothing")
    flat = sum(all((row[index] == row[index][0]).all() for row in rows) for index in range(data.count))
    if flat:
        found.append(f"{flat} of {data.count} samples hold one value throughout: are they real?")
    return found + _of_labels(data.labels)


def _of_labels(labels: npt.NDArray[np.int64] | None) -> list[str]:
    if labels is None or not (labels >= 0).any():
        return []
    counts = np.bincount(labels[labels >= 0])
    missing = np.flatnonzero(counts == 0)
    if missing.size:
        return [f"no sample of class {_list(missing)}: ranges may be too narrow for what these classes bring"]
    if counts.max() > 5 * counts.min():
        return [f"classes are uneven: {counts.max()} samples of the commonest, {counts.min()} of the rarest"]
    return []


def _of_coverage(activations: Sequence[Activation], samples: int) -> list[str]:
    """What more samples would bring."""
    if samples < 4 or not activations:
        return []
    growth = sorted(activations, key=lambda a: -a.growth)
    median = float(np.median([a.growth for a in activations]))
    told = f"from {samples // 2} to {samples} samples, ranges grew by {median:.1%} in the median"
    if growth[0].growth > GROWTH:
        return [f"{told}, and by {growth[0].growth:.0%} at {growth[0].layer}: more samples would widen them further"]
    return [f"{told}, {growth[0].growth:.1%} at most ({growth[0].layer}): more samples would change little"]


def _of_ranges(activations: Sequence[Activation]) -> list[str]:
    cut = sorted((a for a in activations if a.cut_off > CUT_OFF), key=lambda a: -a.cut_off)
    return [
        f"{a.layer}: {a.cut_off:.2%} of values lie outside {a.low:.3g} to {a.high:.3g}, cut off by {a.calibrator}; "
        "if accuracy suffers there, try --calibration minmax"
        for a in cut[:3]
    ]


def _of_channels(activations: Sequence[Activation]) -> list[str]:
    found = []
    for a in sorted((a for a in activations if a.outliers), key=lambda a: -a.reach)[:3]:
        found.append(
            f"{a.layer}: channel {_list(a.outliers)} reaches {a.reach:.0f} times as far as the others, which are left "
            f"with {max(1, round(256 / a.reach))} of 256 steps; batch normalization in training cures it"
        )
    dead = [a for a in activations if a.dead and len(a.dead) < a.channels]
    for a in sorted(dead, key=lambda a: -len(a.dead))[:3]:
        found.append(
            f"{a.layer}: {len(a.dead)} of {a.channels} channels never change ({_list(a.dead)}); "
            "samples of another kind may wake them, else they can be pruned"
        )
    return found


def _list(numbers: Sequence[int] | npt.NDArray[np.int64]) -> str:
    """The first few."""
    shown = ", ".join(str(int(number)) for number in numbers[:6])
    return shown if len(numbers) <= 6 else f"{shown} and {len(numbers) - 6} more"
