"""Streaming: run the first layers of an image net stripe by stripe of rows, so that they need less memory.

``stream`` looks for the stage (where it ends, how many rows are computed at a time) whose arena is smallest. The same
kernels run on the same rows, none twice; what it costs is more calls, and rows that are moved.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType

from mcuq.errors import UnsupportedError
from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, TensorPointer
from mcuq.kernels import kernels_of
from mcuq.kernels.base import Kernel
from mcuq.ops.rows import Stripe, rows, stripe_layer
from mcuq.planner.arena import Plan, lower_bound_at, plan, quick_bytes
from mcuq.planner.choose import arena_worth
from mcuq.planner.lower import NO_CHOICES, KernelPolicy, Program, Step, candidates
from mcuq.planner.merged import merge
from mcuq.planner.rounds import rolled
from mcuq.planner.schedule import Event, Feed, Move, Schedule, StageShape, schedule
from mcuq.planner.stage import MOVE, READ_INPUT, Round, RowBytes, Stage, StageCall, Written

ROWS = ((1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (4, 4))
"""Rows that the stage's last layer computes at a time, and the most that each layer before it does."""

CANDIDATES = 3
"""Stages whose memory is planned with full effort: those that look best."""

MOST_EXTRA_CYCLES = 0.25
"""Without a budget, so large a share more of the cycles may be spent, and no more."""

NO_LIMITS: Mapping[int, int] = MappingProxyType({})

