"""A RELU, RELU6, RELU_N1_TO_1 or RELU_0_TO_1 of its own becomes the fused activation of the layer before it.

Before: a bound graph. After: such a node is gone where it is a clamp of its input's quantized values that the layer in
front, which nobody else reads, can do as its fused activation. That the clamps agree is checked on all values.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mcuq.ir import DType, Graph, Layer, Node
from mcuq.ops import operators
from mcuq.ops.activation import Activation, is_clamp, quantized_range

CLAMPS = ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
CLAMPING = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "TRANSPOSE_CONV",
    "FULLY_CONNECTED",
    "ADD",
    "SUB",
    "MUL",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
)
"""Operators whose kernels end in a clamp of their own."""

UNCLAMPED = np.arange(-(1 << 10), 1 << 10)
"""Values before the clamp of the layer in front: those past int8 stand for all beyond them."""


def fuse_activations(graph: Graph) -> Graph:
    fused: dict[str, Node] = {}  # output of the clamp → the layer in front, rewritten
    gone: set[str] = set()
    for node in graph.nodes:
        if node.op not in CLAMPS:
            continue
        name = node.inputs[0]
        assert name is not None
        before = fused.get(name) or graph.producer(name)
        if before is None or before.op not in CLAMPING or name in graph.outputs or len(graph.consumers(name)) != 1:
            continue
        activation = _fusable(graph.layer(node), before.attributes.activation)
        if activation is not None:
            attributes = dataclasses.replace(before.attributes, activation=activation)
            fused[node.outputs[0]] = Node(before.name, before.op, attributes, before.inputs, node.outputs)
            gone.add(name)
    nodes = [fused.get(node.outputs[0], node) for node in graph.nodes if node.outputs[0] not in gone]
    return Graph(graph.name, graph.tensors, tuple(nodes), graph.inputs, graph.outputs)


def _fusable(layer: Layer, done: Activation) -> Activation | None:
    """The fused activation that does what ``done`` and then ``layer`` do; None where there is none."""
    x, y = layer.input(0).type, layer.output.type
    if x.quantization != y.quantization or x.dtype is not DType.INT8:
        return None
    values = np.clip(UNCLAMPED, *quantized_range(done, x)).astype(np.int8)
    (wanted,) = operators()[layer.op].reference(layer, [values])
    for activation in Activation:
        if is_clamp(activation) and np.array_equal(np.clip(UNCLAMPED, *quantized_range(activation, y)), wanted):
            return activation
    return None
