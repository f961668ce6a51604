"""Streaming: run the first layers of an image net stripe by stripe of rows, so that they need less memory.

``stream`` looks for the stage (where it ends, how many rows are computed at a time) whose arena is smallest. The same
kernels run on the same rows, none twice; what it costs is more calls, and rows that are moved.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mcuq.errors import UnsupportedError
from mcuq.ir import Layer
from mcuq.ir.kernel_call import Argument, Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer, Value
from mcuq.kernels import kernels_for
from mcuq.kernels.base import Kernel
from mcuq.ops.rows import Stripe, rows, stripe_layer
from mcuq.planner.arena import Plan, plan, quick_bytes
from mcuq.planner.lower import NO_CHOICES, KernelPolicy, Program, Step
from mcuq.planner.schedule import Event, Feed, Move, Schedule, StageShape, schedule
from mcuq.planner.stage import MOVE, READ_INPUT, Round, RowBytes, Stage, StageCall

ROWS = ((1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (4, 4))
"""Rows that the stage's last layer computes at a time, and the most that each layer before it does."""

CANDIDATES = 3
"""Stages whose memory is planned with full effort: those that look best."""

MOVE_CYCLES_PER_BYTE = 0.5
CALL_CYCLES = 40
"""Of ``memmove``, and for asking for input: for choosing only."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A plan with a stage, and the cycles that its steps take more, estimated for choosing only."""

    plan: Plan
    extra_cycles: int


