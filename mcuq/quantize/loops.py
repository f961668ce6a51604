"""GRU and SimpleRNN layers as TFLite loops: a WHILE over the steps of a sequence, whose body is a cell.

The loop's variables are the step, the sequence [1, steps, features], the hidden state [1, units] and, where all of its
values are asked for, the outputs [1, steps, units]. Of a quantized sequence the cell computes in int16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.cells import CELLS, UNIT, Cell, Steps, read_cell
from mcuq.quantize.flatbuffer import constant, operator_name, tensor_name
from mcuq.quantize.subgraph import Writer, new_subgraph

MARK = "mcuq: "
"""How the names of bodies begin that are written here; the cell's kind follows, and whether it is stateful."""
STATEFUL = ", stateful"


def loop_operators(model: Any, cell: Cell, sequence: int, output: int) -> list[Any]:
    """The operators of the main subgraph that make ``output`` of ``sequence``, [1, steps, features]; their subgraphs
    are added to ``model``. An output [1, units] is the last hidden state, [1, steps, units] all of them."""
    return _LoopWriter(model, cell, sequence, output).operators()


_DTYPES = {getattr(schema.TensorType, name.upper()): np.dtype(name) for name in ("float32", "int8", "int16")}


class _LoopWriter:
    """One loop. ``whole``: of integers."""

    def __init__(self, model: Any, cell: Cell, sequence: int, output: int) -> None:
        self.model, self.cell, self.sequence, self.output = model, cell, sequence, output
        self.main = Writer(model, model.subgraphs[0])
        self.tensors = model.subgraphs[0].tensors
        self.name = tensor_name(self.tensors[output])
        self.whole = self.tensors[output].type != schema.TensorType.FLOAT32
        self.steps = int(self.tensors[sequence].shape[1])
        self.all_steps = len(self.tensors[output].shape) == 3

    def operators(self) -> list[Any]:
        first = self._first_state()
        hidden = (
            self.output if not self.all_steps and not self.whole else self._hidden(self.main, f"{self.name}/hidden")
        )
        zero = self.main.constant(f"{self.name}/first_step", np.array(0, np.int32))
        step = self.main.like(f"{self.name}/steps", self.tensors[zero])
        inputs = [zero, self.sequence, first]
        outputs = [step, self.main.like(f"{self.name}/sequence", self.tensors[self.sequence]), hidden]
        if self.all_steps:
            inputs.append(self._first_outputs())
            outputs.append(self.output)
        options = schema.WhileOptionsT()
        options.condSubgraphIndex, options.bodySubgraphIndex = self._condition(), self._body()
        self.main.operator("WHILE", inputs, outputs, options)
        if not self.all_steps and self.whole:
            self.main.operator("QUANTIZE", [hidden], [self.output], schema.QuantizeOptionsT())
        if self.cell.stateful:
            self.main.operator(
                "ASSIGN_VARIABLE", [self._handle(self.main), hidden], [], schema.AssignVariableOptionsT()
            )
        return self.main.operators

    def _hidden(self, writer: Writer, name: str) -> int:
        dtype = np.int16 if self.whole else np.float32
        return writer.tensor(name, (1, self.cell.units), dtype, (UNIT,) if self.whole else ())

    def _zeros(self, writer: Writer, name: str) -> int:
        dtype = np.int16 if self.whole else np.float32
        return writer.constant(name, np.zeros((1, self.cell.units), dtype), (UNIT,) if self.whole else ())

    def _first_state(self) -> int:
        if not self.cell.stateful:
            return self._zeros(self.main, f"{self.name}/first_hidden")
        once, options = new_subgraph(self.model, f"{self.name}/once"), schema.CallOnceOptionsT()
        once.operator("ASSIGN_VARIABLE", [self._handle(once), self._zeros(once, "zeros")], [],
                      schema.AssignVariableOptionsT())  # fmt: skip
        options.initSubgraphIndex = len(self.model.subgraphs) - 1
        self.main.operator("CALL_ONCE", [], [], options)
        first = self._hidden(self.main, f"{self.name}/first_hidden")
        self.main.operator("READ_VARIABLE", [self._handle(self.main)], [first], schema.ReadVariableOptionsT())
        return first

    def _handle(self, writer: Writer) -> int:
        handle = writer.resource(f"{self.name}/handle_{len(writer.subgraph.tensors)}")
        options = schema.VarHandleOptionsT()
        options.container, options.sharedName = b"", f"{self.name}/state".encode()
        writer.operator("VAR_HANDLE", [], [handle], options)
        return handle

    def _first_outputs(self) -> int:
        output = self.tensors[self.output]
        values = np.zeros([int(n) for n in output.shape], _DTYPES[output.type])
        made = self.main.constant(f"{self.name}/first_outputs", values)
        self.tensors[made].quantization = output.quantization
        return made

    def _variables(self, writer: Writer) -> list[int]:
        """The loop's variables as the inputs of a subgraph."""
        step = writer.tensor("step", (), np.int32)
        sequence, hidden = writer.like("sequence", self.tensors[self.sequence]), self._hidden(writer, "hidden")
        made = [step, sequence, hidden]
        if self.all_steps:
            made.append(writer.like("outputs", self.tensors[self.output]))
        writer.subgraph.inputs = made
        return made

    def _condition(self) -> int:
        writer = new_subgraph(self.model, f"{self.name}/condition")
        step, *_ = self._variables(writer)
        again = writer.tensor("again", (), np.bool_)
        steps = writer.constant("steps", np.array(self.steps, np.int32))
        writer.operator("LESS", [step, steps], [again], schema.LessOptionsT())
        writer.subgraph.outputs = [again]
        return len(self.model.subgraphs) - 1

    def _body(self) -> int:
        writer = new_subgraph(self.model, f"{MARK}{self.cell.kind}{STATEFUL if self.cell.stateful else ''}")
        step, sequence, hidden, *outputs = self._variables(writer)
        cell = Steps(writer, self.whole)
        x = cell.given(*self._input(writer, step, sequence))
        after = CELLS[self.cell.kind](cell, x, cell.given(hidden, 1.0), self.cell)
        added = writer.tensor("next_step", (), np.int32)
        one = writer.constant("one", np.array(1, np.int32))
        writer.operator("ADD", [step, one], [added], schema.AddOptionsT())
        writer.subgraph.outputs = [added, sequence, after, *(self._written(writer, step, after, to) for to in outputs)]
        return len(self.model.subgraphs) - 1

    def _input(self, writer: Writer, step: int, sequence: int) -> tuple[int, float]:
        """The input at ``step``, and what bounds it. int8 becomes int16 around 0 in 128ths of its steps, which is exact
        and keeps small what FULLY_CONNECTED scales its sums with.
        """
        tensor = self.tensors[self.sequence]
        shape = (1, int(tensor.shape[2]))
        x, options = writer.like("x", tensor, shape), schema.GatherOptionsT()
        options.axis = 1
        writer.operator("GATHER", [sequence, step], [x], options)
        if not self.whole:
            return x, 1.0
        scale, zero = float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])
        if tensor.type == schema.TensorType.INT16:
            return x, scale * 32768
        wide = writer.tensor("wide_x", shape, np.int16, (scale / 128,))
        writer.operator("QUANTIZE", [x], [wide], schema.QuantizeOptionsT())
        return wide, scale * max(127 - zero, zero + 128)

    def _written(self, writer: Writer, step: int, hidden: int, outputs: int) -> int:
        """``outputs`` with ``hidden`` at ``step``."""
        output = self.tensors[self.output]
        if self.whole:
            narrow = writer.like("narrow", output, (1, self.cell.units))
            writer.operator("QUANTIZE", [hidden], [narrow], schema.QuantizeOptionsT())
            hidden = narrow
        row = writer.like("row", output, (1, 1, self.cell.units))
        shape = writer.constant("row_shape", np.array([1, 1, self.cell.units], np.int32))
        reshape, pack = schema.ReshapeOptionsT(), schema.PackOptionsT()
        reshape.newShape = [1, 1, self.cell.units]
        writer.operator("RESHAPE", [hidden, shape], [row], reshape)
        place, none = writer.tensor("place", (3,), np.int32), writer.constant("none", np.array(0, np.int32))
        pack.valuesCount, pack.axis = 3, 0
        writer.operator("PACK", [none, step, none], [place], pack)
        after = writer.like("outputs_next", output)
        writer.operator("DYNAMIC_UPDATE_SLICE", [outputs, row, place], [after], schema.DynamicUpdateSliceOptionsT())
        return after


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A loop taken out of a float model: its cell, and the names of the tensors that it reads and writes."""

    cell: Cell
    sequence: str
    output: str


_VARIABLES = ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def only_loops(model: Any) -> bool:
    """Do all subgraphs of the float ``ModelT`` tree but the first belong to loops that were written here?"""
    cells = [cell for operator in model.subgraphs[0].operators if (cell := _cell_of(model, operator)) is not None]
    return len(model.subgraphs) == 1 + sum(3 if cell.stateful else 2 for cell in cells)


def cut_loops(model: Any) -> tuple[Cut, ...]:
    """Takes all loops out of a tree of ``only_loops``, in place, with the variables that they keep.

    Their outputs become inputs of the model and their sequences outputs, behind its own, for the quantizer to see.
    """
    main = model.subgraphs[0]
    cuts: list[Cut] = []
    kept: list[Any] = []
    for operator in main.operators:
        cell = _cell_of(model, operator)
        if cell is None:
            kept += [] if operator_name(model, operator) in _VARIABLES else [operator]
            continue
        sequence, output = int(operator.inputs[1]), int(operator.outputs[-1])
        cuts.append(Cut(cell, *(tensor_name(main.tensors[index]) for index in (sequence, output))))
        main.inputs = [*main.inputs, output]
        if sequence not in (*main.inputs, *main.outputs):
            main.outputs = [*main.outputs, sequence]
    main.operators, model.subgraphs = kept, [main]
    return tuple(cuts)


def join_loops(model: Any, cuts: Sequence[Cut], outputs: int) -> None:
    """Puts loops of integers where ``cuts`` were made, once the model around them, which has so many ``outputs`` of its
    own, is quantized."""
    main = model.subgraphs[0]
    main.outputs = list(main.outputs)[:outputs]
    by_name = {tensor_name(tensor): index for index, tensor in enumerate(main.tensors)}
    for cut in cuts:
        sequence, output = by_name[cut.sequence], by_name[cut.output]
        main.inputs = [index for index in main.inputs if index != output]
        made = loop_operators(model, cut.cell, sequence, output)
        place = next(i for i, operator in enumerate(main.operators) if output in list(operator.inputs))
        main.operators = [*main.operators[:place], *made, *main.operators[place:]]


def _cell_of(model: Any, operator: Any) -> Cell | None:
    """The cell of a float loop that was written here; None for other operators."""
    if operator_name(model, operator) != "WHILE":
        return None
    body = model.subgraphs[operator.builtinOptions.bodySubgraphIndex]
    name = (body.name or b"").decode("utf-8", "replace")
    kind = name.removeprefix(MARK).removesuffix(STATEFUL)
    if not name.startswith(MARK) or kind not in CELLS:
        return None
    floats = (tensor for tensor in body.tensors if tensor.type == schema.TensorType.FLOAT32)
    values = {tensor_name(tensor): constant(model, tensor, np.float32) for tensor in floats}
    return read_cell(kind, {key: array for key, array in values.items() if array is not None}, name.endswith(STATEFUL))
