"""Channels that cannot change are computed once, here, and not on the device.

Before: a bound graph. After: channels of activations whose value is the same whatever the input are gone from the
layer that writes them, from depthwise convolutions and poolings on the way, and from the weights of the layers that
read them, whose biases take over what they added. The bytes of all other channels stay the same. At least one channel
is kept.

A channel goes only if every reader can do without: a convolution without padding, or with padding when the value is the
zero point (which padding counts as, too); a fully connected layer on one row of channels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mcuq.ir import DType, Graph, Layer, Node, Quantization, Tensor, TensorType
from mcuq.ops.weighted import bias_values
from mcuq.passes.ranges import Range, channel_ranges, is_padded

Mask = npt.NDArray[np.bool_]

_MULTIPLIES = ("CONV_2D", "FULLY_CONNECTED")
_CHANNEL_BY_CHANNEL = ("DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D", "RESHAPE")


def remove_constant_channels(graph: Graph) -> Graph:
    ranges = channel_ranges(graph)
    removed = _removable(graph, ranges)
    if not any(mask.any() for mask in removed.values()):
        return graph
    tensors = dict(graph.tensors)
    nodes = []
    for node in graph.nodes:
        layer = graph.layer(node)
        nodes.append(_rewritten(node, layer, removed, ranges, tensors))
    for name, mask in removed.items():
        if mask.any():
            tensor = graph.tensors[name]
            shape = (*tensor.shape[:-1], int((~mask).sum()))
            tensors[name] = Tensor(name, TensorType(shape, tensor.type.dtype, tensor.type.quantization))
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)


def _removable(graph: Graph, ranges: Mapping[str, Range]) -> dict[str, Mask]:
    """For each activation, which channels go. Shrinks from all constant ones until every writer and reader agrees."""
    masks: dict[str, Mask] = {}
    for node in graph.nodes:
        name = node.outputs[0]
        if name in ranges and (node.op in _MULTIPLIES or node.op in _CHANNEL_BY_CHANNEL):
            kept_whole = name in graph.outputs or len(node.outputs) != 1
            masks[name] = np.zeros_like(ranges[name].constant) if kept_whole else ranges[name].constant.copy()
    changed = True
    while changed:
        before = sum(int(mask.sum()) for mask in masks.values())
        for node in graph.nodes:
            _agree(graph.layer(node), masks, ranges)
        for mask in masks.values():
            if mask.all():
                mask[0] = False
        changed = sum(int(mask.sum()) for mask in masks.values()) != before
    return masks


def _agree(layer: Layer, masks: dict[str, Mask], ranges: Mapping[str, Range]) -> None:
    """Take out of the masks what ``layer`` cannot do without."""
    for index, tensor in enumerate(layer.inputs):
        if tensor is None or tensor.name not in masks:
            continue
        if index == 0:
            mask = masks[tensor.name]
            np.logical_and(mask, _dispensable(layer, tensor, masks, ranges), out=mask)
        else:
            masks[tensor.name][:] = False
    source = layer.inputs[0]
    if layer.op in _CHANNEL_BY_CHANNEL and layer.output.name in masks and source is not None:
        written = masks[layer.output.name]
        gone = masks.get(source.name, np.zeros(source.shape[-1], bool))
        if _keeps_channels(layer):
            np.logical_and(written, np.repeat(gone, len(written) // len(gone)), out=written)
        else:
            written[:] = False


def _dispensable(layer: Layer, tensor: Tensor, masks: Mapping[str, Mask], ranges: Mapping[str, Range]) -> Mask:
    channels = tensor.shape[-1]
    zero = ranges[tensor.name].low == tensor.type.zero_point
    if layer.op == "CONV_2D" and layer.attributes.groups == 1:
        a = layer.attributes
        return zero if is_padded(a.height, a.width) else np.ones(channels, bool)
    if layer.op == "FULLY_CONNECTED" and layer.attributes.depth == channels:
        return np.ones(channels, bool)
    if layer.output.name in masks and _keeps_channels(layer):
        return np.asarray(masks[layer.output.name].reshape(channels, -1).all(axis=1))
    return np.zeros(channels, bool)


def _keeps_channels(layer: Layer) -> bool:
    """Does each input channel become output channels of its own? A RESHAPE may spread pixels over channels."""
    if layer.op == "RESHAPE":
        return layer.input(0).shape[-1] == layer.output.shape[-1]
    return layer.op in _CHANNEL_BY_CHANNEL


def _rewritten(
    node: Node, layer: Layer, removed: Mapping[str, Mask], ranges: Mapping[str, Range], tensors: dict[str, Tensor]
) -> Node:
    """The node without the removed channels; its new weights and bias are put into ``tensors``."""
    source = layer.inputs[0]
    gone_in = None if source is None else removed.get(source.name)
    gone_out = removed.get(node.outputs[0])
    touched = any(mask is not None and mask.any() for mask in (gone_in, gone_out))
    if not touched or node.op not in (*_MULTIPLIES, "DEPTHWISE_CONV_2D"):
        return node
    assert source is not None
    weights = layer.input(1)
    assert weights.data is not None
    keep_out = np.ones(layer.output.shape[-1], bool) if gone_out is None else ~gone_out
    bias = bias_values(layer).astype(np.int64)
    values = weights.data
    if node.op == "DEPTHWISE_CONV_2D":
        values = values[..., keep_out]
        axis = 3
    else:
        if gone_in is not None and gone_in.any():
            constant = (ranges[source.name].low - source.type.zero_point)[gone_in]
            taps = values[..., gone_in].astype(np.int64) * constant
            bias = bias + taps.reshape(len(values), -1).sum(axis=1)
            values = values[..., ~gone_in]
        values = values[keep_out]
        axis = 0
    new_weights = _sliced(weights, f"{node.outputs[0]} weights", values, keep_out, axis)
    name = f"{node.outputs[0]} bias"
    kept_bias = bias[keep_out].astype(np.int32)
    tensors[new_weights.name] = new_weights
    tensors[name] = Tensor(name, TensorType(kept_bias.shape, DType.INT32), kept_bias)
    attributes = node.attributes
    if node.op == "FULLY_CONNECTED":
        attributes = dataclasses.replace(attributes, depth=values.shape[1], outputs=values.shape[0])
    return Node(node.name, node.op, attributes, (source.name, new_weights.name, name), node.outputs)


def _sliced(tensor: Tensor, name: str, values: npt.NDArray[np.generic], keep: Mask, axis: int) -> Tensor:
    """``tensor`` with new values and the scales of the output channels that are kept."""
    quantization = tensor.type.quantization
    if quantization is not None and quantization.per_channel:
        kept = [i for i, keeps in enumerate(keep) if keeps]
        quantization = Quantization(
            tuple(quantization.scales[i] for i in kept), tuple(quantization.zero_points[i] for i in kept), axis
        )
    values = np.ascontiguousarray(values)
    return Tensor(name, TensorType(values.shape, tensor.type.dtype, quantization), values)
