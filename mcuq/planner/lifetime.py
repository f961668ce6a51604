"""Live ranges: from when to when each buffer of a program must keep its bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcuq.errors import UnsupportedError
from mcuq.ir.kernel_call import Overlap
from mcuq.planner.lower import Program, Step

BEFORE_FIRST_STEP = -1


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes that live from step ``first`` to step ``last``, both included.

    ``tensors`` are the graph tensors kept in it: several where a RESHAPE aliases its input, or where a SPLIT's outputs
    are parts of it; none for scratch memory.
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

    Only for an input that ends at the step which begins the output, and that has no parts.
    """
    owner = {tensor: buffer for buffer in found for tensor in buffer.tensors}
    overlaps: dict[tuple[str, str], Overlap] = {}
    for index, step in enumerate(program.steps):
        for overlap in step.lowering.overlaps:
            source, output = owner[overlap.input], owner[step.layer.output.name]
            if source.last == index and output.first == index and not any(source.offsets):
                overlaps[output.name, source.name] = overlap
    return overlaps


def buffers(program: Program) -> tuple[Buffer, ...]:
    """All buffers of ``program``, in the order in which they come alive.

    Inputs live from before the first step, outputs until after the last; states are not in the arena. In a stage,
    whose steps take turns, what is kept whole lives from its first step to its last.
    """
    graph = program.graph
    root: dict[str, str] = {name: name for name in graph.inputs}
    offset: dict[str, int] = dict.fromkeys(graph.inputs, 0)
    first: dict[str, int] = dict.fromkeys(graph.inputs, BEFORE_FIRST_STEP)
    last: dict[str, int] = dict.fromkeys(graph.inputs, BEFORE_FIRST_STEP)
    scratch: list[Buffer] = []
    for index, step in enumerate(program.steps):
        for tensor in step.layer.inputs:
            if tensor is not None and tensor.in_arena:
                last[root[tensor.name]] = index
        if step.aliases and not step.lowering.parts and step.layer.input(0).constant:
            raise UnsupportedError(
                f"layer {step.layer.name} of {graph.name} only writes a constant, which is an output"
            )
        for tensor in step.layer.written:
            source, within = _place(step, tensor.name)
            root[tensor.name] = tensor.name if source is None else root[source]
            offset[tensor.name] = 0 if source is None else offset[source] + within
            first.setdefault(root[tensor.name], index)
            last[root[tensor.name]] = index
        if step.lowering.scratch_bytes:
            scratch.append(Buffer(scratch_name(index), (), step.lowering.scratch_bytes, index, index))
    for name in graph.outputs:
        if name not in root:
            raise UnsupportedError(f"output {name!r} of {graph.name} is a constant: there is nothing to compute")
        last[root[name]] = len(program.steps)
    shared: dict[str, list[str]] = {}
    for name, owner in root.items():
        shared.setdefault(owner, []).append(name)
    kept = [
        _in_stages(
            Buffer(
                owner,
                tuple(names),
                max(graph.tensors[n].type.bytes for n in names),
                first[owner],
                last[owner],
                tuple(offset[n] for n in names),
            ),
            program,
        )
        for owner, names in shared.items()
    ]
    return tuple(sorted([*kept, *scratch], key=lambda buffer: (buffer.first, buffer.last, buffer.name)))


def _place(step: Step, output: str) -> tuple[str | None, int]:
    """The input that ``output`` is bytes of, and from where on; None where it has memory of its own."""
    if not step.aliases:
        return None, 0
    part = next((part for part in step.lowering.parts if part.output == output), None)
    return (step.layer.input(0).name, 0) if part is None else (part.input, part.offset_bytes)


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
