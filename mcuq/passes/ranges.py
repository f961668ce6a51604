"""Which quantized values each channel of each tensor can take, whatever the input: intervals from weights and clamps.

An analysis, not a pass: the graph is not changed. Channels are the last dimension. Intervals are conservative; where an
operator is not known here, the whole range of the tensor's type stands. Each rule relies on its operator's integer
formula being monotone in every value that it reads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.fixedpoint import requantize_double, requantize_single
from mcuq.ir import DType, Graph, Layer, Tensor, TensorType
from mcuq.ops import operators
from mcuq.ops.activation import Activation, quantized_range
from mcuq.ops.pad import fill_value
from mcuq.ops.table import of_all_bytes
from mcuq.ops.weighted import bias_values, channel_requantization
from mcuq.passes.border_classes import class_sums

IntArray = npt.NDArray[np.int64]
BYTES = (DType.INT8, DType.UINT8)


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """Least and greatest quantized value of each channel (n,)."""

    low: IntArray
    high: IntArray

    @property
    def constant(self) -> npt.NDArray[np.bool_]:
        """Which channels have one value only."""
        same: npt.NDArray[np.bool_] = np.equal(self.low, self.high)
        return same

    def clamped(self, least: int, greatest: int) -> Range:
        return Range(np.clip(self.low, least, greatest), np.clip(self.high, least, greatest))

    def repeated(self, channels: int) -> Range:
        """The range of ``channels`` channels, a multiple of those here, which stand side by side."""
        times = channels // len(self.low)
        return Range(np.tile(self.low, times), np.tile(self.high, times))


Ranges = Mapping[str, Range]


def channel_ranges(graph: Graph) -> Ranges:
    """The range of every tensor that is quantized to bytes and has a shape."""
    ranges: dict[str, Range] = {}
    for tensor in graph.tensors.values():
        if tensor.type.dtype in BYTES and tensor.shape and tensor.type.elements:
            ranges[tensor.name] = _of_constant(tensor) if tensor.constant else _whole(tensor)
    for layer in graph.layers():
        rule = _table if operators()[layer.op].of_a_byte else _RULES.get(layer.op)
        if rule is None or layer.output.name not in ranges or layer.input(0).name not in ranges:
            continue
        found = rule(layer, ranges)
        if found is not None:
            ranges[layer.output.name] = found
    return ranges


def _whole(tensor: Tensor) -> Range:
    limits = np.iinfo(tensor.type.dtype.value)
    channels = tensor.shape[-1]
    return Range(np.full(channels, limits.min, np.int64), np.full(channels, limits.max, np.int64))


def _of_constant(tensor: Tensor) -> Range:
    assert tensor.data is not None
    rows = tensor.data.reshape(-1, tensor.shape[-1]).astype(np.int64)
    return Range(rows.min(axis=0), rows.max(axis=0))


def _products(weights: IntArray, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Least and greatest ``weight · value`` for values in low..high, element by element."""
    positive: IntArray = np.maximum(weights, 0)
    negative: IntArray = np.minimum(weights, 0)
    least: IntArray = positive * low + negative * high
    greatest: IntArray = positive * high + negative * low
    return least, greatest


def _offset_input(layer: Layer, ranges: Ranges) -> tuple[IntArray, IntArray]:
    """The input's range minus its zero point."""
    x = layer.input(0)
    low: IntArray = np.subtract(ranges[x.name].low, x.type.zero_point, dtype=np.int64)
    high: IntArray = np.subtract(ranges[x.name].high, x.type.zero_point, dtype=np.int64)
    return low, high


def _requantized(layer: Layer, low: IntArray, high: IntArray, activation: Activation, *, once: bool = False) -> Range:
    """The output for sums of products ``low`` .. ``high`` without the bias."""
    multipliers, shifts = channel_requantization(layer)
    bias = bias_values(layer).astype(np.int64)
    requantize = requantize_single if once else requantize_double
    zero = layer.output.type.zero_point
    least, greatest = requantize(low + bias, multipliers, shifts), requantize(high + bias, multipliers, shifts)
    return Range(least + zero, greatest + zero).clamped(*quantized_range(activation, layer.output.type))


def _windows(layer: Layer, least: IntArray, greatest: IntArray) -> Range:
    """The output for products (window height, width, outputs), over all border classes."""
    a = layer.attributes
    low = class_sums(least, a.height, a.width).min(axis=(0, 1))
    high = class_sums(greatest, a.height, a.width).max(axis=(0, 1))
    return _requantized(layer, low, high, a.activation)


def _conv(layer: Layer, ranges: Ranges) -> Range | None:
    weights = layer.input(1).data
    if layer.attributes.groups != 1 or weights is None:
        return None
    low, high = _products(weights.astype(np.int64), *_offset_input(layer, ranges))
    return _windows(layer, low.sum(3).transpose(1, 2, 0), high.sum(3).transpose(1, 2, 0))