class Streamer:
    """Makes streamed programs of one program; keeps what it lowered, since stripes come back."""

    def __init__(
        self, program: Program, policy: KernelPolicy = KernelPolicy.AUTO, choices: Mapping[str, str] = NO_CHOICES
    ) -> None:
        self.program = program
        self.policy = policy
        self.choices = choices
        self.layers = [step.layer for step in program.steps]
        self._stripes: dict[tuple[int, Stripe], Layer] = {}
        self._refusals: dict[tuple[str, int, Stripe], str | None] = {}
        self._known_cycles: dict[tuple[str, int, Stripe], int] = {}
        self._lowerings: dict[tuple[str, int, Stripe], Lowering] = {}

    def shapes(self) -> Iterator[StageShape]:
        """Every stage that can be run from the first layer that computes row by row."""
        first = next((index for index, layer in enumerate(self.layers) if rows(layer) is not None), None)
        if first is None:
            return
        for last in range(first + 1, len(self.layers)):
            if rows(self.layers[last]) is None:
                return
            shape = self.shape(first, last)
            if shape is not None:
                yield shape

    def shape(self, first: int, last: int) -> StageShape | None:
        """The stage of steps ``first`` to ``last``; None where one before the last is read by none of them."""
        graph = self.program.graph
        inside = range(first, last + 1)
        read = {t.name for step in inside for t in self.layers[step].inputs if t is not None}
        outside = {
            t.name for i, layer in enumerate(self.layers) if i not in inside for t in layer.inputs if t is not None
        }
        outside |= set(graph.outputs)
        written = {self.layers[step].output.name for step in inside}
        if written - read != {self.layers[last].output.name}:
            return None
        fed = graph.inputs[0] if len(graph.inputs) == 1 and graph.inputs[0] in read - outside else None
        kept = (written & read) - outside
        return StageShape(first, last, frozenset(kept | ({fed} if fed is not None else set())), fed)

    def rows_per_call(self, shape: StageShape, last_rows: int, most: int) -> Mapping[int, int]:
        """``last_rows`` rows of the last layer, and for each before it what these need, at most ``most`` at a time."""
        share = {shape.last: last_rows}
        for step in range(shape.last - 1, shape.first - 1, -1):
            output = self.layers[step].output.name
            readers = [
                reader
                for reader in range(step + 1, shape.last + 1)
                if any(t is not None and t.name == output for t in self.layers[reader].inputs)
            ]
            share[step] = min(share[reader] * _stride(self.layers[reader]) for reader in readers)
        return {step: count if step == shape.last else max(1, min(count, most)) for step, count in share.items()}

    def scheduled(self, shape: StageShape, last_rows: int, most: int) -> Schedule:
        return schedule(self.layers, shape, self.rows_per_call(shape, last_rows, most))

    def least_bytes(self, made: Schedule) -> int:
        """What the arena cannot be smaller than with this schedule, whichever kernels run."""
        first, last = made.shape.first, made.shape.last
        written = {self.layers[step].output for step in range(first, last + 1)}
        whole = sum(tensor.type.bytes for tensor in written if tensor.name not in made.shape.row_tensors)
        buffers = self._row_bytes(made)
        return whole + max(
            sum(b.bytes for b in buffers if b.first <= step <= b.last) for step in range(first, last + 1)
        )

    def streamed(self, made: Schedule) -> tuple[Program, int]:
        """The program with this schedule's stage, and the cycles that it takes more by estimate (for choosing only)."""
        shape = made.shape
        counts: dict[int, dict[Stripe, int]] = {}
        for event in (event for events in made.rounds for event in events):
            of_step = counts.setdefault(event.step, {})
            of_step[event.part] = of_step.get(event.part, 0) + 1
        steps = list(self.program.steps)
        calls: dict[tuple[int, Stripe], tuple[KernelCall, ...]] = {}
        extra = self._move_cycles(made)
        for step, parts in counts.items():
            steps[step], lowered, cycles = self._step(step, parts)
            calls.update({(step, part): found for part, found in lowered.items()})
            extra += cycles - self._whole_cycles(step)
        stage = Stage(shape.first, shape.last, shape.fed, self._row_bytes(made), self._rounds(made, calls))
        return dataclasses.replace(self.program, steps=tuple(steps), stages=(stage,)), extra

    def _step(
        self, step: int, parts: Mapping[Stripe, int]
    ) -> tuple[Step, Mapping[Stripe, tuple[KernelCall, ...]], int]:
        """The step's kernel for all its stripes, its calls for each, and its cycles."""
        layer = self.layers[step]
        refusals: list[str] = []
        able: list[tuple[int, int, Kernel]] = []
        for tier, libraries in enumerate(self.policy.tiers):
            for kernel in (k for k in kernels_for(layer.op) if k.library in libraries):
                reason = next((r for part in parts if (r := self._refusal(kernel, step, part)) is not None), None)
                if reason is not None:
                    refusals.append(f"{kernel.name}: {reason}")
                elif self.choices.get(layer.name, kernel.name) == kernel.name:
                    able.append((tier, self._cycles(kernel, step, parts), kernel))
        if not able:
            raise UnsupportedError(
                f"no kernel runs layer {layer.name} ({layer.op}) row by row", details=tuple(refusals)
            )
        _, cycles, kernel = min(able, key=lambda found: (found[0], found[1], found[2].name))
        lowerings = {part: self._lowering(kernel, step, part) for part in parts}
        merged, calls = merge(lowerings)
        others = tuple(
            f"{other.name}: estimated {more:,} cycles against {cycles:,}"
            for _, more, other in able
            if other is not kernel
        )
        return Step(layer, kernel.name, kernel.library, merged, (*refusals, *others)), calls, cycles

    def _stripe(self, step: int, part: Stripe) -> Layer:
        return self._stripes.setdefault((step, part), stripe_layer(self.layers[step], part))

    def _refusal(self, kernel: Kernel, step: int, part: Stripe) -> str | None:
        key = (kernel.name, step, part)
        if key not in self._refusals:
            self._refusals[key] = kernel.refuses(self._stripe(step, part), self.program.target)
        return self._refusals[key]

    def _cycles(self, kernel: Kernel, step: int, parts: Mapping[Stripe, int]) -> int:
        return sum(count * self._stripe_cycles(kernel, step, part) for part, count in parts.items())

    def _stripe_cycles(self, kernel: Kernel, step: int, part: Stripe) -> int:
        key = (kernel.name, step, part)
        if key not in self._known_cycles:
            self._known_cycles[key] = kernel.cycles(self._stripe(step, part), self.program.target)
        return self._known_cycles[key]

    def _whole_cycles(self, step: int) -> int:
        found = self.program.steps[step]
        kernel = next(k for k in kernels_for(found.layer.op) if k.name == found.kernel)
        return kernel.cycles(found.layer, self.program.target)

    def _lowering(self, kernel: Kernel, step: int, part: Stripe) -> Lowering:
        key = (kernel.name, step, part)
        if key not in self._lowerings:
            self._lowerings[key] = kernel.lower(self._stripe(step, part), self.program.target)
        return self._lowerings[key]

    def _row_bytes(self, made: Schedule) -> tuple[RowBytes, ...]:
        return tuple(RowBytes(b.tensor, b.rows * self._bytes(b.tensor), b.first, b.last) for b in made.buffers)

    def _bytes(self, tensor: str) -> int:
        """Of a row."""
        type_ = self.program.graph.tensors[tensor].type
        return type_.bytes // type_.shape[1]

    def _move_cycles(self, made: Schedule) -> int:
        actions = [action for events in made.rounds for event in events for action in event.before]
        moved = sum(a.rows * self._bytes(a.tensor) for a in actions if isinstance(a, Move))
        return int(moved * MOVE_CYCLES_PER_BYTE + CALL_CYCLES * len(actions))

    def _rounds(self, made: Schedule, calls: Mapping[tuple[int, Stripe], tuple[KernelCall, ...]]) -> tuple[Round, ...]:
        found = [Round(1, tuple(c for event in events for c in self._calls(event, calls))) for events in made.rounds]
        return rolled(found)

    def _calls(self, event: Event, calls: Mapping[tuple[int, Stripe], tuple[KernelCall, ...]]) -> Iterator[StageCall]:
        for action in event.before:
            yield StageCall(event.step, self._action(action))
        offsets = {tensor: row * self._bytes(tensor) for tensor, row in event.start.items()}
        for call in calls[event.step, event.part]:
            arguments = tuple(
                TensorPointer(a.name, a.offset_bytes + offsets[a.name]) if isinstance(a, TensorPointer) else a
                for a in call.arguments
            )
            yield StageCall(event.step, dataclasses.replace(call, arguments=arguments))

    def _action(self, action: Move | Feed) -> KernelCall:
        size = self._bytes(action.tensor)
        there = TensorPointer(action.tensor, action.start * size)
        if isinstance(action, Feed):
            return KernelCall(READ_INPUT, (there, action.rows * size), header="")
        return KernelCall(MOVE, (TensorPointer(action.tensor), there, action.rows * size), header="")


