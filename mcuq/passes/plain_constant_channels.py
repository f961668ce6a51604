"""Constant channels that have to stay are computed in the plainest way: no weights, and a small bias.

Before: a bound graph. After: the same bytes, but an output channel of a convolution that cannot change has weights of
zero and a bias and scale that give its value. Training leaves such channels with tiny scales and biases near the limits
of int32; one of them would keep a whole layer from kernels whose requantization is proven for smaller accumulators.
"""

from __future__ import annotations

import numpy as np

from mcuq.fixedpoint import requantize_double
from mcuq.ir import DType, Graph, Layer, Node, Quantization, Tensor, TensorType
from mcuq.ops.activation import quantized_range
from mcuq.ops.weighted import bias_values, channel_requantization
from mcuq.passes.ranges import Range, channel_ranges

CHANNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}
FACTOR = 2.0**-8
"""From accumulators to outputs: any output is then a bias below 2**16."""


def plain_constant_channels(graph: Graph) -> Graph:
    ranges = channel_ranges(graph)
    tensors = dict(graph.tensors)
    nodes = [_plain(node, graph.layer(node), ranges.get(node.outputs[0]), tensors) for node in graph.nodes]
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)


def _plain(node: Node, layer: Layer, found: Range | None, tensors: dict[str, Tensor]) -> Node:
    """``node`` with its constant channels made plain; its new weights and bias are put into ``tensors``."""
    axis = CHANNEL_AXES.get(node.op)
    if axis is None or found is None or not found.constant.any():
        return node
    weights, y = layer.input(1), layer.output.type
    quantization = weights.type.quantization
    assert weights.data is not None and quantization is not None
    constant = found.constant
    scales = np.broadcast_to(quantization.scales, constant.shape)
    scales = np.where(constant, FACTOR * y.scale / layer.input(0).type.scale, scales)
    bias = np.where(constant, (found.low - y.zero_point) * round(1 / FACTOR), bias_values(layer))
    by_channel = np.moveaxis(weights.data.copy(), axis, 0)
    by_channel[constant] = 0
    made = (
        _constant(f"{node.outputs[0]} plain weights", np.moveaxis(by_channel, 0, axis), scales, axis),
        _constant(f"{node.outputs[0]} plain bias", bias.astype(np.int32)),
    )
    plain = Layer(node.name, node.op, node.attributes, (layer.inputs[0], *made), layer.outputs)
    if not np.array_equal(_constant_outputs(plain)[constant], found.low[constant]):
        return node
    tensors.update((tensor.name, tensor) for tensor in made)
    return Node(node.name, node.op, node.attributes, (node.inputs[0], *(tensor.name for tensor in made)), node.outputs)


def _constant_outputs(layer: Layer) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """What each channel would be if all its weights were zero."""
    scaled = requantize_double(bias_values(layer).astype(np.int64), *channel_requantization(layer))
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    return np.clip(scaled + layer.output.type.zero_point, low, high)


def _constant(
    name: str,
    values: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    scales: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None = None,
    axis: int = 0,
) -> Tensor:
    data = np.ascontiguousarray(values)
    data.flags.writeable = False
    quantization = None
    if scales is not None:
        quantization = Quantization(tuple(float(scale) for scale in scales), (0,) * len(scales), axis)
    return Tensor(name, TensorType(data.shape, DType(data.dtype.name), quantization), data)