Ranked = tuple[int, int, Kernel]
"""The tier of a kernel's library, the cycles of all stripes of a step, the kernel: the least is the best."""

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
        self._lowerings: dict[tuple[str, int, Stripe | None], Lowering] = {}

    def shapes(self) -> Iterator[StageShape]:
        """Every stage that can be run from the first layer that computes row by row."""
        first = next((index for index, layer in enumerate(self.layers) if rows(layer) is not None), None)
        if first is None or self.program.steps[first].aliases:
            return
        for last in range(first + 1, len(self.layers)):
            if rows(self.layers[last]) is None or self.program.steps[last].aliases:
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
        outside |= set(graph.outputs) | self.program.joined
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

    def variants(self, made: Schedule) -> Iterator[tuple[Program, int]]:
        """Programs with this schedule's stage, and the cycles that each takes more by estimate (for choosing only).

        The first has the quickest kernels; in each further one, the hungriest step has a kernel of less scratch memory.
        """
        limits: dict[int, int] = {}
        while True:
            try:
                program, extra = self.streamed(made, limits)
            except UnsupportedError:
                return
            yield program, extra
            hungriest = max(range(len(self.layers)), key=lambda step: lower_bound_at(step, program))
            limits[hungriest] = program.steps[hungriest].lowering.scratch_bytes - 1
            if limits[hungriest] < 0:
                return

    def streamed(self, made: Schedule, limits: Mapping[int, int] = NO_LIMITS) -> tuple[Program, int]:
        """The program with this schedule's stage, and the cycles that it takes more by estimate (for choosing only).

        ``limits`` are the most bytes of scratch memory for some steps. Raises ``UnsupportedError`` when no kernel of a
        step takes so few.
        """
        shape = made.shape
        counts: dict[int, dict[Stripe, int]] = {}
        for event in (event for events in made.rounds for event in events):
            of_step = counts.setdefault(event.step, {})
            of_step[event.part] = of_step.get(event.part, 0) + 1
        steps = list(self.program.steps)
        calls: dict[tuple[int, Stripe], tuple[KernelCall, ...]] = {}
        extra = self._move_cycles(made)
        for step in limits.keys() - counts.keys():
            steps[step], cycles = self._outside(step, limits[step])
            extra += cycles - self._whole_cycles(step)
        for step, parts in counts.items():
            steps[step], lowered, cycles = self._step(step, parts, limits.get(step))
            calls.update({(step, part): found for part, found in lowered.items()})
            extra += cycles - self._whole_cycles(step)
        stage = Stage(
            shape.first,
            shape.last,
            shape.fed,
            self._row_bytes(made),
            self._rounds(made, calls),
            tuple(self._written(made)),
        )
        return dataclasses.replace(self.program, steps=tuple(steps), stages=(stage,)), extra

    def _outside(self, step: int, limit: int) -> tuple[Step, int]:
        """A step outside the stage with the quickest kernel of at most ``limit`` bytes of scratch; its cycles."""
        layer, target = self.layers[step], self.program.target
        able, refusals = candidates(layer, target, self.policy) if not self.program.steps[step].aliases else ((), ())
        for candidate in able:
            kernel = candidate.kernel
            if self.choices.get(layer.name, kernel.name) != kernel.name:
                continue
            key = (kernel.name, step, None)
            if key not in self._lowerings:
                self._lowerings[key] = kernel.lower(layer, target)
            lowering = self._lowerings[key]
            if lowering.scratch_bytes <= limit and self._takes_no_more_flash(step, lowering):
                return Step(layer, kernel.name, kernel.library, lowering, refusals), candidate.cycles
        raise UnsupportedError(f"no kernel of layer {layer.name} takes {limit} B of scratch memory or less")

    def _takes_no_more_flash(self, step: int, lowering: Lowering) -> bool:
        """Are the constants no larger than with the kernel that was chosen for the whole layer?"""
        return lowering.constant_bytes <= self.program.steps[step].lowering.constant_bytes

    def _step(
        self, step: int, parts: Mapping[Stripe, int], limit: int | None
    ) -> tuple[Step, Mapping[Stripe, tuple[KernelCall, ...]], int]:
        """The step's kernel for all its stripes, its calls for each, and its cycles."""
        layer = self.layers[step]
        refusals: list[str] = []
        able: list[Ranked] = []
        for tier, libraries in enumerate(self.policy.tiers):
            for kernel in (k for k in kernels_of(layer) if k.library in libraries):
                reason = next((r for part in parts if (r := self._refusal(kernel, step, part)) is not None), None)
                if reason is not None:
                    refusals.append(f"{kernel.name}: {reason}")
                elif self.choices.get(layer.name, kernel.name) == kernel.name:
                    able.append((tier, self._cycles(kernel, step, parts), kernel))
        able = self._affordable(able, step, parts, limit)
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

    def _affordable(
        self, able: Sequence[Ranked], step: int, parts: Mapping[Stripe, int], limit: int | None
    ) -> list[Ranked]:
        """Those of no more flash than the kernel chosen for the whole layer, if any, of at most ``limit`` scratch."""
        kept = []
        for ranked in able:
            merged, _ = merge({part: self._lowering(ranked[2], step, part) for part in parts})
            if limit is None or merged.scratch_bytes <= limit:
                kept.append((not self._takes_no_more_flash(step, merged), ranked))
        least = min((more for more, _ in kept), default=False)
        return [ranked for more, ranked in kept if more == least]

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

    def whole_cycles(self) -> int:
        """Of the program as it is, by estimate."""
        return sum(self._whole_cycles(step) for step in range(len(self.layers)))

    def _whole_cycles(self, step: int) -> int:
        found = self.program.steps[step]
        if found.aliases:
            return 0
        kernel = next(k for k in kernels_of(found.layer) if k.name == found.kernel)
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

    def _written(self, made: Schedule) -> Iterator[Written]:
        done: dict[int, int] = {}
        for events in made.rounds:
            for step, group in groupby(events, key=lambda event: event.step):
                output = self.layers[step].output.name
                first = end = done.get(step, 0)
                base = 0
                for event in group:
                    base = end - event.start[output]  # the first row that the buffer still holds
                    end += event.part.output_rows
                first = max(first, base)
                size = self._bytes(output)
                yield Written(first * size, (end - first) * size, (first - base) * size)
                done[step] = end

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
    planned: Plan,
    policy: KernelPolicy = KernelPolicy.AUTO,
    choices: Mapping[str, str] = NO_CHOICES,
    ram_bytes: int | None = None,
) -> Streamed | None:
    """``planned`` with the best stage: the fewest cycles within ``ram_bytes`` of arena, or the smallest arena where
    none keeps that; without a budget the best worth. None where no stage makes the arena smaller.

    ``choices`` are kernels that are settled, by layer.
    """
    streamer = Streamer(planned.program, policy, choices)
    limit = ram_bytes or 0
    cycles = streamer.whole_cycles()

    def worth(arena_bytes: int, extra: int) -> tuple[float, int]:
        """Less is better."""
        if ram_bytes is None:
            return arena_worth(arena_bytes, cycles + extra), extra
        return max(arena_bytes, limit), extra

    tried: list[tuple[tuple[float, int], int, Program]] = []
    smallest = quick_bytes(planned.program)
    for shape in streamer.shapes():
        for last_rows, most in ROWS:
            made = streamer.scheduled(shape, last_rows, most)
            if streamer.least_bytes(made) > max(smallest, limit):
                break
            for streamed, extra in streamer.variants(made):
                if ram_bytes is None and extra > MOST_EXTRA_CYCLES * cycles:
                    break
                size = quick_bytes(streamed)
                smallest = min(smallest, size)
                tried.append((worth(size, extra), extra, streamed))
                if size <= limit:
                    break
    tried.sort(key=lambda entry: entry[0])
    found = [Streamed(plan(streamed), extra) for _, extra, streamed in tried[:CANDIDATES]]
    best = min(found, key=lambda s: worth(s.plan.arena_bytes, s.extra_cycles), default=None)
    return best if best is not None and best.plan.arena_bytes < planned.arena_bytes else None


def _stride(layer: Layer) -> int:
    axis = rows(layer)
    assert axis is not None
    return axis.stride
