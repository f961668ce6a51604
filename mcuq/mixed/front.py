"""The best assignments of schemes to layers, from the smallest to the most exact. Pure, and no model in sight.

Sizes and noises of layers add up, so what no other assignment beats is found layer by layer (dynamic programming).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_STATES = 1024
"""Assignments kept after each layer; of more, those are dropped that are nearest to the one before in size."""


@dataclass(frozen=True, slots=True)
class Option:
    """What a layer may be: ``size`` (bytes, or what else is to be small) and the ``noise`` it makes in the output."""

    scheme: str
    size: float
    noise: float


@dataclass(frozen=True, slots=True)
class Assignment:
    """A scheme for each layer, in order; ``size`` and ``noise`` are sums."""

    schemes: tuple[str, ...]
    size: float
    noise: float


def front(layers: Iterable[Sequence[Option]]) -> tuple[Assignment, ...]:
    """The assignments that no other beats in both size and noise, the smallest first."""
    kept: list[Assignment] = [Assignment((), 0.0, 0.0)]
    for options in layers:
        longer = [
            Assignment((*one.schemes, option.scheme), one.size + option.size, one.noise + option.noise)
            for one in kept
            for option in options
        ]
        kept = _thinned(_unbeaten(longer))
    return tuple(kept)


def _unbeaten(found: list[Assignment]) -> list[Assignment]:
    best: list[Assignment] = []
    for one in sorted(found, key=lambda one: (one.size, one.noise)):
        if not best or one.noise < best[-1].noise:
            best.append(one)
    return best


def _thinned(found: list[Assignment]) -> list[Assignment]:
    """At most ``MOST_STATES`` of them, both ends included, evenly spaced in size; in each space the least noise."""
    if len(found) <= MOST_STATES:
        return found
    least, most = found[0].size, found[-1].size
    by_space = {int((one.size - least) * (MOST_STATES - 2) / (most - least)): one for one in found}
    return [found[0], *(one for one in by_space.values() if one is not found[0])]
