"""Shapes that a model computes at run time although they are known: what ``Flatten`` becomes in stock files.

TFLite's converter leaves SHAPE → STRIDED_SLICE → PACK → RESHAPE where the batch is unknown. The batch is one here,
and the file says what shape the output has then. Nothing else is simplified.
"""

from __future__ import annotations

from mcuq.ir import Graph, Node


def with_static_shapes(graph: Graph) -> Graph:
    """``graph`` with each RESHAPE to a computed shape made one to its output's shape.

    The operators that only computed such a shape are left out.
    """
    nodes: list[Node] = []
    dropped: set[str] = set()
    for node in graph.nodes:
        shape = node.inputs[1] if node.op == "RESHAPE" and len(node.inputs) > 1 else None
        if shape is not None and not graph.tensors[shape].constant and shape not in graph.inputs:
            dropped.add(shape)
            nodes.append(Node(node.name, node.op, {}, node.inputs[:1], node.outputs))
        else:
            nodes.append(node)
    if not dropped:
        return graph
    return Graph(graph.name, graph.tensors, _without_unread(nodes, dropped, graph.outputs), graph.inputs, graph.outputs)


def _without_unread(nodes: list[Node], dropped: set[str], outputs: tuple[str, ...]) -> tuple[Node, ...]:
    """Without the nodes that only wrote what is ``dropped`` now, and those that only wrote for them."""
    read: set[str | None] = set(outputs)
    kept: list[Node] = []
    for node in reversed(nodes):  # readers stand after writers
        if dropped.intersection(node.outputs) and not read.intersection(node.outputs):
            dropped.update(name for name in node.inputs if name is not None)
            continue
        kept.append(node)
        read.update(node.inputs)
    return tuple(reversed(kept))
