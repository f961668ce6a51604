"""A plan into C: ``<model>.h``, ``<model>.c`` and ``<model>_weights.h/.c``.

Text only: nothing is compiled or written here. The same plan gives the same bytes.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mcuq import __version__
from mcuq.codegen.literals import C_TYPES, float_literal, integer_literal, table_rows
from mcuq.codegen.names import comment, identifier, layer_identifiers, model_identifier
from mcuq.codegen.render import render
from mcuq.codegen.stage import StageText, StageWriter, pointer
from mcuq.ir import DType, Tensor
from mcuq.ir.kernel_call import (
    Argument,
    ConstantPointer,
    KeptPointer,
    KernelCall,
    Repeat,
    ScratchPointer,
    Struct,
    TensorPointer,
    Value,
)
from mcuq.planner.arena import Plan
from mcuq.planner.keep import kept_bytes
from mcuq.planner.lifetime import scratch_name
from mcuq.planner.lower import Step
from mcuq.planner.stage import Stage


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the model as the header shows it. ``suffix`` is empty when there is only one. ``fed``: an
    input that is read row by row while the model runs."""

    tensor: Tensor
    pointer: str
    suffix: str
    c_type: str
    shape: str
    scale: str | None
    zero_point: int | None
    fed: bool


@dataclass(frozen=True, slots=True)
class TensorLine:
    """One named pointer into the arena."""

    name: str
    c_type: str
    offset: int
    live: str
    shape: str
    tensor: str


@dataclass(frozen=True, slots=True)
class StateLine:
    """One member of the struct of states. It begins as ``fill`` in every byte, or as the table ``initial``."""

    name: str
    c_type: str
    elements: int
    shape: str
    tensor: str
    fill: int | None
    initial: str | None


@dataclass(frozen=True, slots=True)
class LayerText:
    """One layer's function: its lines of struct definitions and blocks of calls. A layer of a stage (``in_stage``) has
    none; the stage stands at its first layer."""

    function: str
    description: str
    structs: tuple[str, ...]
    blocks: tuple[CallBlock, ...]
    fails: bool
    in_stage: bool = False
    stage: StageText | None = None


@dataclass(frozen=True, slots=True)
class CallText:
    text: str
    success: str | None


@dataclass(frozen=True, slots=True)
class CallBlock:
    """Calls to run ``rounds`` times; they may read the loop's counter ``i``. One round is no loop."""

    rounds: int
    calls: tuple[CallText, ...]


@dataclass(frozen=True, slots=True)
class CheckText:
    """A table of coded weights with its CRC-32; ``layer`` counts from 1."""

    name: str
    bytes: int
    crc: str
    layer: int


@dataclass(frozen=True, slots=True)
class OnceText:
    """A call before the first inference, with its structs."""

    structs: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class TableText:
    """One constant table."""

    name: str
    c_type: str
    elements: int
    comment: str
    rows: tuple[str, ...]


_WITH_REAL_VALUES = (DType.INT8, DType.UINT8, DType.INT16)
"""Inputs and outputs of these types get functions that convert them."""


def generate(plan: Plan, name: str, description: str, shared_arena: str | None = None) -> Mapping[str, str]:
    """The generated files by name. ``name`` is the model's, ``description`` one line for the header.

    ``shared_arena`` is the C name of the arena, and of its header, that the model shares with others; None: it has its
    own.
    """
    return _Generator(plan, name, description, shared_arena).files()


def arena_bytes(plan: Plan) -> int:
    """The size of the arena in C, where no array is empty."""
    return max(plan.arena_bytes, 1)


