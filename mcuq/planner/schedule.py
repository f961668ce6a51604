"""The schedule of a stage: which layer computes which rows when, and where they lie in buffers of a few rows.

The last layer asks for its rows; each layer that lacks input rows has them computed first. Before a layer writes new
rows, those of its output that are still needed move to the front of their buffer. Nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcuq.ir import Layer
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.rows import Stripe, input_rows, rows, stripe


@dataclass(frozen=True, slots=True)
class StageShape:
    """Steps ``first`` to ``last`` (included) of a program, run together stripe by stripe.

    ``row_tensors`` are kept as a few rows only; ``fed`` is the one of them that is a model input, read row by row.
    """

    first: int
    last: int
    row_tensors: frozenset[str]
    fed: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """``rows`` rows of a buffer, from row ``start`` of it, move to its front."""

    tensor: str
    start: int
    rows: int


@dataclass(frozen=True, slots=True)
class Feed:
    """``rows`` rows of the model's input are read to row ``start`` of their buffer."""

    tensor: str
    start: int
    rows: int


@dataclass(frozen=True, slots=True)
class Event:
    """``step`` computes a stripe, after ``before`` has been done. ``start`` says for each activation at which row of
    its buffer (of the whole tensor, for tensors that are kept whole) the stripe's rows begin."""

    step: int
    part: Stripe
    start: Mapping[str, int]
    before: tuple[Move | Feed, ...]


@dataclass(frozen=True, slots=True)
class RowBuffer:
    """Room for ``rows`` rows of a tensor, which hold something at the steps from ``first`` to ``last``."""

    tensor: str
    rows: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """``rounds``: in each, the stage's last layer computes its next rows, and all that this needs goes before."""

    shape: StageShape
    rounds: tuple[tuple[Event, ...], ...]
    buffers: tuple[RowBuffer, ...]


def schedule(layers: Sequence[Layer], shape: StageShape, rows_per_call: Mapping[int, int]) -> Schedule:
    """``layers`` are all of the program; ``rows_per_call`` says for each step of the stage how many rows it computes
    at a time. All layers of the stage compute row by row.
    """
    return _Simulation(layers, shape, rows_per_call).run()


class _Simulation:
    """Runs the stage on row numbers. ``base``, ``end``: the rows that a buffer holds; ``done``: rows that a step has
    computed."""

    def __init__(self, layers: Sequence[Layer], shape: StageShape, rows_per_call: Mapping[int, int]) -> None:
        self.shape = shape
        self.rows_per_call = rows_per_call
        self.layers = {step: layers[step] for step in range(shape.first, shape.last + 1)}
        self.axes = {step: _axis(layer) for step, layer in self.layers.items()}
        self.inputs = {
            step: tuple(dict.fromkeys(t.name for t in layer.inputs if t is not None and not t.constant))
            for step, layer in self.layers.items()
        }
        self.producer = {layer.output.name: step for step, layer in self.layers.items()}
        self.readers = {
            name: tuple(step for step in self.layers if name in self.inputs[step]) for name in sorted(shape.row_tensors)
        }
        self.done = dict.fromkeys(self.layers, 0)
        self.base = dict.fromkeys(self.readers, 0)
        self.end = dict.fromkeys(self.readers, 0)
        self.room = dict.fromkeys(self.readers, 0)
        self.alive: dict[str, tuple[int, int]] = {}
        self.events: list[Event] = []

    def run(self) -> Schedule:
        last = self.shape.last
        rounds = []
        while self.done[last] < self.axes[last].output:
            self.events = []
            self._compute(last)
            rounds.append(tuple(self.events))
        buffers = tuple(RowBuffer(name, self.room[name], *self.alive[name]) for name in self.readers)
        return Schedule(self.shape, tuple(rounds), buffers)

    def _compute(self, step: int) -> None:
        axis, output = self.axes[step], self.layers[step].output.name
        first = self.done[step]
        end = min(axis.output, first + self.rows_per_call[step])
        begin, stop = input_rows(axis, first, end)
        for name in self.inputs[step]:
            while name in self.producer and self.done[self.producer[name]] < stop:
                self._compute(self.producer[name])
        before: list[Move | Feed] = []
        if self.shape.fed in self.inputs[step]:
            before += self._feed(self.shape.fed, stop)
        start = {name: begin - self.base.get(name, 0) for name in self.inputs[step]}
        if output in self.readers:
            before += self._make_room(output, end - first)
        start[output] = first - self.base.get(output, 0)
        self._mark_alive(step)
        self.done[step] = end
        self.events.append(Event(step, stripe(axis, first, end), start, tuple(before)))
        self._mark_alive(step)

    def _feed(self, name: str, stop: int) -> list[Move | Feed]:
        missing = stop - self.end[name]
        if missing <= 0:
            return []
        moves = self._make_room(name, missing)
        return [*moves, Feed(name, stop - missing - self.base[name], missing)]

    def _make_room(self, name: str, count: int) -> list[Move | Feed]:
        """Room for ``count`` rows behind those of the buffer that are still needed, which then begin it."""
        needed = min(self._first_needed(name), self.end[name])
        kept = self.end[name] - needed
        moves: list[Move | Feed] = [Move(name, needed - self.base[name], kept)] if kept else []
        moved = needed > self.base[name]
        self.base[name] = needed
        self.end[name] += count
        self.room[name] = max(self.room[name], kept + count)
        return moves if moved else []

    def _first_needed(self, name: str) -> int:
        """The first row that some reader has yet to read; the buffer's end when there is none."""
        needed = [self.end[name]]
        for step in self.readers[name]:
            if self.done[step] < self.axes[step].output:
                needed.append(input_rows(self.axes[step], self.done[step], self.done[step] + 1)[0])
        return min(needed)

    def _mark_alive(self, step: int) -> None:
        """Note that ``step`` runs while each buffer that holds needed rows, or that it reads or writes, is alive."""
        touched = {*self.inputs[step], self.layers[step].output.name}
        for name in self.readers:
            if name in touched or self._first_needed(name) < self.end[name]:
                first, last = self.alive.get(name, (step, step))
                self.alive[name] = min(first, step), max(last, step)


def _axis(layer: Layer) -> Axis:
    axis = rows(layer)
    assert axis is not None, "only layers that compute row by row are scheduled"
    return axis
