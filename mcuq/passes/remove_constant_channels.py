"""Channels that cannot change, or that change nothing, are not computed on the device.

Before: a bound graph. After: such channels of activations are gone from the layers that write them, from the layers on
the way that keep channels apart (``channel_links.py``), and from the weights of the layers that multiply them, whose
biases take over what a constant channel added. The bytes of all other channels stay the same. At least one channel of
each activation is kept, and of many, so many that they divide into groups of four.

A channel goes only if every reader can do without: a layer that keeps channels apart, when what it makes of the channel
goes, too; a convolution, when its weights for the channel are all zero, or when the channel is constant and it has no
padding or the value is the zero point (which padding counts as, too); a fully connected layer on rows of channels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.ir import DType, Graph, Layer, Node, Quantization, Tensor, TensorType
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.elementwise import Elementwise, broadcast_loops, broadcast_shape
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.pad import Pad, merged_axes
from mcuq.ops.reshape import Reshape
from mcuq.ops.weighted import bias_values
from mcuq.passes.channel_links import NO_CHANNEL, channel_links
from mcuq.passes.ranges import Range, channel_ranges

Mask = npt.NDArray[np.bool_]
Masks = Mapping[str, Mask]


GROUP = 4
"""DSP kernels read channels four at a time and what is left over one by one, which is slower than a channel more."""

FEW = 24
"""Below so many channels one more costs too much."""


def remove_constant_channels(graph: Graph) -> Graph:
    ranges = channel_ranges(graph)
    return without_channels(graph, removable_channels(graph, ranges), ranges)


def removable_channels(graph: Graph, ranges: Mapping[str, Range]) -> Masks:
    """For each activation, which channels can go. Shrinks from all until every writer and reader agrees."""
    masks: dict[str, Mask] = {}
    for node in graph.nodes:
        kept_whole = len(node.outputs) != 1 or node.outputs[0] in graph.outputs
        for name in node.outputs:
            if name in ranges:
                masks[name] = np.full(len(ranges[name].low), not kept_whole)
    layers = tuple(graph.layers())
    _shrink(layers, masks, ranges)
    while empty := [mask for mask in masks.values() if mask.all()]:
        empty[0][0] = False
        _shrink(layers, masks, ranges)
    while odd := [mask for mask in masks.values() if _spare(mask)]:
        odd[0][np.flatnonzero(odd[0])[: _spare(odd[0])]] = False
        _shrink(layers, masks, ranges)
    return masks


def _spare(mask: Mask) -> int:
    """How many channels of those that could go stay, so that groups of ``GROUP`` are full."""
    kept = int((~mask).sum())
    missing = -kept % GROUP
    return missing if kept >= FEW and missing <= int(mask.sum()) else 0


def _shrink(layers: Sequence[Layer], masks: Masks, ranges: Mapping[str, Range]) -> None:
    """Take out of ``masks`` what some layer needs, until none objects."""
    left = None
    while left != (left := sum(int(mask.sum()) for mask in masks.values())):
        for layer in reversed(layers):
            _ask_reader(layer, masks, ranges)
        for layer in layers:
            _ask_writer(layer, masks)


def _ask_writer(layer: Layer, masks: Masks) -> None:
    """Take out of the output's mask what ``layer`` must write."""
    written = masks.get(layer.output.name)
    if written is None or multiplies(layer):
        return
    links = channel_links(layer)
    if links is None:
        written[:] = False
        return
    for index, link in enumerate(links):
        source = layer.input(index)
        linked = link != NO_CHANNEL
        if source.name in masks:
            written[linked] &= masks[source.name][link[linked]]
        elif not source.constant or layer.op == "CONCATENATION":
            written[linked] = False


def _ask_reader(layer: Layer, masks: Masks, ranges: Mapping[str, Range]) -> None:
    """Take out of the inputs' masks what ``layer`` cannot do without."""
    links = None if multiplies(layer) else channel_links(layer)
    for index, tensor in enumerate(layer.inputs):
        if tensor is None or tensor.name not in masks:
            continue
        mask = masks[tensor.name]
        if multiplies(layer) and index == 0:
            np.logical_and(mask, _dispensable(layer, masks, ranges), out=mask)
        elif links is not None and index < len(links) and layer.output.name in masks:
            linked = links[index] != NO_CHANNEL
            needed = np.ones(len(mask), bool)
            needed[links[index][linked]] = False
            needed[links[index][linked & ~masks[layer.output.name]]] = True
            np.logical_and(mask, ~needed, out=mask)
        else:
            mask[:] = False


def multiplies(layer: Layer) -> bool:
    """Does ``layer`` multiply all channels of each pixel, or each row of channels, by constant weights?"""
    if layer.op == "CONV_2D":
        return layer.attributes.groups == 1 and layer.input(1).constant
    if layer.op == "FULLY_CONNECTED":
        return layer.input(0).shape[-1:] == (layer.attributes.depth,) and layer.input(1).constant
    return False


