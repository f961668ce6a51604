"""The arena: an offset for each buffer such that buffers alive together never overlap.

Where a kernel allows it, an output lies over an input that ends at its layer, at the distance that the kernel asks for.

Greedy by size: buffers are placed one by one, each where the arena grows least (after Pisarchyk and Lee, "Efficient
Memory Management for Deep Neural Net Inference", 2020). A few orders are tried, then the best one is varied until the
arena is as small as the lower bound or a fixed effort is spent. The same program always gives the same plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from mcuq.ir.kernel_call import Overlap
from mcuq.planner.lifetime import Buffer, allowed_overlaps, buffers
from mcuq.planner.lower import Program

Overlaps = Mapping[tuple[str, str], Overlap]
"""(output buffer, input buffer) → how the output may lie over the input."""

ALIGNMENT = 8
"""Bytes. Every buffer starts at a multiple: enough for all element types and for 64-bit vector loads."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A buffer at an offset in bytes from the arena's start."""

    buffer: Buffer
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.buffer.bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """A program with its arena. No arena for these kernels can be smaller than ``lower_bound_bytes``."""

    program: Program
    placements: tuple[Placement, ...]
    arena_bytes: int
    lower_bound_bytes: int

    @property
    def keeps_weights(self) -> bool:
        """Do decoded weights of some layer stay in RAM, outside of the arena?"""
        return any(step.lowering.kept_bytes for step in self.program.steps)

    def offset(self, tensor: str) -> int:
        return next(p.offset + p.buffer.offset_of(tensor) for p in self.placements if tensor in p.buffer.tensors)

    def scratch_offset(self, buffer_name: str) -> int:
        return next(p.offset for p in self.placements if p.buffer.name == buffer_name)


def plan(program: Program) -> Plan:
    found = buffers(program)
    overlaps = allowed_overlaps(program, found)
    bound = lower_bound_bytes(found, overlaps)
    placements = _best_placement(found, overlaps, bound)
    return Plan(program, placements, _aligned(_extent(placements)), bound)


def quick_bytes(program: Program) -> int:
    """About the bytes of arena that ``plan`` finds, without the effort: never fewer."""
    found = buffers(program)
    overlaps = allowed_overlaps(program, found)
    return min(_aligned(_extent(place(sorted(found, key=order), overlaps))) for order in ORDERS)


ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.bytes, b.first),
    lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.bytes),
    lambda b: (-b.last, -b.bytes),
)
"""In which buffers are placed: by size, by size and time, in order of execution, and backwards."""

EFFORT = 200_000
"""Pairs of buffers looked at while varying an order: about half a second."""

SMALL = 16
"""A buffer is small below such a part of the lower bound."""


def _best_placement(found: Sequence[Buffer], overlaps: Overlaps, bound: int) -> tuple[Placement, ...]:
    orders = [sorted(found, key=order) for order in ORDERS]
    tried = [(place(order, overlaps), order) for order in orders]
    best, order = min(tried, key=lambda candidate: _extent(candidate[0]))
    # Where only the order of large buffers varies, more orders are tried; small ones find room between them.
    small = [buffer for buffer in orders[0] if buffer.bytes * SMALL < bound]
    large = [buffer for buffer in order if buffer.bytes * SMALL >= bound]
    for varied, last in ((order, []), (large, small)):
        best = _vary(best, varied, last, overlaps, bound)
    return best


def _vary(
    best: tuple[Placement, ...], order: list[Buffer], last: list[Buffer], overlaps: Overlaps, bound: int
) -> tuple[Placement, ...]:
    """``best``, or a better placement from moving single buffers in ``order``; those of ``last`` are placed after."""
    random = Random(0)  # noqa: S311 - variations, the same each time
    extent = _extent(best)
    for _ in range(EFFORT // (len(order) ** 2 + 1)):
        if _aligned(_extent(best)) <= bound:
            break
        varied = list(order)
        moved = varied.pop(random.randrange(len(varied)))
        varied.insert(random.randrange(len(varied) + 1), moved)
        placements = place(varied, overlaps)
        if _extent(placements) > extent:
            continue
        order, extent = varied, _extent(placements)
        if extent < _extent(best):
            best = min(best, place([*varied, *last], overlaps) if last else placements, key=_extent)
    return best


def lower_bound_bytes(found: Sequence[Buffer], overlaps: Overlaps) -> int:
    """The most bytes that one step needs, alignment included, overlaps used as far as one output can."""
    steps = {buffer.first for buffer in found}
    return max((_needed_at(step, found, overlaps) for step in steps), default=0)


def lower_bound_at(step: int, program: Program) -> int:
    """The same for one step of ``program``."""
    found = buffers(program)
    return _needed_at(step, found, allowed_overlaps(program, found))


def _needed_at(step: int, found: Sequence[Buffer], overlaps: Overlaps) -> int:
    alive = {b.name: _aligned(b.bytes) for b in found if b.first <= step <= b.last}
    saved: dict[str, int] = {}
    for (output, source), overlap in overlaps.items():
        if output in alive and source in alive:
            together = _aligned(overlap.together_bytes(alive[source], alive[output]))
            saved[output] = saved.get(output, 0) + max(0, alive[output] + alive[source] - together)
    return sum(alive.values()) - sum(min(size, alive[output]) for output, size in saved.items())


def place(order: Iterable[Buffer], overlaps: Overlaps) -> tuple[Placement, ...]:
    """Each buffer where the arena grows least, clear of those placed before it and alive with it; then from 0 on."""
    placed: list[Placement] = []
    low = high = 0
    for buffer in order:
        taken = [pair for o in placed if o.buffer.overlaps(buffer) for pair in _forbidden(buffer, o, overlaps)]
        candidates = {0, *(_aligned_down(start) for start, _ in taken), *(_aligned(end) for _, end in taken)}
        free = (c for c in candidates if not any(start < c < end for start, end in taken))
        offset = min(free, key=lambda c: (max(high, c + buffer.bytes) - min(low, c), abs(c), c))
        low, high = min(low, offset), max(high, offset + buffer.bytes)
        placed.append(Placement(buffer, offset))
    moved = (Placement(p.buffer, p.offset - low) for p in placed)
    return tuple(sorted(moved, key=lambda p: (p.buffer.first, p.buffer.last, p.buffer.name)))


def _forbidden(buffer: Buffer, other: Placement, overlaps: Overlaps) -> Iterator[tuple[int, int]]:
    """Offsets strictly between such a pair would put ``buffer`` where it may not lie over ``other``."""
    before, after = other.offset - buffer.bytes, other.offset + other.buffer.bytes
    as_output = overlaps.get((buffer.name, other.buffer.name))
    overlap = as_output or overlaps.get((other.buffer.name, buffer.name))
    if overlap is None:
        yield before, after
    elif overlap.after == (as_output is not None):  # buffer starts after the other's start
        earliest = other.offset + overlap.distance_bytes
        if overlap.exact and earliest < after:
            yield earliest, after
        yield before, min(after, earliest)
    else:
        latest = other.offset - overlap.distance_bytes
        if overlap.exact and before < latest:
            yield before, latest
        yield max(before, latest), after


def _extent(placements: Sequence[Placement]) -> int:
    return max((p.end for p in placements), default=0)


def _aligned_down(offset: int) -> int:
    return offset // ALIGNMENT * ALIGNMENT


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
