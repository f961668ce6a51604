"""Padding in front of convolutions and of maximum poolings becomes their own.

Before: a bound graph. After: a PAD or PADV2 of height and width is gone where every reader is a convolution, also a
depthwise one, and the padding is the zero point, which adds nothing there; or where every reader is a MAX_POOL_2D and
no value of the input is less than the padding. Every window keeps a tap inside the input.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mcuq.ir import Graph, Layer, Node
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.pad import Pad, fill_value
from mcuq.passes.ranges import Range, channel_ranges

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def fuse_padding(graph: Graph) -> Graph:
    ranges = channel_ranges(graph)
    fused = {
        node.outputs[0]: graph.layer(node)
        for node in graph.nodes
        if node.op in ("PAD", "PADV2") and node.outputs[0] not in graph.outputs and _fuses(graph, node, ranges)
    }
    nodes = [_fused(node, fused) for node in graph.nodes if node.outputs[0] not in fused]
    return Graph(graph.name, graph.tensors, tuple(nodes), graph.inputs, graph.outputs)


def _fuses(graph: Graph, node: Node, ranges: Mapping[str, Range]) -> bool:
    layer = graph.layer(node)
    readers = [graph.layer(reader) for reader in graph.consumers(node.outputs[0])]
    paddings = layer.attributes.paddings
    if len(paddings) != 4 or any(paddings[0]) or any(paddings[3]) or not readers:
        return False
    if layer.input(0).type.quantization != layer.output.type.quantization:
        return False
    return all(_adds_nothing(layer, reader, ranges) and _keeps_taps_inside(layer, reader) for reader in readers)


def _adds_nothing(pad: Layer, reader: Layer, ranges: Mapping[str, Range]) -> bool:
    """Does ``reader`` compute the same from padding of its own? Only its first input is an activation."""
    value = fill_value(pad)
    if reader.op in CONVOLUTIONS:
        return value == pad.output.type.zero_point
    if reader.op == "MAX_POOL_2D":
        # What the pooling pads itself does not count at all, so it may not lie between padding that does.
        own = reader.attributes.height.pad_before + reader.attributes.width.pad_before
        found = ranges.get(pad.input(0).name)
        return not own and found is not None and bool(np.all(found.low >= value))
    return False


def _keeps_taps_inside(pad: Layer, reader: Layer) -> bool:
    return all(keeps_taps_inside(axis) for axis in _axes(pad.attributes, reader.attributes))


def keeps_taps_inside(axis: Axis) -> bool:
    """Does every window have a tap inside the input?"""
    reach = (axis.window - 1) * axis.dilation
    starts = np.arange(axis.output)[:, None] * axis.stride - axis.pad_before
    taps = starts + np.arange(axis.window) * axis.dilation
    inside = bool(((taps >= 0) & (taps < axis.input)).any(axis=1).all())
    return axis.pad_before <= reach and axis.pad_after <= reach and inside


def _axes(pad: Pad, window: Any) -> tuple[Axis, Axis]:
    """Height and width of a window operator that reads what ``pad`` read."""
    height, width = (
        dataclasses.replace(axis, input=axis.input - before - after, pad_before=axis.pad_before + before)
        for axis, (before, after) in zip((window.height, window.width), pad.paddings[1:3], strict=True)
    )
    return height, width


def _fused(node: Node, fused: Mapping[str, Layer]) -> Node:
    """``node`` reading what a fused padding read."""
    pad = fused.get(node.inputs[0] or "")
    if pad is None:
        return node
    height, width = _axes(pad.attributes, node.attributes)
    attributes = dataclasses.replace(node.attributes, height=height, width=width)
    return Node(node.name, node.op, attributes, (pad.input(0).name, *node.inputs[1:]), node.outputs)