def _depthwise(layer: Layer, ranges: Ranges) -> Range | None:
    weights = layer.input(1).data
    if weights is None:
        return None
    low, high = (np.repeat(end, layer.attributes.multiplier) for end in _offset_input(layer, ranges))
    return _windows(layer, *_products(weights[0].astype(np.int64), low, high))


def _fully_connected(layer: Layer, ranges: Ranges) -> Range | None:
    a = layer.attributes
    weights = layer.input(1).data
    if weights is None or layer.input(0).shape[-1] != a.depth:
        return None
    low, high = _products(weights.astype(np.int64), *_offset_input(layer, ranges))
    return _requantized(layer, low.sum(1), high.sum(1), a.activation, once=True)


def _pool(layer: Layer, ranges: Ranges) -> Range:
    """A mean or a maximum of values lies between them."""
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    return ranges[layer.input(0).name].clamped(*limits)


def _mean(layer: Layer, ranges: Ranges) -> Range | None:
    """The mean of an input that has its least, or greatest, value everywhere."""
    x = layer.input(0)
    if len(x.shape) - 1 in layer.attributes.axes:
        return None
    found = ranges[x.name]
    ends = []
    for end in (found.low, found.high):
        (mean,) = operators()["MEAN"].reference(layer, [np.broadcast_to(end, x.shape), None])
        ends.append(mean.reshape(-1, x.shape[-1])[0].astype(np.int64))
    return Range(*ends)


def _table(layer: Layer, ranges: Ranges) -> Range | None:
    """Functions of one byte: the least and greatest over the input's interval."""
    x = layer.input(0)
    if x.type.dtype is not DType.INT8 or layer.output.type.dtype is not DType.INT8:
        return None
    table = np.roll(of_all_bytes(layer).view(np.int8), 128)
    found = ranges[x.name]
    spans = [table[low + 128 : high + 129] for low, high in zip(found.low, found.high, strict=True)]
    return Range(np.array([s.min() for s in spans], np.int64), np.array([s.max() for s in spans], np.int64))


def _elementwise(layer: Layer, ranges: Ranges) -> Range | None:
    """ADD, SUB and MUL are extreme where both inputs are."""
    operands = layer.input(0), layer.input(1)
    if any(x.name not in ranges for x in operands):
        return None
    channels = layer.output.shape[-1]
    ends = [(found.low, found.high) for found in (ranges[x.name].repeated(channels) for x in operands)]
    flat = _of_shapes(layer, (channels,), (channels,))
    corners = [
        operators()[layer.op].reference(flat, [first.astype(np.int8), second.astype(np.int8)])[0].astype(np.int64)
        for first, second in itertools.product(*ends)
    ]
    return Range(np.min(corners, axis=0), np.max(corners, axis=0))


def _of_shapes(layer: Layer, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Layer:
    """``layer`` on tensors of other shapes."""

    def shaped(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        return Tensor(tensor.name, TensorType(shape, tensor.type.dtype, tensor.type.quantization))

    inputs = tuple(None if x is None else shaped(x, input_shape) for x in layer.inputs)
    return Layer(layer.name, layer.op, layer.attributes, inputs, (shaped(layer.output, output_shape),))


def _pad(layer: Layer, ranges: Ranges) -> Range | None:
    """The input's values and the padding's; padding between channels is not looked at."""
    *outer, channels = layer.attributes.paddings
    found = ranges[layer.input(0).name]
    if any(channels):
        return None
    fill = fill_value(layer)
    padded = any(any(pair) for pair in outer)
    return Range(np.minimum(found.low, fill), np.maximum(found.high, fill)) if padded else found


def _concatenation(layer: Layer, ranges: Ranges) -> Range | None:
    names = [layer.input(index).name for index in range(len(layer.inputs))]
    if any(name not in ranges for name in names):
        return None
    lows, highs = [ranges[name].low for name in names], [ranges[name].high for name in names]
    if layer.attributes.axis == len(layer.output.shape) - 1:
        return Range(np.concatenate(lows), np.concatenate(highs))
    return Range(np.min(lows, axis=0), np.max(highs, axis=0))


def _same_bytes(layer: Layer, ranges: Ranges) -> Range | None:
    """Another shape: channels stay where they are, or a row of pixels becomes one row of channels."""
    found, after = ranges[layer.input(0).name], layer.output.shape[-1]
    return None if after % len(found.low) else found.repeated(after)


_RULES: Mapping[str, Callable[[Layer, Ranges], Range | None]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "MEAN": _mean,
    "ADD": _elementwise,
    "SUB": _elementwise,
    "MUL": _elementwise,
    "PAD": _pad,
    "PADV2": _pad,
    "CONCATENATION": _concatenation,
    "RESHAPE": _same_bytes,
    "SQUEEZE": _same_bytes,
    "EXPAND_DIMS": _same_bytes,
}
