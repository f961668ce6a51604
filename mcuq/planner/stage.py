"""A stage: consecutive layers of a program that run together, a few rows at a time, so that no image between them is
kept whole. Values only; they are made in ``stream``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from mcuq.ir.kernel_call import KernelCall

MOVE = "memmove"
READ_INPUT = "read_input"
"""The functions of calls that are no kernel's: ``memmove``, and the model's own function that asks for input bytes."""


@dataclass(frozen=True, slots=True)
class RowBytes:
    """The buffer of a tensor of which only some rows are kept: its size, and the steps at which it holds something."""

    tensor: str
    bytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StageCall:
    """A call on behalf of ``step``. Pointers to tensors are to a stripe's first row."""

    step: int
    call: KernelCall


@dataclass(frozen=True, slots=True)
class Round:
    """``calls`` in order, ``count`` times; pointers with ``step_bytes`` go on by as much each time."""

    count: int
    calls: tuple[StageCall, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """``bytes`` bytes of a step's output, from its byte ``start`` on; they lie at byte ``at`` of its buffer."""

    start: int
    bytes: int
    at: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps ``first`` to ``last``, both included. ``fed``: the model input that the stage reads row by row.

    ``written``: for each part, what it has written of its step's output when it ends.
    """

    first: int
    last: int
    fed: str | None
    buffers: tuple[RowBytes, ...]
    rounds: tuple[Round, ...]
    written: tuple[Written, ...]

    def parts(self) -> Iterator[int]:
        """The step of each part in the order in which they run: a part is what runs of one step at a stretch."""
        for one in self.rounds:
            for _ in range(one.count):
                yield from (step for step, _ in groupby(one.calls, key=lambda found: found.step))

    def row_buffer(self, tensor: str) -> RowBytes | None:
        return next((buffer for buffer in self.buffers if buffer.tensor == tensor), None)
