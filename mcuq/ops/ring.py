"""RING: the newest frames of a tensor are kept from step to step, and earlier ones given back. No TFLite operator: a
step function (``mcuq.sliding``) is made with it.

A frame is what a tensor holds at one index of its time axis. The layer's frames are pushed, the newest last; then each
output is ``count`` frames, ``step`` apart, the first of them ``age`` frames older than the newest.
Inputs: the frames, the ring (capacity, then the tensor's other axes), and the place of the next frame in it.
Outputs: those read, then the two states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import Layer
from mcuq.ops.base import Array, Operator


@dataclass(frozen=True, slots=True)
class FrameRead:
    """``count`` frames, ``step`` apart; the first is ``age`` frames older than the newest, which has the age 0."""

    age: int
    count: int
    step: int


@dataclass(frozen=True, slots=True)
class Ring:
    """Attributes of RING: the time axis, and what each output is."""

    axis: int
    reads: tuple[FrameRead, ...]

    @property
    def capacity(self) -> int:
        """How many frames have to be kept."""
        return max(read.age for read in self.reads) + 1


def attributes(options: Mapping[str, Any], _layer: Layer) -> Ring:
    return Ring(options["axis"], options["reads"])


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Ring = layer.attributes
    x, ring, place = inputs
    assert x is not None and ring is not None and place is not None
    kept, at = ring.copy(), int(place[0])
    for frame in np.moveaxis(x, a.axis, 0):
        kept[at] = frame
        at = (at + 1) % len(kept)
    read = [kept[(at - 1 - one.age + one.step * np.arange(one.count)) % len(kept)] for one in a.reads]
    return (*(np.moveaxis(frames, 0, a.axis) for frames in read), kept, np.array([at], np.int32))


OPERATORS = (Operator("RING", attributes, (), reference, cases=(), in_files=False, keeps_state=True),)
