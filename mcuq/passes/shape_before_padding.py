"""A shape with more axes of size 1 comes before padding, so that the padding stands next to the convolution.

Before: a bound graph. After: where only a RESHAPE, EXPAND_DIMS or SQUEEZE that adds axes of size 1 reads a PAD or PADV2
(Conv1D with causal padding), the shape changes first and then the same padding is made along the same axes, where
``fuse_padding`` finds it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mcuq.ir import DType, Graph, Layer, Node, Tensor, TensorType
from mcuq.ops import operators
from mcuq.ops.pad import Pad, merged_axes
from mcuq.ops.reshape import Reshape

Pairs = tuple[tuple[int, int], ...]


def shape_before_padding(graph: Graph) -> Graph:
    for node in graph.nodes:
        pad = graph.producer(node.inputs[0] or "") if operators()[node.op].aliases else None
        if pad is None or pad.op not in ("PAD", "PADV2"):
            continue
        between = pad.outputs[0]
        paddings = _along(graph.layer(node), pad.attributes.paddings)
        if paddings is not None and between not in graph.outputs and len(graph.consumers(between)) == 1:
            graph = _swapped(graph, pad, node, paddings)
    return graph


def _along(shape: Layer, paddings: Pairs) -> Pairs | None:
    """The paddings of the axes of ``shape``'s output, new ones with none; None where it changes more."""
    left = list(zip(shape.input(0).shape, paddings, strict=True))
    found = []
    for size in shape.output.shape:
        if left and left[0][0] == size:
            found.append(left.pop(0)[1])
        elif size == 1:
            found.append((0, 0))
        else:
            return None
    return None if left else tuple(found)


def _swapped(graph: Graph, pad: Node, shape: Node, paddings: Pairs) -> Graph:
    x, y = graph.layer(pad).input(0), graph.layer(shape).output
    sizes = tuple(size - sum(pair) for size, pair in zip(y.shape, paddings, strict=True))
    name, table = f"{y.name} unpadded", np.array(paddings, np.int32)
    table.flags.writeable = False
    made = (
        Tensor(name, dataclasses.replace(x.type, shape=sizes)),
        Tensor(f"{y.name} paddings", TensorType(table.shape, DType.INT32), table),
    )
    attributes = Pad(paddings, merged_axes(sizes, paddings))
    nodes: list[Node] = []
    for node in graph.nodes:
        if node is shape:
            inputs = (name, made[1].name, *pad.inputs[2:])
            nodes.append(Node(shape.name, "RESHAPE", Reshape(None), (x.name,), (name,)))
            nodes.append(Node(pad.name, pad.op, attributes, inputs, shape.outputs))
        elif node is not pad:
            nodes.append(node)
    tensors = {**graph.tensors, **{tensor.name: tensor for tensor in made}}
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)