def stream(
    program: Program,
    policy: KernelPolicy = KernelPolicy.AUTO,
    choices: Mapping[str, str] = NO_CHOICES,
    ram_bytes: int | None = None,
) -> Streamed | None:
    """A plan of ``program`` with the best stage: the fewest cycles within ``ram_bytes`` of arena, or else the smallest
    arena. None where no stage makes the arena smaller. ``choices`` are kernels that are settled, by layer.
    """
    streamer = Streamer(program, policy, choices)
    limit = ram_bytes or 0
    tried: list[tuple[int, int, Program]] = []
    smallest = quick_bytes(program)
    for shape in streamer.shapes():
        for last_rows, most in ROWS:
            made = streamer.scheduled(shape, last_rows, most)
            if streamer.least_bytes(made) > max(smallest, limit):
                break
            streamed, extra = streamer.streamed(made)
            size = quick_bytes(streamed)
            smallest = min(smallest, size)
            tried.append((max(size, limit), extra, streamed))
    tried.sort(key=lambda found: found[:2])
    found = [Streamed(plan(streamed), extra) for _, extra, streamed in tried[:CANDIDATES]]
    best = min(found, key=lambda s: (max(s.plan.arena_bytes, limit), s.extra_cycles), default=None)
    return best if best is not None and best.plan.arena_bytes < plan(program).arena_bytes else None


