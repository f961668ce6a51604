"""Live ranges: from when to when each buffer of a program must keep its bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcuq.errors import UnsupportedError
from mcuq.ir.kernel_call import Overlap
from mcuq.planner.lower import Program

BEFORE_FIRST_STEP = -1


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes that live from step ``first`` to step ``last``, both included.

    ``tensors`` are the graph tensors kept in it: several where a RESHAPE aliases its input, or where a SPLIT's outputs
    or a CONCATENATION's inputs are parts of it; none for scratch memory.
    """

    name: str
    tensors: tuple[str, ...]
    bytes: int
    first: int
    last: int
    offsets: tuple[int, ...] = ()
    """Where in it each of ``tensors`` begins, in bytes; none: all at its start."""

    def offset_of(self, tensor: str) -> int:
        return self.offsets[self.tensors.index(tensor)] if self.offsets else 0

    def overlaps(self, other: Buffer) -> bool:
        """Are both alive at some step?"""
        return self.first <= other.last and other.first <= self.last


def scratch_name(step: int) -> str:
    return f"scratch of step {step}"


def allowed_overlaps(program: Program, found: Sequence[Buffer]) -> Mapping[tuple[str, str], Overlap]:
    """(output buffer, input buffer) → how the first may lie over the second.

    Only for an input that ends at the step which begins the output. Where one is a part of its buffer, it is the part
    at the start; and nothing else that the step reads lies in the input's buffer.
    """
    owner = {tensor: buffer for buffer in found for tensor in buffer.tensors}
    overlaps: dict[tuple[str, str], Overlap] = {}
    for index, step in enumerate(program.steps):
        for overlap in step.lowering.overlaps:
            name = step.layer.output.name
            source, output = owner[overlap.input], owner[name]
            if source.last != index or output.first != index:
                continue
            read = [t.name for t in step.layer.inputs if t is not None and owner.get(t.name) is source]
            alone = read == [overlap.input] or not any(source.offsets)
            if alone and not source.offset_of(overlap.input) and not output.offset_of(name):
                overlaps[output.name, source.name] = overlap
    return overlaps


def buffers(program: Program) -> tuple[Buffer, ...]:
    """All buffers of ``program``, in the order in which they come alive.

    Inputs live from before the first step, outputs until after the last; states are not in the arena. In a stage,
    whose steps take turns, what is kept whole lives from its first step to its last.
    """
    graph = program.graph
    places = _places(program)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    scratch: list[Buffer] = []
    for name in graph.inputs:
        first[places[name][0]] = last[places[name][0]] = BEFORE_FIRST_STEP
    for index, step in enumerate(program.steps):
        for tensor in step.layer.inputs:
            if tensor is not None and tensor.in_arena:
                last[places[tensor.name][0]] = index
        if step.aliases and not step.lowering.parts and step.layer.input(0).constant:
            raise UnsupportedError(
                f"layer {step.layer.name} of {graph.name} only writes a constant, which is an output"
            )
        for tensor in step.layer.written:
            first.setdefault(places[tensor.name][0], index)
            last[places[tensor.name][0]] = index
        if step.lowering.scratch_bytes:
            scratch.append(Buffer(scratch_name(index), (), step.lowering.scratch_bytes, index, index))
    for name in graph.outputs:
        if name not in places:
            raise UnsupportedError(f"output {name!r} of {graph.name} is a constant: there is nothing to compute")
        last[places[name][0]] = len(program.steps)
    shared: dict[str, list[str]] = {}
    for name, (owner, _) in places.items():
        shared.setdefault(owner, []).append(name)
    kept = [
        _in_stages(
            Buffer(
                owner,
                tuple(names),
                max(graph.tensors[n].type.bytes for n in names),
                first[owner],
                last[owner],
                tuple(places[n][1] for n in names),
            ),
            program,
        )
        for owner, names in shared.items()
    ]
    return tuple(sorted([*kept, *scratch], key=lambda buffer: (buffer.first, buffer.last, buffer.name)))


def _places(program: Program) -> dict[str, tuple[str, int]]:
    """For each activation the one that has its bytes, often itself, and where in it they begin."""
    found = {name: (name, 0) for name in program.graph.inputs}
    for step in program.steps:
        inner = {part.inner: part for part in step.lowering.parts}
        for tensor in step.layer.written:
            outer, offset = tensor.name, 0
            if (part := inner.pop(tensor.name, None)) is not None:
                outer, offset = part.outer, part.offset_bytes
            elif step.aliases and not step.lowering.parts:
                outer = step.layer.input(0).name
            owner, before = found.get(outer, (outer, 0))
            found[tensor.name] = (owner, before + offset)
        for part in inner.values():  # an input whose place is in the output; so is all that lies in it
            owner, before = found[part.outer]
            moved, within = found[part.inner]
            shift = before + part.offset_bytes - within
            found.update({n: (owner, shift + at) for n, (root, at) in found.items() if root == moved})
    return found


def _in_stages(buffer: Buffer, program: Program) -> Buffer:
    """``buffer`` as the program's stages need it."""
    for stage in program.stages:
        rows = stage.row_buffer(buffer.name)
        if rows is not None:
            return dataclasses.replace(buffer, bytes=rows.bytes, first=rows.first, last=rows.last)
        first, last = buffer.first, buffer.last
        if stage.first < first <= stage.last:
            first = stage.first
        if stage.first <= last < stage.last:
            last = stage.last
        buffer = dataclasses.replace(buffer, first=first, last=last)
    return buffer
