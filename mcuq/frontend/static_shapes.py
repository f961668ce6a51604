"""Shapes that a model computes at run time although they are known: what ``Flatten`` becomes in stock files.

TFLite's converter leaves SHAPE → STRIDED_SLICE → PACK → RESHAPE where the batch is unknown. The batch is one here, so
such integers are constants, on which rules of other operators may rely. A RESHAPE to a shape that is computed
in a way unknown here takes the shape that the file says the output has. Nothing else is simplified.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mcuq.ir import DType, Graph, Layer, Node, Tensor
from mcuq.ops import operators
from mcuq.ops.base import Array

INTEGERS = (DType.INT32, DType.INT64)
MOST_ELEMENTS = 1 << 16


def with_static_shapes(graph: Graph) -> Graph:
    """``graph`` without the operators that only computed known integers, and with each RESHAPE to a known shape."""
    return _with_known_reshapes(_with_known_integers(graph))


def _with_known_integers(graph: Graph) -> Graph:
    tensors = dict(graph.tensors)
    nodes: list[Node] = []
    for node in graph.nodes:
        # Layers see the tensors as known so far, so chains fold in one go.
        layer = Graph(graph.name, tensors, (), (), ()).layer(node)
        values = None if set(node.outputs) & set(graph.outputs) else _known_integers(layer)
        if values is None:
            nodes.append(node)
            continue
        for tensor, array in zip(layer.outputs, values, strict=True):
            data = np.ascontiguousarray(array).reshape(tensor.shape)
            data.flags.writeable = False
            tensors[tensor.name] = Tensor(tensor.name, tensor.type, data)
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)


def _known_integers(layer: Layer) -> tuple[Array, ...] | None:
    """What ``layer``, whose attributes are the file's options, makes of constants; None where it is not known."""
    operator = operators().get(layer.op)
    if operator is None or not (operator.of_shapes or all(t is None or t.constant for t in layer.inputs)):
        return None
    if not any(layer.inputs) or not all(t.in_arena for t in layer.outputs):
        return None
    if any(t.type.dtype not in INTEGERS or t.type.elements > MOST_ELEMENTS for t in layer.outputs):
        return None
    try:
        bound = dataclasses.replace(layer, attributes=operator.attributes(layer.attributes, layer))
        if operator.broken_rule(bound) is not None:
            return None
        return operator.reference(bound, [None if t is None else t.data for t in layer.inputs])
    except (ValueError, IndexError, ZeroDivisionError, OverflowError):
        return None


def _with_known_reshapes(graph: Graph) -> Graph:
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
