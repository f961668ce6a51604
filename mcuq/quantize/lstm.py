"""UNIDIRECTIONAL_SEQUENCE_LSTM to int8, which the quantizer leaves in float between conversions.

Weights have one scale for each matrix, biases are int32. The hidden state has the output's range. The cell state is
int16: each step adds less than one to it, so the number of steps bounds it without calibration, unless it goes on from
one inference to the next.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.flatbuffer import add_buffer, constant, operator_name

WEIGHTS, BIASES = range(1, 9), range(12, 16)
HIDDEN, CELL = 18, 19
STATEFUL = "stateful_cell"
"""How the name of a cell state ends that is not reset before each inference."""
MOST_BITS = 4
"""Integer bits of a cell state: LiteRT's tanh takes no more. A state past 16 is clipped there."""


def quantize_lstm(model: Any) -> None:
    """Makes each float LSTM of the ``ModelT`` tree between DEQUANTIZE and QUANTIZE an int8 one, in place."""
    subgraph = model.subgraphs[0]
    writers = {int(index): op for op in subgraph.operators for index in op.outputs}
    gone: list[Any] = []
    for operator in subgraph.operators:
        if operator_name(model, operator) != "UNIDIRECTIONAL_SEQUENCE_LSTM":
            continue
        before = writers.get(int(operator.inputs[0]))
        after = [op for op in subgraph.operators if int(operator.outputs[0]) in list(op.inputs)]
        if (
            before is None
            or operator_name(model, before) != "DEQUANTIZE"
            or [operator_name(model, op) for op in after] != ["QUANTIZE"]
            or int(operator.outputs[0]) in list(subgraph.outputs)
        ):
            continue
        operator.inputs[0], operator.outputs[0] = int(before.inputs[0]), int(after[0].outputs[0])
        _quantize(model, operator)
        gone += after
    read = {int(index) for op in subgraph.operators if op not in gone for index in op.inputs}
    read |= {int(index) for index in subgraph.outputs}
    subgraph.operators = [
        op
        for op in subgraph.operators
        if op not in gone and not (operator_name(model, op) == "DEQUANTIZE" and int(op.outputs[0]) not in read)
    ]


def _quantize(model: Any, operator: Any) -> None:
    tensors = model.subgraphs[0].tensors
    data, output = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
    for index in WEIGHTS:
        _store(model, tensors[operator.inputs[index]], _scale(model, tensors[operator.inputs[index]]), np.int8)
    for index, of_weights in zip(BIASES, WEIGHTS, strict=False):
        scale = float(data.quantization.scale[0]) * float(tensors[operator.inputs[of_weights]].quantization.scale[0])
        _store(model, tensors[operator.inputs[index]], scale, np.int32)
    hidden, cell = tensors[operator.inputs[HIDDEN]], tensors[operator.inputs[CELL]]
    hidden.type, hidden.quantization = schema.TensorType.INT8, output.quantization
    steps = int(data.shape[0 if operator.builtinOptions.timeMajor else 1])
    goes_on = _text(cell).endswith(STATEFUL)
    bits = MOST_BITS if goes_on else min(MOST_BITS, math.ceil(math.log2(steps)))
    cell.type, cell.quantization = schema.TensorType.INT16, _quantization(2.0 ** (bits - 15))
    operator.intermediates = []
    for number in range(5):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = f"{_text(output)}/intermediate_{number}".encode(), [0], 0
        tensor.type, tensor.hasRank = schema.TensorType.FLOAT32, True
        if number == 4:  # the one that says the scale of the hidden state
            tensor.type, tensor.quantization = schema.TensorType.INT8, output.quantization
        tensors.append(tensor)
        operator.intermediates.append(len(tensors) - 1)


def _text(tensor: Any) -> str:
    return bytes(tensor.name or b"").decode("utf-8", "replace")


def _scale(model: Any, tensor: Any) -> float:
    values = constant(model, tensor, np.float32)
    assert values is not None
    return max(float(np.abs(values).max(initial=0.0)), 2.0**-16) / 127


def _store(model: Any, tensor: Any, scale: float, dtype: type[np.signedinteger[Any]]) -> None:
    values = constant(model, tensor, np.float32)
    assert values is not None
    limits = np.iinfo(dtype)
    least = -127 if dtype is np.int8 else limits.min
    scaled: npt.NDArray[np.float64] = np.rint(values.astype(np.float64) / scale)
    tensor.buffer = add_buffer(model, np.clip(scaled, least, limits.max).astype(dtype))
    tensor.type = schema.TensorType.INT8 if dtype is np.int8 else schema.TensorType.INT32
    tensor.quantization = _quantization(scale)


def _quantization(scale: float) -> Any:
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint = np.array([scale], np.float32), np.array([0], np.int64)
    return made
