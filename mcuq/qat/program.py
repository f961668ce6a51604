"""A float TFLite graph as steps that TensorFlow runs on a batch of any size. Nothing is quantized here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.errors import UnsupportedError
from mcuq.frontend.tflite import read_tflite
from mcuq.qat.operators import OPERATORS
from mcuq.quantize.flatbuffer import constant, operator_name, tensor_name, write_model
from mcuq.quantize.scheme import Array

WITHOUT = "quantize the model without training: mcuq quantize"
_TYPES: Mapping[int, type[np.generic]] = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT32: np.int32}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operator, ``op`` with its ``options``; tensors by index, ``shape`` is the output's with batch 1."""

    op: str
    options: Any
    inputs: tuple[int, ...]
    output: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Steps in the order of execution, and the values of constant tensors. ``names`` has those of all tensors."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    steps: tuple[Step, ...]
    constants: Mapping[int, Array]
    names: tuple[str, ...]

    def run(
        self, inputs: Sequence[Any], values: Mapping[int, Any], then: Callable[[int, Any], Any] = lambda _index, x: x
    ) -> dict[int, Any]:
        """All activations by tensor, each what ``then`` makes of it.

        ``values`` replace constants. ``inputs`` have a batch of any size.
        """
        found = {index: then(index, x) for index, x in zip(self.inputs, inputs, strict=True)}
        constants = {**self.constants, **values}
        for step in self.steps:
            arguments = [found[i] if i in found else constants[i] for i in step.inputs]
            result = OPERATORS[step.op](step.options, arguments, step.shape)
            found[step.output] = then(step.output, result)
        return found

    def clipped(self, ceilings: Mapping[str, float]) -> Program:
        """With RELU6 where outputs, by name, have a ceiling of 6: ``quantize.prepare`` leaves that to their range."""
        steps = (replace(s, op="RELU6") if self.names[s.output] in ceilings else s for s in self.steps)
        return replace(self, steps=tuple(steps))


def read_program(model: Any) -> Program:
    """The program of a float ``ModelT`` tree in the form of ``quantize.prepare``.

    Raises ``UnsupportedError`` for operators that cannot be trained, and for layers that mix the samples of a batch.
    """
    subgraph = model.subgraphs[0]
    constants = _constants(model)
    layers = {node.outputs[0]: node.name for node in read_tflite(write_model(model), "the model").nodes}
    steps = []
    for operator in subgraph.operators:
        op, (output, *others) = operator_name(model, operator), (int(index) for index in operator.outputs)
        tensor = subgraph.tensors[output]
        layer, shape = layers.get(tensor_name(tensor), op), tuple(int(size) for size in tensor.shape)
        if op not in OPERATORS or others:
            raise UnsupportedError(
                f"layer {layer!r} ({op}) cannot be trained with quantization",
                details=(f"operators that can: {', '.join(OPERATORS)}",),
                hint=WITHOUT,
            )
        if not shape or shape[0] != 1:
            raise UnsupportedError(
                f"layer {layer!r} ({op}) has an output of shape {shape}, whose first dimension is no batch of 1, "
                "so the model cannot be trained in batches"
            )
        inputs = tuple(int(index) for index in operator.inputs if index >= 0)
        steps.append(Step(op, operator.builtinOptions, inputs, output, shape))
    first, last = (tuple(int(index) for index in indices) for indices in (subgraph.inputs, subgraph.outputs))
    return Program(first, last, tuple(steps), constants, tuple(tensor_name(tensor) for tensor in subgraph.tensors))


def _constants(model: Any) -> dict[int, Array]:
    found = {}
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        dtype = _TYPES.get(tensor.type)
        values = None if dtype is None else constant(model, tensor, dtype)
        if values is not None:
            found[index] = values
    return found
