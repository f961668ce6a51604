"""Nodes whose inputs are all constant, or that need only their shapes, become constants.

Before: a bound graph. After: the same graph without these nodes; their outputs are constants that the operators'
references computed. A node that writes an output of the graph stays, so that outputs are always written by a node;
so does one that writes a state, and one whose outputs are larger than any flash.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Graph, Node, Tensor
from mcuq.ops import operators

MAX_BYTES = 1 << 22


def fold_constants(graph: Graph) -> Graph:
    tensors = dict(graph.tensors)
    nodes: list[Node] = []
    stay = {*graph.outputs, *(state.name for state in graph.states)}
    for node in graph.nodes:
        inputs = [None if name is None else tensors[name] for name in node.inputs]
        operator = operators()[node.op]
        constant = operator.of_shapes or (all(t is None or t.constant for t in inputs) and any(inputs))
        size_bytes = sum(tensors[name].type.bytes for name in node.outputs)
        if not constant or set(node.outputs) & stay or size_bytes > MAX_BYTES:
            nodes.append(node)
            continue
        # Layers see the tensors as folded so far, so chains fold in one go.
        layer = Graph(graph.name, tensors, (), (), ()).layer(node)
        values = operator.reference(layer, [None if t is None else t.data for t in inputs])
        for name, array in zip(node.outputs, values, strict=True):
            data = np.ascontiguousarray(array).reshape(tensors[name].shape)
            data.flags.writeable = False
            tensors[name] = Tensor(name, tensors[name].type, data)
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)
