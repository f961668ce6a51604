"""Layers that write the bytes they read are not run.

Before: a bound graph. After: a function of one byte that gives back each byte that can arrive there (a RELU behind a
RELU, a QUANTIZE to the same scale), padding of nothing, and a RESHAPE to the same shape are gone: their readers read
what they read, or, where scales differ, the same bytes under another name, which costs nothing either (RESHAPE).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mcuq.ir import DType, Graph, Layer, Node
from mcuq.ops import operators
from mcuq.ops.reshape import Reshape
from mcuq.passes.ranges import Range, channel_ranges


def remove_identities(graph: Graph) -> Graph:
    ranges = channel_ranges(graph)
    instead: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(None if name is None else instead.get(name, name) for name in node.inputs)
        layer = graph.layer(node)
        source, output = inputs[0], node.outputs[0]
        if source is None or output in graph.outputs or not _is_identity(layer, ranges):
            nodes.append(Node(node.name, node.op, node.attributes, inputs, node.outputs))
        elif graph.tensors[source].type == layer.output.type:
            instead[output] = source
        else:
            nodes.append(Node(node.name, "RESHAPE", Reshape(None), (source,), node.outputs))
    return Graph(graph.name, graph.tensors, tuple(nodes), graph.inputs, graph.outputs)


def _is_identity(layer: Layer, ranges: Mapping[str, Range]) -> bool:
    x = layer.input(0)
    if operators()[layer.op].aliases:
        return x.type == layer.output.type
    if layer.op == "PAD":
        return not any(any(pair) for pair in layer.attributes.paddings)
    if not operators()[layer.op].of_a_byte or x.name not in ranges:
        return False
    if x.type.dtype is not DType.INT8 or layer.output.type.dtype is not DType.INT8:
        return False
    found = ranges[x.name]
    values = np.arange(int(found.low.min()), int(found.high.max()) + 1).astype(np.int8)
    (answers,) = operators()[layer.op].reference(layer, [values])
    return bool(np.array_equal(answers, values))