class _Generator:
    """Names and texts of one model; made once, asked for its files once."""

    def __init__(self, plan: Plan, name: str, description: str, shared_arena: str | None) -> None:
        self.plan = plan
        self.graph = plan.program.graph
        self.model = model_identifier(name)
        self.arena = shared_arena or f"{self.model}_arena"
        self.shares = shared_arena is not None
        self.description = comment(description)
        self.layers = layer_identifiers(step.layer.name for step in plan.program.steps)
        self.pointers = self._tensor_pointers()
        self.shared = self._shared_structs()
        lowerings = [step.lowering for step in plan.program.steps]
        self.kept = tuple(itertools.accumulate((lowering.kept_bytes for lowering in lowerings), initial=0))
        self.kept_bytes = kept_bytes(lowerings)

    def files(self) -> Mapping[str, str]:
        shared = {
            "model": self.model,
            "MODEL": self.model.upper(),
            "description": self.description,
            "arena": self.arena,
            "shared": self.shares,
            "arena_bytes": arena_bytes(self.plan),
            "inputs": self._ports(self.graph.inputs, "input"),
            "outputs": self._ports(self.graph.outputs, "output"),
            "bools": any(tensor.type.dtype is DType.BOOL for tensor in self.graph.tensors.values()),
            "states": self._states(),
            "state_bytes": sum(tensor.type.bytes for tensor in self.graph.states),
            "fed": self.plan.program.fed_input is not None,
            "steps": self.graph.steps,
            "layers": self._layer_texts(),
            "layer_count": len(self.plan.program.steps),
            "structs": [content.replace("  = {", f" {s.name} = {{", 1) for content, s in self.shared.items()],
            "tensors": self._tensor_lines(),
            "tables": self._tables(),
            "checks": self._checks(),
            "once": self._once(),
            "kept_bytes": self.kept_bytes,
            "headers": sorted(
                {c.header for s in self.plan.program.steps for c in (*s.lowering.once, *s.lowering.calls)}
            ),
            "definitions": sorted({text for s in self.plan.program.steps for text in s.lowering.definitions}),
            "version": __version__,
        }
        return {
            f"{self.model}.h": render("model.h.j2", **shared),
            f"{self.model}.c": render("model.c.j2", **shared),
            f"{self.model}_weights.h": render("weights.h.j2", **shared),
            f"{self.model}_weights.c": render("weights.c.j2", **shared),
        }

    def _tensor_pointers(self) -> dict[str, str]:
        """A C name for each activation: ``t_`` and the layer that writes it."""
        names: dict[str, str] = {}
        for index, tensor in enumerate(self.graph.inputs):
            names[tensor] = "t_input" if len(self.graph.inputs) == 1 else f"t_input_{index}"
        for layer, step in zip(self.layers, self.plan.program.steps, strict=True):
            for index, output in enumerate(step.layer.outputs):
                name = layer if index == 0 else f"{layer}_{index}"
                names.setdefault(output.name, f"{self.model}_state.s_{name}" if output.state else f"t_{name}")
        return names

    def _states(self) -> tuple[StateLine, ...]:
        return tuple(
            StateLine(
                self._member(tensor),
                tensor.type.dtype.c_type,
                tensor.type.elements,
                "x".join(map(str, tensor.shape)) or "scalar",
                comment(tensor.name)[:60],
                _fill(tensor),
                None if _fill(tensor) is not None else self._initial_name(tensor),
            )
            for tensor in self.graph.states
        )

    def _initial_name(self, tensor: Tensor) -> str:
        return f"{self.model}_initial_{self._member(tensor)}"

    def _member(self, state: Tensor) -> str:
        return self.pointers[state.name].removeprefix(f"{self.model}_state.")

    def _ports(self, names: tuple[str, ...], role: str) -> tuple[Port, ...]:
        ports = []
        for index, name in enumerate(names):
            tensor = self.graph.tensors[name]
            quantization = tensor.type.quantization if tensor.type.dtype in _WITH_REAL_VALUES else None
            ports.append(
                Port(
                    tensor,
                    self.pointers[name],
                    role if len(names) == 1 else f"{role}_{index}",
                    tensor.type.dtype.c_type,
                    "x".join(map(str, tensor.shape)),
                    None if quantization is None else float_literal(quantization.scale),
                    None if quantization is None else quantization.zero_point,
                    name == self.plan.program.fed_input,
                )
            )
        return tuple(ports)

    def _tensor_lines(self) -> tuple[TensorLine, ...]:
        used = {a.name for s in self.plan.program.steps for c in s.lowering.calls for a in c.arguments
                if isinstance(a, TensorPointer)} | {*self.graph.inputs, *self.graph.outputs}  # fmt: skip
        lines = []
        for placement in self.plan.placements:
            for name in placement.buffer.tensors:
                if name not in used:
                    continue
                type_ = self.graph.tensors[name].type
                rows = self._rows(name)
                live = f"{_moment(placement.buffer.first)} to {self._end(placement.buffer.last)}"
                lines.append(
                    TensorLine(
                        self.pointers[name], type_.dtype.c_type, self.plan.offset(name), live,
                        rows + ("x".join(map(str, type_.shape)) or "scalar"), comment(name)[:60],
                    )
                )  # fmt: skip
        return tuple(lines)

    def _rows(self, tensor: str) -> str:
        """How many rows of ``tensor`` there is room for, where that is not all."""
        found = next((b for stage in self.plan.program.stages if (b := stage.row_buffer(tensor)) is not None), None)
        type_ = self.graph.tensors[tensor].type
        return "" if found is None else f"{found.bytes * type_.shape[1] // type_.bytes} rows of "

    def _end(self, step: int) -> str:
        return "end" if step >= len(self.plan.program.steps) else _moment(step)

    def _layer_texts(self) -> tuple[LayerText, ...]:
        return tuple(
            self._layer_text(index, layer, step)
            for index, (layer, step) in enumerate(zip(self.layers, self.plan.program.steps, strict=True))
        )

    def _layer_text(self, index: int, layer: str, step: Step) -> LayerText:
        inputs = ", ".join(str(t.type) for t in step.layer.inputs if t is not None and not t.constant)
        description = f"{comment(step.layer.name)}: {step.layer.op} {inputs} -> {step.layer.output.type}, {step.kernel}"
        stage = self.plan.program.stage_of(index)
        if stage is not None:
            text = self._stage_text(stage) if index == stage.first else None
            return LayerText(f"layer_{layer}", description, (), (), False, True, text)
        structs: list[str] = []
        calls = []
        for call in step.lowering.calls:
            structs.extend(
                _struct_lines(argument, self._value_text(index, layer))
                for argument in call.arguments
                if isinstance(argument, Struct) and self._content(index, layer, argument) not in self.shared
            )
            calls.append(CallText(self._call_text(index, layer, call), call.success))
        blocks = tuple(_blocks(calls, step.lowering.repeat))
        return LayerText(f"layer_{layer}", description, tuple(structs), blocks, any(c.success for c in calls))

    def _stage_text(self, stage: Stage) -> StageText:
        def argument(step: int, given: Argument) -> str:
            return self._argument_text(step, self.layers[step], given)

        def struct(step: int, given: Struct) -> str:
            return _struct_lines(given, self._value_text(step, self.layers[step]))

        number = self.plan.program.stages.index(stage)
        return StageWriter(self.model, number, argument, struct).write(stage)

    def _call_text(self, index: int, layer: str, call: KernelCall) -> str:
        arguments = [self._argument_text(index, layer, argument) for argument in call.arguments]
        line = f"{call.function}({', '.join(arguments)})"
        if len(line) <= 104:
            return line
        separator = ",\n" + " " * 8
        return f"{call.function}(\n{' ' * 8}{separator.join(arguments)})"

    def _argument_text(self, index: int, layer: str, argument: Argument) -> str:
        if isinstance(argument, TensorPointer):
            return pointer(self.pointers[argument.name], argument, self.graph.tensors[argument.name].type.dtype.bytes)
        if isinstance(argument, Struct):
            return f"&{self.shared.get(self._content(index, layer, argument), argument).name}"
        return self._value_text(index, layer)(argument)

    def _content(self, index: int, layer: str, struct: Struct) -> str:
        """A struct's definition without its name."""
        return _struct_lines(Struct(struct.c_type, "", struct.fields), self._value_text(index, layer), "")

    def _shared_structs(self) -> dict[str, Struct]:
        """Structs that several layers have alike, by content, named for the whole file."""
        found: dict[str, list[Struct]] = {}
        for index, (layer, step) in enumerate(zip(self.layers, self.plan.program.steps, strict=True)):
            if self.plan.program.stage_of(index) is not None:
                continue
            for struct in (a for call in step.lowering.calls for a in call.arguments if isinstance(a, Struct)):
                found.setdefault(self._content(index, layer, struct), []).append(struct)
        shared = {content: structs[0] for content, structs in found.items() if len(structs) > 1}
        return {
            content: Struct(struct.c_type, f"shared_{struct.name}_{number}", struct.fields)
            for number, (content, struct) in enumerate(shared.items())
        }

    def _value_text(self, index: int, layer: str) -> Callable[[Value], str]:
        def text(value: Value) -> str:
            if isinstance(value, ConstantPointer):
                name = self._table_name(layer, value.name)
                return f"({value.mutable_c_type} *)(uintptr_t){name}" if value.mutable_c_type else name
            if isinstance(value, ScratchPointer):
                if not self.plan.program.steps[index].lowering.scratch_bytes:
                    return "NULL"
                offset = self.plan.scratch_offset(scratch_name(index)) + value.offset_bytes
                return f"(void *)&{self.arena}[{offset}]"
            if isinstance(value, KeptPointer):
                return f"(void *)&{self.model}_kept[{(self.kept[index] + value.offset_bytes) // 4}]"
            if isinstance(value, int):
                return integer_literal(value)
            return str(value)

        return text

    def _table_name(self, layer: str, constant: str) -> str:
        return f"{self.model}_{layer}_{identifier(constant)}"

    def _checks(self) -> tuple[CheckText, ...]:
        return tuple(
            CheckText(
                self._table_name(layer, constant.name),
                constant.values.nbytes,
                f"0x{zlib.crc32(constant.values.tobytes()):08x}U",
                number,
            )
            for number, (layer, step) in enumerate(zip(self.layers, self.plan.program.steps, strict=True), 1)
            for constant in step.lowering.constants
            if constant.coded
        )

    def _once(self) -> tuple[OnceText, ...]:
        return tuple(
            OnceText(
                tuple(
                    _struct_lines(argument, self._value_text(index, layer), " " * 12)
                    for argument in call.arguments
                    if isinstance(argument, Struct)
                ),
                self._call_text(index, layer, call).replace("\n", "\n" + " " * 8),
            )
            for index, (layer, step) in enumerate(zip(self.layers, self.plan.program.steps, strict=True))
            for call in step.lowering.once
        )

    def _tables(self) -> tuple[TableText, ...]:
        initial = [(tensor, tensor.initial) for tensor in self.graph.states if _fill(tensor) is None]
        return tuple(
            TableText(
                self._initial_name(tensor),
                tensor.type.dtype.c_type,
                tensor.type.elements,
                "before the first inference",
                table_rows(values),
            )
            for tensor, values in initial
            if values is not None
        ) + tuple(
            TableText(
                self._table_name(layer, constant.name),
                C_TYPES[constant.values.dtype.name],
                constant.values.size,
                comment(constant.comment),
                table_rows(constant.values),
            )
            for layer, step in zip(self.layers, self.plan.program.steps, strict=True)
            for constant in step.lowering.constants
        )


