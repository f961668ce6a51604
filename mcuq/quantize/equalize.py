"""Cross-layer equalization: channels of neighbouring layers scaled so that one scale suits all of a layer's weights.

With no activation or a ReLU between two layers, a channel divided by s in the first and multiplied by s in the second
changes nothing in the output. s = sqrt(r1 / r2), r being the largest weight of the channel in either layer, makes
both alike (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, section 4.1).
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.bias_range import CHANNEL_AXIS
from mcuq.quantize.flatbuffer import add_buffer, constant, operator_name, tensor_name
from mcuq.quantize.scheme import Array

ROUNDS = 3
"""Of all pairs in order: a layer in the middle belongs to two."""

MOST = 64.0
"""A channel is scaled by no more, and by no less than its inverse."""

_LINEAR = (schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU)


def equalize(model: Any, bounded: Container[str]) -> int:
    """Equalizes the ``ModelT`` tree in place, tensors in ``bounded`` (whose ranges end elsewhere) left alone; returns
    how many pairs of layers there are.
    """
    pairs = list(_pairs(model, bounded))
    for _ in range(ROUNDS):
        for first, second in pairs:
            _equalize(model, first, second)
    return len(pairs)


def _pairs(model: Any, bounded: Container[str]) -> Iterator[tuple[Any, Any]]:
    subgraph = model.subgraphs[0]
    for first in subgraph.operators:
        output = int(first.outputs[0])
        readers = [op for op in subgraph.operators if output in map(int, op.inputs)]
        if len(readers) != 1 or output in map(int, subgraph.outputs) or int(readers[0].inputs[0]) != output:
            continue
        if not all(operator_name(model, op) in CHANNEL_AXIS and _own(model, op) for op in (first, readers[0])):
            continue
        if first.builtinOptions.fusedActivationFunction not in _LINEAR:
            continue
        if tensor_name(subgraph.tensors[output]) in bounded or _columns(model, first, readers[0]) is None:
            continue
        yield first, readers[0]


def _own(model: Any, operator: Any) -> bool:
    """Has the operator constant float weights and bias that no other operator reads?"""
    subgraph = model.subgraphs[0]
    indices = [int(index) for index in operator.inputs[1:3] if index >= 0]
    read = [int(index) for op in subgraph.operators for index in op.inputs]
    return all(read.count(i) == 1 and constant(model, subgraph.tensors[i], np.float32) is not None for i in indices)


def _columns(model: Any, first: Any, second: Any) -> int | None:
    """The axis of the second layer's weights that goes over the first's channels, None where none does."""
    axis = {"CONV_2D": 3, "FULLY_CONNECTED": 1, "DEPTHWISE_CONV_2D": 3}[operator_name(model, second)]
    channels = _weights(model, first).shape[CHANNEL_AXIS[operator_name(model, first)]]
    found = _weights(model, second).shape
    return axis if len(found) > axis and found[axis] == channels else None


def _equalize(model: Any, first: Any, second: Any) -> None:
    axis, columns = CHANNEL_AXIS[operator_name(model, first)], _columns(model, first, second)
    assert columns is not None
    before, after = _largest(_weights(model, first), axis), _largest(_weights(model, second), columns)
    used = (before > 0.0) & (after > 0.0)
    scale = np.where(used, np.sqrt(np.where(used, before, 1.0) / np.where(used, after, 1.0)), 1.0)
    scale = np.clip(scale, 1 / MOST, MOST)
    _multiply(model, first.inputs[1], 1 / scale, axis)
    if len(first.inputs) > 2 and first.inputs[2] >= 0:
        _multiply(model, first.inputs[2], 1 / scale, 0)
    _multiply(model, second.inputs[1], scale, columns)


def _weights(model: Any, operator: Any) -> Array:
    found = constant(model, model.subgraphs[0].tensors[operator.inputs[1]], np.float32)
    assert found is not None
    return found


def _largest(weights: Array, axis: int) -> Array:
    return np.asarray(np.abs(np.moveaxis(weights, axis, 0)).reshape(weights.shape[axis], -1).max(axis=1), np.float64)


def _multiply(model: Any, index: int, scale: Array, axis: int) -> None:
    tensor = model.subgraphs[0].tensors[index]
    values = constant(model, tensor, np.float32)
    assert values is not None
    shape = tuple(-1 if i == axis else 1 for i in range(values.ndim))
    tensor.buffer = add_buffer(model, (values * scale.reshape(shape)).astype(np.float32))
