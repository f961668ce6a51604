"""Functions of one byte, one behind the other, become one table.

Before: a bound graph. After: where a function of one byte (RELU, LOGISTIC, QUANTIZE between bytes and so on) is read by
another alone, one TABLE gives what both give, for all 256 bytes.
"""

from __future__ import annotations

from mcuq.ir import Graph, Node
from mcuq.ops import operators
from mcuq.ops.table import Table, of_all_bytes


def fuse_tables(graph: Graph) -> Graph:
    nodes: dict[str, Node] = {node.outputs[0]: node for node in graph.nodes}
    for node in graph.nodes:
        before = nodes.get(node.inputs[0] or "")
        if before is None or not (_is_table(graph, node) and _is_table(graph, before)):
            continue
        between = before.outputs[0]
        if between in graph.outputs or len(graph.consumers(between)) != 1:
            continue
        values = bytes(of_all_bytes(graph.layer(before), graph.layer(node)))
        nodes[node.outputs[0]] = Node(node.name, "TABLE", Table(values), before.inputs, node.outputs)
        del nodes[between]
    return Graph(graph.name, graph.tensors, tuple(nodes.values()), graph.inputs, graph.outputs)


def _is_table(graph: Graph, node: Node) -> bool:
    if not operators()[node.op].of_a_byte:
        return False
    layer = graph.layer(node)
    return layer.input(0).type.dtype.bytes == 1 and layer.output.type.dtype.bytes == 1
