"""Writes operator test cases as TFLite files, so that LiteRT itself says what the bytes must be."""

from __future__ import annotations

import zlib
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.frontend.option_tables import options_table
from mcuq.ir import DType, Graph, TensorType
from mcuq.ops.base import Case, Operand
from mcuq.ops.floats import tflite_name

_TYPES = {
    DType.INT8: schema.TensorType.INT8,
    DType.UINT8: schema.TensorType.UINT8,
    DType.INT16: schema.TensorType.INT16,
    DType.INT32: schema.TensorType.INT32,
    DType.INT64: schema.TensorType.INT64,
    DType.FLOAT32: schema.TensorType.FLOAT32,
    DType.BOOL: schema.TensorType.BOOL,
}

# The least version that LiteRT registers, where that is not 1.
_VERSIONS = {"BROADCAST_TO": 2}

# Real files leave these operators' options out, so cases without options do too.
_OFTEN_WITHOUT_OPTIONS = ("RESHAPE", "SQUEEZE")


def constant_values(case: Case, operand: Operand, rng: np.random.Generator) -> np.ndarray:
    """The values of a constant operand; biases stay small enough to leave the output's range in use."""
    if not isinstance(operand.data, str):
        return np.asarray(operand.data, operand.dtype.numpy).reshape(operand.shape)
    if operand.dtype is DType.INT8:
        return _weights(operand.data, operand.shape, rng)
    if operand.dtype in (DType.INT32, DType.INT64):
        return rng.integers(-3000, 3001, operand.shape).astype(operand.dtype.numpy)
    if operand.dtype is DType.BOOL:
        return rng.integers(0, 2, operand.shape).astype(bool)
    if operand.dtype is DType.FLOAT32:
        return rng.normal(0, 1, operand.shape).astype(np.float32)
    raise ValueError(f"{case.name}: no random {operand.dtype.value} constants")


def _weights(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Weights as ``Operand.data`` describes them; the first axis counts output channels."""
    if ".." in kind:
        low, _, high = kind.split()
        return rng.integers(int(low), int(high) + 1, shape).astype(np.int8)
    if "values" in kind:
        count = int(kind.split(maxsplit=1)[0])
        of_channels = [rng.choice(np.arange(-127, 128), count, replace=False) for _ in range(shape[0])]
        palettes = of_channels if kind.endswith("each") else of_channels[:1] * shape[0]
        return np.stack([rng.choice(palette, shape[1:]) for palette in palettes]).astype(np.int8)
    if kind == "bell":
        return np.clip(rng.normal(0.0, 12.0, shape).round(), -127, 127).astype(np.int8)
    return rng.integers(-127, 128, shape).astype(np.int8)


def case_seed(operator: str, case: Case) -> int:
    return zlib.crc32(f"{operator}/{case.name}".encode())


def write_case(operator: str, case: Case) -> bytes:
    """A TFLite model of one layer."""
    rng = np.random.default_rng(case_seed(operator, case))
    operator = tflite_name(operator)
    model = schema.ModelT()
    model.version = 3
    model.description = "mcuq test case"
    model.buffers = [_buffer(None)]
    graph = schema.SubGraphT()
    graph.name = case.name
    graph.tensors, graph.inputs, graph.outputs = [], [], []

    def add(operand: Operand, name: str) -> int:
        tensor = _tensor(name, operand.type)
        if isinstance(operand.data, str) and operand.data == "state":
            tensor.isVariable = True
        elif operand.data is not None:
            tensor.buffer = len(model.buffers)
            model.buffers.append(_buffer(constant_values(case, operand, rng)))
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    node = schema.OperatorT()
    operands = list(case.inputs)
    while operands[-1] is None and operator != "UNIDIRECTIONAL_SEQUENCE_LSTM":
        operands.pop()  # LiteRT wants optional inputs at the end to be left out, but counts those of an LSTM
    node.inputs = [-1 if o is None else add(o, f"input_{i}") for i, o in enumerate(operands)]
    node.outputs = [add(o, f"output_{i}") for i, o in enumerate(case.outputs)]
    graph.inputs = [index for index, o in zip(node.inputs, operands, strict=True) if o is not None and o.data is None]
    if not graph.inputs:  # a model has an input, read or not
        graph.inputs = [add(Operand((1,), 0.05), "unread")]
    graph.outputs = list(node.outputs)
    node.opcodeIndex = 0
    options = dict(case.options)
    if intermediates := options.pop("intermediates", ()):
        node.intermediates = [add(o, f"intermediate_{i}") for i, o in enumerate(intermediates)]
    _set_options(node, operator, options)
    graph.operators = [node]
    model.subgraphs = [graph]
    model.operatorCodes = [_operator_code(operator)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def write_graph(graph: Graph) -> bytes:
    """A TFLite model of a graph whose nodes have TFLite's options as attributes, by field name."""
    model = schema.ModelT()
    model.version = 3
    model.description = "mcuq test net"
    model.buffers = [_buffer(None)]
    subgraph = schema.SubGraphT()
    subgraph.name = graph.name
    subgraph.tensors = []
    index = {name: i for i, name in enumerate(graph.tensors)}
    for tensor in graph.tensors.values():
        subgraph.tensors.append(_tensor(tensor.name, tensor.type))
        if tensor.data is not None:
            subgraph.tensors[-1].buffer = len(model.buffers)
            model.buffers.append(_buffer(tensor.data))
    operators = sorted({tflite_name(node.op) for node in graph.nodes})
    subgraph.operators = []
    for node in graph.nodes:
        written = schema.OperatorT()
        written.inputs = [-1 if name is None else index[name] for name in node.inputs]
        written.outputs = [index[name] for name in node.outputs]
        written.opcodeIndex = operators.index(tflite_name(node.op))
        _set_options(written, tflite_name(node.op), node.attributes)
        subgraph.operators.append(written)
    subgraph.inputs = [index[name] for name in graph.inputs]
    subgraph.outputs = [index[name] for name in graph.outputs]
    model.subgraphs = [subgraph]
    model.operatorCodes = [_operator_code(operator) for operator in operators]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: str, type_: TensorType) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.type = name, _TYPES[type_.dtype]
    tensor.shape = list(type_.shape)
    tensor.buffer = 0
    if type_.quantization is not None:
        q = schema.QuantizationParametersT()
        q.scale = np.array(type_.quantization.scales, np.float32)
        q.zeroPoint = np.array(type_.quantization.zero_points, np.int64)
        q.quantizedDimension = type_.quantization.axis
        tensor.quantization = q
    return tensor


def _operator_code(operator: str) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = _VERSIONS.get(operator, 1)
    return code


def _buffer(values: np.ndarray | None) -> Any:
    buffer = schema.BufferT()
    if values is not None:
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return buffer


def _set_options(node: Any, operator: str, options: Any) -> None:
    if not options and operator in _OFTEN_WITHOUT_OPTIONS:
        return
    table = options_table(operator)
    kind = getattr(schema.BuiltinOptions, table, None)
    if kind is None:
        return
    node.builtinOptionsType = kind
    node.builtinOptions = getattr(schema, f"{table}T")()
    for field, value in options.items():
        first, *rest = field.split("_")
        name = first + "".join(part.capitalize() for part in rest)
        if not hasattr(node.builtinOptions, name):
            raise AttributeError(f"{table} has no field {name}")
        setattr(node.builtinOptions, name, value)
