"""Bytes that become real values and bytes again become a table.

Before: a bound graph. After: a QUANTIZE that reads what a DEQUANTIZE of bytes wrote is a TABLE of all 256 bytes, which
reads what that read; the DEQUANTIZE is dead where nobody else reads it. Where both have one quantization the table
gives back each byte, and goes as well.
"""

from __future__ import annotations

from mcuq.ir import Graph, Node
from mcuq.ops.rules import BYTE
from mcuq.ops.table import Table, of_all_bytes


def fuse_conversions(graph: Graph) -> Graph:
    nodes: list[Node] = []
    for node in graph.nodes:
        before = graph.producer(node.inputs[0] or "") if node.op == "QUANTIZE" else None
        if before is None or before.op != "DEQUANTIZE" or graph.layer(before).input(0).type.dtype not in BYTE:
            nodes.append(node)
            continue
        values = bytes(of_all_bytes(graph.layer(before), graph.layer(node)))
        nodes.append(Node(node.name, "TABLE", Table(values), before.inputs, node.outputs))
    return Graph(graph.name, graph.tensors, tuple(nodes), graph.inputs, graph.outputs)
