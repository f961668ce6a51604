"""Functions of one byte, one behind the other, become one table.

Before: a bound graph. After: where a function of one byte (RELU, LOGISTIC, QUANTIZE between bytes and so on) is read by
another alone, one TABLE gives what both give, for all 256 bytes.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Graph, Layer, Node, Tensor, TensorType
from mcuq.ops import operators
from mcuq.ops.table import Table


def fuse_tables(graph: Graph) -> Graph:
    nodes: dict[str, Node] = {node.outputs[0]: node for node in graph.nodes}
    for node in graph.nodes:
        before = nodes.get(node.inputs[0] or "")
        if before is None or not (_is_table(graph, node) and _is_table(graph, before)):
            continue
        between = before.outputs[0]
        if between in graph.outputs or len(graph.consumers(between)) != 1:
            continue
        values = bytes(_table(graph.layer(node))[_table(graph.layer(before))])
        nodes[node.outputs[0]] = Node(node.name, "TABLE", Table(values), before.inputs, node.outputs)
        del nodes[between]
    return Graph(graph.name, graph.tensors, tuple(nodes.values()), graph.inputs, graph.outputs)


def _is_table(graph: Graph, node: Node) -> bool:
    if not operators()[node.op].of_a_byte:
        return False
    layer = graph.layer(node)
    return layer.input(0).type.dtype.bytes == 1 and layer.output.type.dtype.bytes == 1


def _table(layer: Layer) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """The output byte for each input byte, both read as 0 .. 255."""
    x, y = (
        Tensor(tensor.name, TensorType((256,), tensor.type.dtype, tensor.type.quantization))
        for tensor in (layer.input(0), layer.output)
    )
    every = np.arange(256, dtype=np.uint8).view(x.type.dtype.numpy)
    (outputs,) = operators()[layer.op].reference(Layer(layer.name, layer.op, layer.attributes, (x,), (y,)), [every])
    return outputs.view(np.uint8)
