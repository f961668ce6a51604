"""Layers that only move elements, one behind the other, become one copy, or none.

Before: a bound graph. After: where a layer that moves elements (TRANSPOSE, SLICE, REVERSE_V2, BROADCAST_TO …) alone
reads what another has moved, also through a RESHAPE, and the two are one walk by strides, a COPY does it at once. What
ends up as the same bytes in the same order is a RESHAPE, which costs nothing: transposes that cancel, slices of all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcuq.ir import Graph, Layer, Node
from mcuq.ops import operators
from mcuq.ops.base import Array
from mcuq.ops.copy import Copy
from mcuq.ops.reshape import Reshape

MOST_BYTES = 1 << 24
"""Larger tensors, which fit no board, are left as they are: looking at them takes memory, too."""


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor's elements as a view of another tensor, ``root``, whose place is ``array``.

    ``walked`` is in the tensor's order, ``shaped`` has its shape, too (None where no view has). ``copies``: how many
    layers have copied between the two.
    """

    root: str
    array: Array
    walked: Array
    shaped: Array | None
    copies: int

    @property
    def same_bytes(self) -> bool:
        whole = self.walked.size == self.array.size and self.walked.flags.c_contiguous
        return whole and _offset(self.walked, self.array) == 0


def merge_moves(graph: Graph) -> Graph:
    views: dict[str, _View] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        view = _view(graph, graph.layer(node), views)
        if view is None:
            nodes.append(node)
            continue
        views[node.outputs[0]] = view
        nodes.append(_merged(node, view))
    return Graph(graph.name, graph.tensors, tuple(nodes), graph.inputs, graph.outputs)


def _merged(node: Node, view: _View) -> Node:
    """``node``, or what does at once what it and the layers before it do."""
    if operators()[node.op].aliases:
        return node
    if view.same_bytes:
        return Node(node.name, "RESHAPE", Reshape(None), (view.root,), node.outputs)
    if view.copies < 2:
        return node
    size = view.array.itemsize
    strides = tuple(step // size for step in view.walked.strides)
    attributes = Copy(_offset(view.walked, view.array) // size, view.walked.shape, strides)
    return Node(node.name, "COPY", attributes, (view.root,), node.outputs)


def _offset(view: Array, array: Array) -> int:
    """In bytes."""
    found: int = view.__array_interface__["data"][0] - array.__array_interface__["data"][0]
    return found


def _view(graph: Graph, layer: Layer, views: dict[str, _View]) -> _View | None:
    """The layer's output as a view of its input, or of what that is a view of."""
    operator = operators()[layer.op]
    read = [tensor for tensor in layer.inputs if tensor is not None and not tensor.constant]
    if not (operator.aliases or operator.moves) or len(read) != 1 or len(layer.outputs) != 1:
        return None
    (x,) = read
    if not x.in_arena or not layer.output.in_arena:  # a state may have changed when it is read later
        return None
    if max(x.type.bytes, layer.output.type.bytes) > MOST_BYTES:
        return None
    private = x.name not in graph.outputs and len(graph.consumers(x.name)) == 1
    before = views.get(x.name) if private else None
    if before is None or before.shaped is None:
        array = np.empty(x.shape, x.type.dtype.numpy)
        before = _View(x.name, array, array, array, 0)
    assert before.shaped is not None
    if operator.moves is None:
        walked, copies = before.shaped, before.copies
    else:
        inputs = [before.shaped if t is x else t.data for t in layer.inputs if t is not None]
        output = np.empty(layer.output.shape, layer.output.type.dtype.numpy)
        moved = list(operator.moves(layer, [values for values in inputs if values is not None], (output,)))
        found = _in_order(*moved[0], output) if len(moved) == 1 else None
        if found is None or not np.may_share_memory(found, before.array):
            return None
        walked, copies = found, before.copies + 1
    shaped = walked.reshape(layer.output.shape)
    shaped_is_view = np.may_share_memory(shaped, before.array)
    return _View(before.root, before.array, walked, shaped if shaped_is_view else None, copies)


def _in_order(to: Array, source: Array, output: Array) -> Array | None:
    """``source`` with its axes in the order in which the whole of ``output`` is written; None where it is not."""
    order = sorted(range(to.ndim), key=lambda axis: (-to.strides[axis], axis))
    if to.size != output.size or not to.transpose(order).flags.c_contiguous:
        return None
    found: Array = source.transpose(order)
    return found
