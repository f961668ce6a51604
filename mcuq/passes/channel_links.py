"""Which input channel each output channel is made of, for operators that keep channels apart. No pass.

Channels are the last dimension. Such an operator can lose an output channel only together with the input channels that
it is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from mcuq.ir import Layer
from mcuq.ops import operators

IntArray = npt.NDArray[np.int64]
NO_CHANNEL = -1


def channel_links(layer: Layer) -> tuple[IntArray, ...] | None:
    """For each input that has channels, (output channels,): the input channel that an output channel is made of.

    ``NO_CHANNEL`` where it is made of no single channel of this input. None for an operator that mixes channels.
    """
    rule = _straight if operators()[layer.op].of_a_byte else _RULES.get(layer.op)
    if rule is None or not layer.input(0).shape or not layer.output.shape:
        return None
    return rule(layer)


def _straight(layer: Layer) -> tuple[IntArray, ...]:
    return (np.arange(layer.output.shape[-1]),)


def _depthwise(layer: Layer) -> tuple[IntArray, ...]:
    return (np.arange(layer.output.shape[-1]) // layer.attributes.multiplier,)


def _mean(layer: Layer) -> tuple[IntArray, ...] | None:
    return None if len(layer.input(0).shape) - 1 in layer.attributes.axes else _straight(layer)


def _pad(layer: Layer) -> tuple[IntArray, ...] | None:
    return None if any(layer.attributes.paddings[-1]) else _straight(layer)


def _same_bytes(layer: Layer) -> tuple[IntArray, ...] | None:
    """Channels stay, or a row of pixels becomes one row of channels."""
    before, after = layer.input(0).shape[-1], layer.output.shape[-1]
    return None if after % before else (np.arange(after) % before,)


def _elementwise(layer: Layer) -> tuple[IntArray, ...]:
    return tuple(_broadcast(layer.input(index).shape, layer.output.shape[-1]) for index in (0, 1))


def _broadcast(shape: tuple[int, ...], channels: int) -> IntArray:
    """An input that has one value for all channels keeps it."""
    return np.arange(channels) if shape[-1:] == (channels,) else np.full(channels, NO_CHANNEL)


def _concatenation(layer: Layer) -> tuple[IntArray, ...]:
    shapes = [layer.input(index).shape for index in range(len(layer.inputs))]
    channels = layer.output.shape[-1]
    if layer.attributes.axis != len(layer.output.shape) - 1:
        return tuple(np.arange(channels) for _ in shapes)
    links, before = [], 0
    for shape in shapes:
        link = np.full(channels, NO_CHANNEL)
        link[before : before + shape[-1]] = np.arange(shape[-1])
        links.append(link)
        before += shape[-1]
    return tuple(links)


_RULES: Mapping[str, Callable[[Layer], tuple[IntArray, ...] | None]] = {
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _straight,
    "MAX_POOL_2D": _straight,
    "MEAN": _mean,
    "PAD": _pad,
    "PADV2": _pad,
    "ADD": _elementwise,
    "SUB": _elementwise,
    "MUL": _elementwise,
    "CONCATENATION": _concatenation,
    "RESHAPE": _same_bytes,
    "SQUEEZE": _same_bytes,
    "EXPAND_DIMS": _same_bytes,
}
