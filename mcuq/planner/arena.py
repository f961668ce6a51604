"""The arena: an offset for each buffer such that buffers alive together never overlap.

Greedy: buffers are placed one by one, largest first, each at the lowest offset that is free over its live range
(Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020). A few orders are tried and the
smallest arena kept; the lower bound says how far from optimal it can be at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mcuq.planner.lifetime import Buffer, buffers
from mcuq.planner.lower import Program

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
    """A program with its arena. No arena can be smaller than ``lower_bound_bytes``, in-place execution aside."""

    program: Program
    placements: tuple[Placement, ...]
    arena_bytes: int
    lower_bound_bytes: int

    def offset(self, tensor: str) -> int:
        return next(p.offset for p in self.placements if tensor in p.buffer.tensors)

    def scratch_offset(self, buffer_name: str) -> int:
        return next(p.offset for p in self.placements if p.buffer.name == buffer_name)


def plan(program: Program) -> Plan:
    found = buffers(program)
    orders: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
        lambda b: (-b.bytes, b.first),
        lambda b: (-b.bytes * (b.last - b.first + 1), b.first),
        lambda b: (b.first, -b.bytes),
    )
    candidates = [_place(sorted(found, key=order)) for order in orders]
    placements = min(candidates, key=_extent)
    return Plan(program, placements, _aligned(_extent(placements)), lower_bound_bytes(found))


def lower_bound_bytes(found: Sequence[Buffer]) -> int:
    """The most bytes that are alive at one step, alignment included."""
    steps = {buffer.first for buffer in found}
    return max((sum(_aligned(b.bytes) for b in found if b.first <= step <= b.last) for step in steps), default=0)


def _place(order: Iterable[Buffer]) -> tuple[Placement, ...]:
    placed: list[Placement] = []
    for buffer in order:
        neighbours = sorted((p for p in placed if p.buffer.overlaps(buffer)), key=lambda p: p.offset)
        offset = 0
        for neighbour in neighbours:
            if offset + buffer.bytes <= neighbour.offset:
                break
            offset = max(offset, _aligned(neighbour.end))
        placed.append(Placement(buffer, offset))
    return tuple(sorted(placed, key=lambda p: (p.buffer.first, p.buffer.last, p.buffer.name)))


def _extent(placements: Sequence[Placement]) -> int:
    return max((p.end for p in placements), default=0)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
