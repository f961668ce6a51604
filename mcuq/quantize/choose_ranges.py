"""The range of each activation: by one calibrator for all, or by the one that suits each tensor best.

``auto`` judges by what counts, the outputs: it quantizes the model by each calibrator, takes the one whose outputs come
nearest to the float model's, and then tries the others on the tensors where they differ most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mcuq.quantize.calibrate import Statistics
from mcuq.quantize.calibrators import AUTO, CALIBRATORS, DEFAULT, Range

Ranges = Mapping[str, Range]

TENSORS_TRIED = 8
"""Of those on which calibrators differ, at most."""

DIFFERENT = 1.25
"""Ranges of which one is so many times as wide as the other are worth a trial."""

GAIN = 0.85
"""An error must fall to this share for a range that cuts off more: the data are few, and others may reach further."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A range for each activation, and the calibrator that each comes from."""

    ranges: Ranges
    calibrators: Mapping[str, str]


def choose_ranges(
    statistics: Mapping[str, Statistics],
    ceilings: Mapping[str, float],
    calibrator: str,
    steps: int,
    error: Callable[[Ranges], float],
    progress: Callable[[int, int], None],
) -> Chosen:
    """Ranges for integers of ``steps`` steps. ``ceilings`` bounds those of some tensors; ``error`` is what a model made
    with given ranges does to the outputs, and is asked for ``auto`` only.
    """
    if calibrator != AUTO:
        return Chosen(_ranges(statistics, ceilings, calibrator, steps), dict.fromkeys(statistics, calibrator))
    candidates = {name: _ranges(statistics, ceilings, name, steps) for name in CALIBRATORS}
    trials = len(candidates) + TENSORS_TRIED
    errors = {}
    for done, (name, ranges) in enumerate(candidates.items()):
        errors[name] = error(ranges)
        progress(done + 1, trials)
    first = min(candidates, key=lambda name: errors[name] * (GAIN if name == DEFAULT else 1.0))
    ranges, least = dict(candidates[first]), errors[first]
    chosen = dict.fromkeys(statistics, first)
    for done, tensor in enumerate(_worth_a_trial(candidates)):
        for name in _others(candidates, tensor, first):
            tried = ranges | {tensor: candidates[name][tensor]}
            found = error(tried)
            if found < GAIN * least:
                ranges, least, chosen[tensor] = tried, found, name
        progress(len(candidates) + done + 1, trials)
    progress(trials, trials)
    return Chosen(ranges, chosen)


def _worth_a_trial(candidates: Mapping[str, Ranges]) -> list[str]:
    """The tensors on which the candidates differ most, those with the most difference first."""
    ratios = {}
    for tensor in candidates[DEFAULT]:
        widths = [ranges[tensor][1] - ranges[tensor][0] for ranges in candidates.values()]
        ratios[tensor] = max(widths) / min(widths)
    order = sorted((tensor for tensor, ratio in ratios.items() if ratio > DIFFERENT), key=lambda t: (-ratios[t], t))
    return order[:TENSORS_TRIED]


def _others(candidates: Mapping[str, Ranges], tensor: str, first: str) -> list[str]:
    """The narrowest and the widest range for ``tensor``, by their calibrators, without what ``first`` gives."""
    order = sorted(candidates, key=lambda name: candidates[name][tensor][1] - candidates[name][tensor][0])
    return [name for name in (order[0], order[-1]) if candidates[name][tensor] != candidates[first][tensor]]


def _ranges(
    statistics: Mapping[str, Statistics], ceilings: Mapping[str, float], calibrator: str, steps: int
) -> dict[str, Range]:
    """The range of each activation, zero included, none narrower than 2^-16 of the widest.

    A tensor that the data leave at zero would get a scale near 1e-12: the factors between its scale and its
    neighbours' then leave the range of the integer kernels, and LiteRT's ADD and SOFTMAX abort the process.
    """
    limits = CALIBRATORS[calibrator].limits
    found = {name: limits(known, steps) for name, known in statistics.items()}
    ranges = {
        name: (min(low, 0.0), max(min(high, ceilings.get(name, np.inf)), 0.0)) for name, (low, high) in found.items()
    }
    floor = max((high - low for low, high in ranges.values()), default=0.0) * 2.0**-16
    return {
        name: (low, max(high, low + (floor if high > low else max(floor, 2.0**-16))))
        for name, (low, high) in ranges.items()
    }
