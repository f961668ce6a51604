"""Channels that depend on nothing but the distance to the border are computed here, as constant images.

A constant channel that is not zero comes out of a padded depthwise convolution as an image: one value in the middle,
others along the border, where windows reach into the padding. So it cannot be folded into its readers' biases.

Before: a bound graph. After: such channels are gone from the depthwise convolution and from the convolution in front of
it; a CONCATENATION puts their images, from flash, behind the channels that are left, and the convolutions that read
them have their weights in that order. The bytes stay the same. It is done where it saves more multiplications than the
copying costs, more flash than the images take, and where the bytes alive at once do not grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.ir import DType, Graph, Layer, Node, Tensor, TensorType
from mcuq.ops import operators
from mcuq.ops.activation import Activation
from mcuq.ops.concatenation import Concatenation
from mcuq.passes.order_layers import LiveBytes
from mcuq.passes.ranges import Range, channel_ranges
from mcuq.passes.remove_constant_channels import multiplies, without_channels

Mask = npt.NDArray[np.bool_]

COPIED = 4
"""Multiplications that the copying of one byte is worth."""

CHANNEL_CONSTANTS_BYTES = 24
"""Bias, multiplier and shift of an output channel, in both layers."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A convolution, the depthwise convolution that alone reads it, and which of their channels are images."""

    conv: Node
    depthwise: Node
    images: Mask


def precompute_borders(graph: Graph) -> Graph:
    ranges = channel_ranges(graph)
    for depthwise in [node for node in graph.nodes if node.op == "DEPTHWISE_CONV_2D"]:
        pair = _pair(graph, depthwise, ranges)
        if pair is not None and _saves(graph, pair):
            changed = _with_images(graph, pair, ranges)
            if _peak(changed) <= _peak(graph):
                graph = changed
    return graph


def _peak(graph: Graph) -> int:
    return LiveBytes(graph).peak(range(len(graph.nodes)))


def _pair(graph: Graph, depthwise: Node, ranges: Mapping[str, Range]) -> _Pair | None:
    """The channels of ``depthwise`` that are images, where all its neighbours can do without them or in another order.

    The graph may have changed since ``ranges`` were made, but only in layers behind and in the order of channels there.
    """
    source, output = depthwise.inputs[0], depthwise.outputs[0]
    assert source is not None
    conv = graph.producer(source)
    if conv is None or not multiplies(graph.layer(conv)) or depthwise.attributes.multiplier != 1:
        return None
    readers = [graph.layer(node) for node in graph.consumers(output)]
    if not readers or not all(reader.op == "CONV_2D" and multiplies(reader) for reader in readers):
        return None
    if {source, output} & set(graph.outputs) or len(graph.consumers(source)) != 1 or source not in ranges:
        return None
    images = np.logical_and(ranges[source].constant, ~ranges[output].constant)
    return _Pair(conv, depthwise, images) if images.any() and not images.all() else None


def _saves(graph: Graph, pair: _Pair) -> bool:
    conv, depthwise = graph.layer(pair.conv), graph.layer(pair.depthwise)
    images, channels = int(pair.images.sum()), len(pair.images)
    weights = conv.input(1).type.elements // channels
    taps = depthwise.input(1).type.elements // channels
    pixels_before, pixels = conv.output.type.elements // channels, depthwise.output.type.elements // channels
    multiplications = images * (weights * pixels_before + taps * pixels)
    saved_bytes = weights + taps + CHANNEL_CONSTANTS_BYTES
    return multiplications > COPIED * pixels * channels and pixels < saved_bytes


def _with_images(graph: Graph, pair: _Pair, ranges: Mapping[str, Range]) -> Graph:
    layer, output = graph.layer(pair.depthwise), pair.depthwise.outputs[0]
    two = Graph(graph.name, graph.tensors, (pair.conv, pair.depthwise), (), (output,))
    smaller = without_channels(two, {layer.input(0).name: pair.images, output: pair.images}, ranges)
    conv, depthwise = smaller.nodes
    rest, image = f"{output} that changes", f"{output} that does not"
    tensors = dict(smaller.tensors)
    tensors[rest] = Tensor(rest, tensors[output].type)
    tensors[output] = graph.tensors[output]
    tensors[image] = _image(image, layer, pair.images, ranges)
    whole = Node(
        f"{pair.depthwise.name} border",
        "CONCATENATION",
        Concatenation(len(layer.output.shape) - 1, Activation.NONE),
        (rest, image),
        (output,),
    )
    depthwise = Node(depthwise.name, depthwise.op, depthwise.attributes, depthwise.inputs, (rest,))
    order = np.concatenate([np.flatnonzero(~pair.images), np.flatnonzero(pair.images)])
    nodes: list[Node] = []
    for node in graph.nodes:
        if node is pair.conv:
            nodes.append(conv)
        elif node is pair.depthwise:
            nodes += [depthwise, whole]
        elif output in node.inputs:
            nodes.append(_reordered(node, graph.layer(node), order, tensors))
        else:
            nodes.append(node)
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)


def _image(name: str, layer: Layer, images: Mask, ranges: Mapping[str, Range]) -> Tensor:
    """What ``layer`` makes of the channels that are constant, as a constant."""
    x = layer.input(0)
    values = np.where(images, ranges[x.name].low, x.type.zero_point)
    inputs = [np.broadcast_to(values, x.shape), *(None if t is None else t.data for t in layer.inputs[1:])]
    (outputs,) = operators()[layer.op].reference(layer, inputs)
    data = np.ascontiguousarray(outputs[..., images])
    data.flags.writeable = False
    return Tensor(name, TensorType(data.shape, DType.INT8, layer.output.type.quantization), data)


def _reordered(node: Node, layer: Layer, order: npt.NDArray[np.int64], tensors: dict[str, Tensor]) -> Node:
    """A convolution that reads its input's channels in another order."""
    weights = layer.input(1)
    assert weights.data is not None
    name = f"{node.outputs[0]} reordered weights"
    data = np.ascontiguousarray(weights.data[..., order])
    data.flags.writeable = False
    tensors[name] = Tensor(name, weights.type, data)
    return Node(node.name, node.op, node.attributes, (node.inputs[0], name, *node.inputs[2:]), node.outputs)