def merge(lowerings: Mapping[Stripe, Lowering]) -> tuple[Lowering, Mapping[Stripe, tuple[KernelCall, ...]]]:
    """One lowering for all stripes of a layer, and the calls for each. Equal constants are kept once."""
    constants: list[Constant] = []
    calls: dict[Stripe, tuple[KernelCall, ...]] = {}
    for part, lowering in lowerings.items():
        names = {constant.name: _kept_as(constant, constants) for constant in lowering.constants}
        calls[part] = tuple(_renamed(call, names) for call in lowering.calls)
    every = tuple(lowerings.values())
    merged = Lowering(
        calls=tuple(dict.fromkeys(call for found in calls.values() for call in found)),
        constants=tuple(constants),
        scratch_bytes=max(lowering.scratch_bytes for lowering in every),
        sources=tuple(sorted({source for lowering in every for source in lowering.sources})),
        definitions=tuple(sorted({text for lowering in every for text in lowering.definitions})),
    )
    return merged, calls


def _kept_as(constant: Constant, constants: list[Constant]) -> str:
    """The name under which ``constants`` hold the values; they are added when new."""
    for other in constants:
        alike = other.values.dtype == constant.values.dtype and np.array_equal(other.values, constant.values)
        if alike and other.name.split(" ")[0] == constant.name:
            return other.name
    taken = sum(other.name.split(" ")[0] == constant.name for other in constants)
    name = f"{constant.name} {taken + 1}" if taken else constant.name
    constants.append(dataclasses.replace(constant, name=name))
    return name


def _renamed(call: KernelCall, names: Mapping[str, str]) -> KernelCall:
    def value(given: Value) -> Value:
        if isinstance(given, ConstantPointer):
            return dataclasses.replace(given, name=names[given.name])
        if isinstance(given, Struct):
            return struct(given)
        return given

    def struct(given: Struct) -> Struct:
        return dataclasses.replace(given, fields=tuple((name, value(field)) for name, field in given.fields))

    arguments = tuple(a if isinstance(a, TensorPointer) else value(a) for a in call.arguments)
    return dataclasses.replace(call, arguments=arguments)


def rolled(rounds: Sequence[Round]) -> tuple[Round, ...]:
    """Rounds of the same calls, whose pointers go on evenly, as one."""
    result: list[Round] = []
    for one in rounds:
        longer = _continued(result[-1], one) if result else None
        if longer is None:
            result.append(one)
        else:
            result[-1] = longer
    return tuple(result)


def _continued(run: Round, following: Round) -> Round | None:
    """``run`` and ``following`` as one, or None."""
    if len(run.calls) != len(following.calls):
        return None
    calls: list[StageCall] = []
    for before, after in zip(run.calls, following.calls, strict=True):
        call = _same_call(run.count, before.call, after.call)
        if call is None or before.step != after.step:
            return None
        calls.append(StageCall(before.step, call))
    return Round(run.count + 1, tuple(calls))


def _same_call(count: int, before: KernelCall, after: KernelCall) -> KernelCall | None:
    if before.function != after.function or len(before.arguments) != len(after.arguments):
        return None
    arguments: list[Argument] = []
    for one, other in zip(before.arguments, after.arguments, strict=True):
        if isinstance(one, TensorPointer) and isinstance(other, TensorPointer) and one.name == other.name:
            step = one.step_bytes if count > 1 else other.offset_bytes - one.offset_bytes
            if one.offset_bytes + count * step != other.offset_bytes or step < 0:
                return None
            arguments.append(dataclasses.replace(one, step_bytes=step))
        elif one == other:
            arguments.append(one)
        else:
            return None
    return dataclasses.replace(before, arguments=tuple(arguments))


def _stride(layer: Layer) -> int:
    axis = rows(layer)
    assert axis is not None
    return axis.stride