def _blocks(calls: Sequence[CallText], repeat: Repeat | None) -> Iterator[CallBlock]:
    """``calls`` with those that are repeated apart; no block is empty."""
    repeat = repeat or Repeat(0, 0, 1)
    end = repeat.first + repeat.calls
    cut = ((1, calls[: repeat.first]), (repeat.rounds, calls[repeat.first : end]), (1, calls[end:]))
    yield from (CallBlock(rounds, tuple(part)) for rounds, part in cut if part)


def _fill(state: Tensor) -> int | None:
    """The byte that the state's initial value repeats; None when its bytes differ."""
    values = set() if state.initial is None else set(state.initial.tobytes())
    return values.pop() if len(values) == 1 else None


def _moment(step: int) -> str:
    return "start" if step < 0 else f"layer {step}"


def _struct_lines(struct: Struct, value_text: Callable[[Value], str], indent: str = "    ") -> str:
    """``static const T name = {...};`` with one designated initialiser a line, nested structs inline."""

    def initialiser(value: Value) -> str:
        if isinstance(value, Struct):
            inner = ", ".join(f".{name} = {initialiser(field)}" for name, field in value.fields)
            return f"{{{inner}}}"
        return value_text(value)

    lines = [f"{indent}static const {struct.c_type} {struct.name} = {{"]
    lines += [f"{indent}    .{name} = {initialiser(value)}," for name, value in struct.fields]
    return "\n".join([*lines, f"{indent}}};"])
