"""Nodes and tensors that no output needs are dropped.

Before: a bound graph. After: every node writes a state or something that an output of the graph needs, and every tensor
is read, written, or an input or output of the graph. Inputs stay, read or not: they are the model's interface.
"""

from __future__ import annotations

from mcuq.ir import Graph, Node


def remove_dead(graph: Graph) -> Graph:
    needed = {*graph.outputs, *(state.name for state in graph.states)}
    nodes: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            nodes.append(node)
            needed.update(name for name in node.inputs if name is not None)
    written = {name for node in nodes for name in node.outputs}
    read = {name for node in nodes for name in node.inputs if name is not None}
    kept = read | written | {*graph.inputs, *graph.outputs}
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in kept}
    return Graph(graph.name, tensors, tuple(reversed(nodes)), graph.inputs, graph.outputs)
