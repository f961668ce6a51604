"""Layers with weights are told whether their inputs hold only the zero point and the value above it: kernels may count
bits.

Before: a bound graph. After: the same, with ``two_values`` of CONV_2D and FULLY_CONNECTED set where the intervals of
``ranges`` prove it.
"""

from __future__ import annotations

import dataclasses

from mcuq.ir import DType, Graph, Node
from mcuq.passes.ranges import Ranges, channel_ranges


def note_two_values(graph: Graph) -> Graph:
    ranges = channel_ranges(graph)
    nodes = tuple(_noted(graph, node, ranges) for node in graph.nodes)
    return Graph(graph.name, graph.tensors, nodes, graph.inputs, graph.outputs, graph.steps)


def _noted(graph: Graph, node: Node, ranges: Ranges) -> Node:
    if node.op not in ("CONV_2D", "FULLY_CONNECTED"):
        return node
    x = graph.layer(node).input(0)
    found = ranges.get(x.name)
    if found is None or x.type.dtype is not DType.INT8 or x.constant:
        return node
    zero = x.type.zero_point
    if int(found.low.min()) < zero or int(found.high.max()) > zero + 1:
        return node
    return dataclasses.replace(node, attributes=dataclasses.replace(node.attributes, two_values=True))
