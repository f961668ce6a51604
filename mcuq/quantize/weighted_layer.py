"""The layers of a float model whose weights schemes round: weights as rows, and the inputs that each row multiplies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.frontend.tflite import read_tflite
from mcuq.ops.conv_geometry import Axis, axis
from mcuq.quantize.bias_range import CHANNEL_AXIS
from mcuq.quantize.flatbuffer import constant, operator_name, tensor_name, write_model
from mcuq.quantize.scheme import Array


@dataclass(frozen=True, slots=True, eq=False)
class WeightedLayer:
    """Operator number ``index`` of a ``ModelT`` tree. ``weights`` are in TFLite's layout, ``name`` is for people."""

    index: int
    name: str
    op: str
    operator: Any
    weights: Array
    shapes: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def depthwise(self) -> bool:
        return self.op == "DEPTHWISE_CONV_2D"

    @property
    def row_kinds(self) -> tuple[int, int]:
        """How many rows differ in what they multiply (1, or the channels of a depthwise layer), and their depth."""
        channels = self.weights.shape[CHANNEL_AXIS[self.op]]
        return channels if self.depthwise else 1, self.weights.size // channels

    def rows(self) -> Array:
        """The weights as float64 (channels, depth)."""
        moved = np.moveaxis(self.weights, CHANNEL_AXIS[self.op], 0)
        return np.asarray(moved.reshape(len(moved), -1), np.float64)

    def unrolled(self, rows: Array) -> Array:
        """Values (channels, depth) in the layout of the weights."""
        axis_of_channels = CHANNEL_AXIS[self.op]
        rest = tuple(np.delete(self.weights.shape, axis_of_channels))
        return np.moveaxis(rows.reshape(-1, *rest), 0, axis_of_channels)

    def windows(self, values: Array) -> Array:
        """What the rows of weights multiply, for one input ``values`` (1, ...).

        (1, windows, depth) where all rows multiply the same, (channels, windows, depth) in a depthwise layer.
        """
        if self.op == "FULLY_CONNECTED":
            return np.asarray(values.reshape(1, -1, self.weights.shape[-1]), np.float32)
        taps = self._taps(values)  # (rows, columns, taps, channels)
        _, _, count, channels = taps.shape
        if not self.depthwise:
            return np.asarray(taps.reshape(1, -1, count * channels), np.float32)
        multiplier = self.weights.shape[3] // channels
        by_channel = taps.reshape(-1, count, channels).transpose(2, 0, 1)
        return np.asarray(np.repeat(by_channel, multiplier, axis=0), np.float32)

    def _taps(self, values: Array) -> Array:
        height, width = self._axes()
        (padded,) = np.pad(
            values,
            ((0, 0), (height.pad_before, height.pad_after), (width.pad_before, width.pad_after), (0, 0)),
        )
        rows = [
            padded[y : y + (height.output - 1) * height.stride + 1 : height.stride]
            for y in range(0, height.window * height.dilation, height.dilation)
        ]
        taps = [
            row[:, x : x + (width.output - 1) * width.stride + 1 : width.stride]
            for row in rows
            for x in range(0, width.window * width.dilation, width.dilation)
        ]
        return np.stack(taps, axis=2)

    def _axes(self) -> tuple[Axis, Axis]:
        o, (_, h, w, _), (_, kernel_h, kernel_w, _) = self.operator.builtinOptions, self.shapes[0], self.weights.shape
        return (
            axis(h, kernel_h, o.strideH, o.dilationHFactor, o.padding),
            axis(w, kernel_w, o.strideW, o.dilationWFactor, o.padding),
        )


def weighted_layers(model: Any) -> tuple[WeightedLayer, ...]:
    """The layers of a ``ModelT`` tree with constant float32 weights of their own, in the order of execution.

    Grouped convolutions are left out. Layers are called as in reports.
    """
    names = {node.outputs[0]: node.name for node in read_tflite(write_model(model), "the model").nodes}
    subgraph = model.subgraphs[0]
    users = Counter(int(index) for operator in subgraph.operators for index in operator.inputs)
    found = []
    for index, operator in enumerate(subgraph.operators):
        op = operator_name(model, operator)
        if op not in CHANNEL_AXIS or len(operator.inputs) < 2 or users[int(operator.inputs[1])] > 1:
            continue
        source, tensor, output = (subgraph.tensors[i] for i in (*operator.inputs[:2], operator.outputs[0]))
        weights = None if tensor.type != schema.TensorType.FLOAT32 else constant(model, tensor, np.float32)
        shapes = _shape(source), _shape(output)
        if weights is None or weights.size == 0 or not np.isfinite(weights).all() or not _plain(op, weights, shapes[0]):
            continue
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0 and _bias(model, operator) is None:
            continue
        found.append(WeightedLayer(index, names[tensor_name(output)], op, operator, weights, shapes))
    return tuple(found)


def _bias(model: Any, operator: Any) -> Array | None:
    return constant(model, model.subgraphs[0].tensors[operator.inputs[2]], np.float32)


def _plain(op: str, weights: Array, source: tuple[int, ...]) -> bool:
    """Does each row multiply whole windows of the input?"""
    if op == "FULLY_CONNECTED":
        return weights.ndim == 2 and int(np.prod(source)) % weights.shape[1] == 0
    if len(source) != 4 or weights.ndim != 4:
        return False
    rest = weights.shape[3] % source[3] if op == "DEPTHWISE_CONV_2D" else weights.shape[3] - source[3]
    return bool(rest == 0)


def _shape(tensor: Any) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