def _dispensable(layer: Layer, masks: Masks, ranges: Mapping[str, Range]) -> Mask:
    """Which input channels a layer that multiplies can do without: constant ones, and those it multiplies by zero."""
    x, weights = layer.input(0), layer.input(1).data
    assert weights is not None
    kept = weights[~masks[layer.output.name]] if layer.output.name in masks else weights
    unused: Mask = np.logical_not(kept.any(axis=tuple(range(kept.ndim - 1))))
    found = ranges[x.name]
    foldable: Mask = found.constant
    if layer.op == "CONV_2D" and is_padded(layer.attributes.height, layer.attributes.width):
        foldable = np.logical_and(foldable, np.equal(found.low, x.type.zero_point))
    result: Mask = np.logical_or(unused, foldable)
    return result


def is_padded(*axes: Axis) -> bool:
    """Does any window reach outside the input?"""
    return any(axis.pad_before or axis.pad_after for axis in axes)


def without_channels(graph: Graph, removed: Masks, ranges: Mapping[str, Range]) -> Graph:
    """``graph`` without the ``removed`` channels, on which all writers and readers agree."""
    gone = {name: mask for name, mask in removed.items() if mask.any()}
    if not gone:
        return graph
    tensors = dict(graph.tensors)
    for name, mask in gone.items():
        tensor = graph.tensors[name]
        shape = (*tensor.shape[:-1], int((~mask).sum()))
        tensors[name] = Tensor(name, TensorType(shape, tensor.type.dtype, tensor.type.quantization))
    nodes = [_rewritten(node, graph.layer(node), gone, ranges, tensors) for node in graph.nodes]
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)


def _rewritten(node: Node, layer: Layer, gone: Masks, ranges: Mapping[str, Range], tensors: dict[str, Tensor]) -> Node:
    """The node without the removed channels; the constants that it reads instead are put into ``tensors``."""
    gone_out = gone.get(node.outputs[0])
    if gone_out is None and not any(name in gone for name in node.inputs):
        return node
    keep = np.ones(layer.output.shape[-1], bool) if gone_out is None else ~gone_out
    inputs = list(node.inputs)
    if multiplies(layer) or layer.op == "DEPTHWISE_CONV_2D":
        weights, bias = _folded(layer, gone.get(layer.input(0).name), ranges)
        axis = 3 if layer.op == "DEPTHWISE_CONV_2D" else 0
        kept = np.compress(keep, weights, axis=axis)
        made = [
            _constant(f"{node.outputs[0]} weights", kept, _kept_scales(layer.input(1), keep, axis)),
            _constant(f"{node.outputs[0]} bias", bias[keep].astype(np.int32), None),
        ]
        inputs = [inputs[0], *(tensor.name for tensor in made)]
    else:
        made = []
        for index, link in enumerate(channel_links(layer) or ()):
            source = layer.input(index)
            if source.data is not None and np.all(link != NO_CHANNEL):
                name = f"{node.outputs[0]} operand {index}"
                made.append(_constant(name, np.compress(keep, source.data, axis=-1), source.type.quantization))
                inputs[index] = name
    tensors.update((tensor.name, tensor) for tensor in made)
    shapes = [() if name is None else tensors[name].shape for name in inputs]
    attributes = _reshaped(layer.attributes, shapes, tensors[node.outputs[0]].shape)
    return Node(node.name, node.op, attributes, tuple(inputs), node.outputs)


def _folded(layer: Layer, gone: Mask | None, ranges: Mapping[str, Range]) -> tuple[npt.NDArray[Any], Any]:
    """Weights without the input channels that are gone, and the bias with what they added."""
    weights, bias = layer.input(1).data, bias_values(layer).astype(np.int64)
    assert weights is not None
    if gone is None or layer.op == "DEPTHWISE_CONV_2D":
        return weights, bias
    found = ranges[layer.input(0).name]
    value = np.where(found.constant, found.low - layer.input(0).type.zero_point, 0)[gone]
    added = weights[..., gone].astype(np.int64) * value
    return weights[..., ~gone], bias + added.reshape(len(weights), -1).sum(axis=1)


def _reshaped(attributes: Any, inputs: list[tuple[int, ...]], output: tuple[int, ...]) -> Any:
    """Attributes that hold shapes, for the new ones."""
    if isinstance(attributes, Elementwise):
        loops, shape = broadcast_loops(inputs[0], inputs[1]), broadcast_shape(inputs[0], inputs[1])
        return dataclasses.replace(attributes, loops=loops, shape=shape)
    if isinstance(attributes, Pad):
        return dataclasses.replace(attributes, axes=merged_axes(inputs[0], attributes.paddings))
    if isinstance(attributes, Reshape):
        return Reshape(None if attributes.shape is None else output)
    if isinstance(attributes, FullyConnected):
        return dataclasses.replace(attributes, depth=inputs[1][1], outputs=inputs[1][0])
    return attributes


def _constant(name: str, values: npt.NDArray[Any], quantization: Quantization | None) -> Tensor:
    data = np.ascontiguousarray(values)
    data.flags.writeable = False
    return Tensor(name, TensorType(data.shape, DType(data.dtype.name), quantization), data)


def _kept_scales(weights: Tensor, keep: Mask, axis: int) -> Quantization | None:
    """The scales of the output channels that are kept."""
    quantization = weights.type.quantization
    if quantization is None or not quantization.per_channel:
        return quantization
    kept = np.flatnonzero(keep)
    return Quantization(
        tuple(quantization.scales[i] for i in kept), tuple(quantization.zero_points[i] for i in kept), axis
    )
