"""Subgraphs of a TFLite file, written operator by operator. Nothing of recurrent layers is known here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.flatbuffer import add_buffer, operator_code

TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}


class Writer:
    """Adds tensors and operators to ``subgraph`` of ``model``; tensors are told by their indices in it. Operators are
    collected in ``operators``, for the caller to put where they belong."""

    def __init__(self, model: Any, subgraph: Any) -> None:
        self.model = model
        self.subgraph = subgraph
        self.operators: list[Any] = []
        self._codes: dict[str, int] = {}

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: npt.DTypeLike,
        scales: Sequence[float] = (),
        zero_point: int = 0,
    ) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.hasRank = name.encode(), list(shape), TYPES[np.dtype(dtype)], True
        made.buffer = 0
        if scales:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = np.array(scales, np.float32)
            made.quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)
        self.subgraph.tensors.append(made)
        return len(self.subgraph.tensors) - 1

    def resource(self, name: str) -> int:
        """What a variable's handle is kept in."""
        made = self.tensor(name, (), np.int32)
        self.subgraph.tensors[made].type = schema.TensorType.RESOURCE
        return made

    def like(self, name: str, tensor: Any, shape: Sequence[int] | None = None) -> int:
        """A tensor of the type and quantization that another has."""
        made = schema.TensorT()
        made.name, made.type, made.buffer, made.hasRank = name.encode(), tensor.type, 0, True
        made.shape = [int(size) for size in (tensor.shape if shape is None else shape)]
        made.quantization = tensor.quantization
        self.subgraph.tensors.append(made)
        return len(self.subgraph.tensors) - 1

    def constant(self, name: str, values: npt.NDArray[Any], scales: Sequence[float] = ()) -> int:
        """With several scales: one for each index of the first dimension."""
        index = self.tensor(name, values.shape, values.dtype, scales)
        self.subgraph.tensors[index].buffer = add_buffer(self.model, values)
        return index

    def operator(self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Any = None) -> Any:
        if name not in self._codes:
            self._codes[name] = operator_code(self.model, name)
        made = schema.OperatorT()
        made.opcodeIndex = self._codes[name]
        made.inputs, made.outputs = list(inputs), list(outputs)
        made.builtinOptions = options
        made.builtinOptionsType = (
            schema.BuiltinOptions.NONE
            if options is None
            else getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        )
        self.operators.append(made)
        return made


def new_subgraph(model: Any, name: str) -> Writer:
    """A writer of a subgraph that ``model`` has from now on, without inputs and outputs yet."""
    made = schema.SubGraphT()
    made.name, made.tensors, made.operators, made.inputs, made.outputs = name.encode(), [], [], [], []
    model.subgraphs.append(made)
    writer = Writer(model, made)
    made.operators = writer.operators
    return writer
