"""A loop of a known number of steps: its body's layers, each with the kernel that is quickest, called in a C loop.

What the body computes lies in scratch memory, planned as a model's arena is. Carried values stay in their place; slices
are copied to where they are read and rows from where they are written, so that all tensors are aligned as elsewhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from mcuq.ir import Graph, Layer, Tensor
from mcuq.ir.kernel_call import (
    Argument,
    Constant,
    ConstantPointer,
    KernelCall,
    Lowering,
    Repeat,
    ScratchPointer,
    Struct,
    TensorPointer,
    Value,
)
from mcuq.ir.loop import Loop
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.mcuq_copy import parts_of_input
from mcuq.ops import operators
from mcuq.planner.arena import Plan, plan
from mcuq.planner.lifetime import scratch_name
from mcuq.planner.lower import KernelPolicy, candidates, lower

COPY_CYCLES = 60
"""Of a call that copies a slice, a row or a carried value, besides a byte a cycle."""


def refuses(layer: Layer, target: Target) -> str | None:
    loop: Loop = layer.attributes
    if any(tensor.constant for tensor in loop.body.output_tensors):
        return "the body writes a constant"
    if any(tensor is None or tensor.constant for tensor in layer.inputs[loop.carried :]):
        return "it reads slices of a constant"
    for one in loop.body.layers():
        if not _is_alias(one) and not candidates(one, target, KernelPolicy.MCUQ)[0]:
            return f"no kernel runs {one.op} {one.name} in it"
    swapped = [b for a, b in _carried(loop) if a != b and _root(loop.body, b) in loop.body.inputs]
    return f"{swapped[0]!r} is carried into another value's place" if swapped else None


def _carried(loop: Loop) -> tuple[tuple[str, str], ...]:
    """The names of each carried value before and after a step."""
    return tuple(zip(loop.body.inputs[: loop.carried], loop.body.outputs[: loop.carried], strict=True))


def _is_alias(layer: Layer) -> bool:
    return operators()[layer.op].aliases or bool(parts_of_input(layer))


def _root(body: Graph, name: str) -> str:
    """The tensor whose bytes ``name`` is."""
    producer = body.producer(name)
    if producer is None or not _is_alias(body.layer(producer)):
        return name
    read = next(t for t in body.layer(producer).inputs if t is not None and not t.constant)
    return _root(body, read.name)


def cycles(layer: Layer, target: Target) -> int:
    loop: Loop = layer.attributes
    of_step = COPY_CYCLES * (len(loop.body.inputs) + len(loop.body.outputs))
    of_step += sum(tensor.type.bytes for tensor in (*loop.body.input_tensors, *loop.body.output_tensors))
    for one in loop.body.layers():
        if not _is_alias(one):
            of_step += candidates(one, target, KernelPolicy.MCUQ)[0][0].cycles
    return loop.steps * of_step


def lower_loop(layer: Layer, target: Target) -> Lowering:
    loop: Loop = layer.attributes
    kept = dict.fromkeys(
        (*loop.body.outputs, *loop.body.inputs[: loop.carried])
    )  # carried values are read until the end
    body = Graph(loop.body.name, loop.body.tensors, loop.body.nodes, loop.body.inputs, tuple(kept))
    return _Writer(layer, loop, plan(lower(body, target, KernelPolicy.MCUQ))).lowering()


class _Writer:
    """One loop's calls, its body planned."""

    def __init__(self, layer: Layer, loop: Loop, planned: Plan) -> None:
        self.layer, self.loop, self.plan = layer, loop, planned
        self.constants: dict[tuple[bytes, str], Constant] = {}
        self._names: dict[str, str] = {}

    def lowering(self) -> Lowering:
        before = tuple(self._before())
        repeated = (*self._slices(), *self._steps(), *self._rows(), *self._carry())
        after = tuple(self._after())
        inner = [step.lowering for step in self.plan.program.steps]
        return Lowering(
            calls=(*before, *repeated, *after),
            constants=tuple(self.constants.values()),
            scratch_bytes=self.plan.arena_bytes,
            sources=tuple(sorted({"mcuq_copy.c", *(source for one in inner for source in one.sources)})),
            definitions=tuple(sorted({text for one in inner for text in one.definitions})),
            repeat=Repeat(len(before), len(repeated), self.loop.steps),
        )

    def _before(self) -> Iterator[KernelCall]:
        pairs = zip(self.layer.inputs, self.loop.body.inputs[: self.loop.carried], strict=False)
        for number, (given, name) in enumerate(pairs):
            assert given is not None
            if given.data is not None:
                self._keep(f"first {name}", Constant("first", np.ascontiguousarray(given.data)))
            source = TensorPointer(given.name) if given.data is None else self._constant(f"first {name}")
            yield self._copy(f"before_{number}", given.type.bytes, source, self._place(name))

    def _after(self) -> Iterator[KernelCall]:
        pairs = zip(self.layer.outputs, self.loop.body.inputs[: self.loop.carried], strict=False)
        for number, (output, name) in enumerate(pairs):
            yield self._copy(f"after_{number}", output.type.bytes, self._place(name), TensorPointer(output.name))

    def _slices(self) -> Iterator[KernelCall]:
        n = self.loop.carried
        for number, (given, inner) in enumerate(
            zip(self.layer.inputs[n:], self.loop.body.input_tensors[n:], strict=True)
        ):
            assert given is not None
            yield self._copy(f"slice_{number}", inner.type.bytes, self._stepping(given, inner), self._place(inner.name))

    def _rows(self) -> Iterator[KernelCall]:
        n = self.loop.carried
        pairs = zip(self.layer.outputs[n:], self.loop.body.output_tensors[n:], strict=True)
        for number, (output, inner) in enumerate(pairs):
            yield self._copy(f"row_{number}", inner.type.bytes, self._place(inner.name), self._stepping(output, inner))

    def _carry(self) -> Iterator[KernelCall]:
        for number, (before, after) in enumerate(_carried(self.loop)):
            if before != after:
                bytes_ = self.loop.body.tensors[after].type.bytes
                yield self._copy(f"carry_{number}", bytes_, self._place(after), self._place(before))

    def _stepping(self, sequence: Tensor, part: Tensor) -> TensorPointer:
        return TensorPointer(sequence.name, 0, part.type.bytes if self.loop.steps > 1 else 0)

    def _place(self, name: str) -> ScratchPointer:
        return ScratchPointer(self.plan.offset(name))

    def _copy(self, role: str, bytes_: int, source: Argument, to: Argument) -> KernelCall:
        fields = (("width", 0), ("run", bytes_), ("count", 1), ("input_step", 0), ("output_step", 0), ("depth", 0))
        params = Struct("mcuq_copy_params", f"{role}_params", fields)
        return KernelCall("mcuq_copy", (params, "NULL", source, to), header="mcuq_copy.h")

    def _steps(self) -> Iterator[KernelCall]:
        """The calls of the body's layers, with everything they point to in the loop's scratch memory."""
        for index, step in enumerate(self.plan.program.steps):
            for one in step.lowering.constants:
                self._keep(f"{index} {step.layer.name} {one.name}", one)
            for call in step.lowering.calls:
                arguments = tuple(self._argument(index, argument) for argument in call.arguments)
                yield dataclasses.replace(call, arguments=arguments)

    def _keep(self, name: str, constant: Constant) -> None:
        """Adds a constant, equal ones once: gates read the same tables."""
        key = constant.values.tobytes(), constant.values.dtype.name
        self._names[name] = self.constants.setdefault(key, dataclasses.replace(constant, name=name)).name

    def _constant(self, name: str, mutable_c_type: str | None = None) -> ConstantPointer:
        return ConstantPointer(self._names[name], mutable_c_type)

    def _argument(self, index: int, argument: Argument) -> Argument:
        if isinstance(argument, TensorPointer):
            return ScratchPointer(self.plan.offset(argument.name) + argument.offset_bytes)
        return self._value(index, argument)

    def _value(self, index: int, value: Value) -> Value:
        step = self.plan.program.steps[index]
        if isinstance(value, ScratchPointer):
            within = step.lowering.scratch_bytes
            return (
                ScratchPointer(self.plan.scratch_offset(scratch_name(index)) + value.offset_bytes) if within else "NULL"
            )
        if isinstance(value, ConstantPointer):
            return self._constant(f"{index} {step.layer.name} {value.name}", value.mutable_c_type)
        if isinstance(value, Struct):
            fields = tuple((name, self._value(index, field)) for name, field in value.fields)
            return Struct(value.c_type, f"{value.name}_{index}", fields)
        return value


KERNELS = (Kernel("mcuq_loop", MCUQ, "LOOP", refuses, lower_loop, cycles),)
