"""Which quantized values each channel of each tensor can take, whatever the input: intervals from weights and clamps.

An analysis, not a pass: the graph is not changed. Channels are the last dimension. Intervals are conservative; where an
operator is not known here, the whole range of the tensor's type stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.fixedpoint import requantize_double, requantize_single
from mcuq.ir import DType, Graph, Layer, Tensor
from mcuq.ops import operators
from mcuq.ops.activation import Activation, quantized_range
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.weighted import bias_values, channel_requantization

IntArray = npt.NDArray[np.int64]


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


def channel_ranges(graph: Graph) -> Mapping[str, Range]:
    """The range of every activation that is quantized to bytes and has a shape."""
    ranges: dict[str, Range] = {}
    for tensor in graph.tensors.values():
        if tensor.type.dtype in (DType.INT8, DType.UINT8) and tensor.shape:
            ranges[tensor.name] = _of_constant(tensor) if tensor.constant else _whole(tensor)
    for layer in graph.layers():
        rule = _RULES.get(layer.op)
        names = [tensor.name for tensor in layer.inputs[:1] if tensor is not None]
        if rule is not None and layer.output.name in ranges and all(name in ranges for name in names):
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


def is_padded(*axes: Axis) -> bool:
    """Does any window reach outside the input?"""
    return any(axis.pad_before or axis.pad_after for axis in axes)


def _products(weights: IntArray, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Least and greatest ``weight · value`` for values in low..high, element by element."""
    positive: IntArray = np.maximum(weights, 0)
    negative: IntArray = np.minimum(weights, 0)
    least: IntArray = positive * low + negative * high
    greatest: IntArray = positive * high + negative * low
    return least, greatest


def _offset_input(layer: Layer, ranges: Mapping[str, Range], padded: bool) -> tuple[IntArray, IntArray]:
    """The input's range minus its zero point; a tap in the padding adds 0."""
    x = layer.input(0)
    low: IntArray = np.subtract(ranges[x.name].low, x.type.zero_point, dtype=np.int64)
    high: IntArray = np.subtract(ranges[x.name].high, x.type.zero_point, dtype=np.int64)
    return (np.minimum(low, 0), np.maximum(high, 0)) if padded else (low, high)


def _requantized(layer: Layer, low: IntArray, high: IntArray, activation: Activation, *, once: bool = False) -> Range:
    multipliers, shifts = channel_requantization(layer)
    requantize = requantize_single if once else requantize_double
    least, greatest = quantized_range(activation, layer.output.type)
    zero = layer.output.type.zero_point
    return Range(
        np.clip(requantize(low, multipliers, shifts) + zero, least, greatest),
        np.clip(requantize(high, multipliers, shifts) + zero, least, greatest),
    )


def _conv(layer: Layer, ranges: Mapping[str, Range]) -> Range | None:
    a = layer.attributes
    weights = layer.input(1).data
    if a.groups != 1 or weights is None:
        return None
    low, high = _products(weights.astype(np.int64), *_offset_input(layer, ranges, is_padded(a.height, a.width)))
    bias = bias_values(layer).astype(np.int64)
    return _requantized(layer, low.sum((1, 2, 3)) + bias, high.sum((1, 2, 3)) + bias, a.activation)


def _depthwise(layer: Layer, ranges: Mapping[str, Range]) -> Range | None:
    a = layer.attributes
    weights = layer.input(1).data
    if weights is None:
        return None
    low, high = _offset_input(layer, ranges, is_padded(a.height, a.width))
    repeated = np.repeat(low, a.multiplier), np.repeat(high, a.multiplier)
    least, greatest = _products(weights.astype(np.int64), *repeated)
    bias = bias_values(layer).astype(np.int64)
    return _requantized(layer, least.sum((0, 1, 2)) + bias, greatest.sum((0, 1, 2)) + bias, a.activation)


def _fully_connected(layer: Layer, ranges: Mapping[str, Range]) -> Range | None:
    a = layer.attributes
    weights = layer.input(1).data
    if weights is None or layer.input(0).shape[-1] != a.depth:
        return None
    low, high = _products(weights.astype(np.int64), *_offset_input(layer, ranges, padded=False))
    bias = bias_values(layer).astype(np.int64)
    return _requantized(layer, low.sum(1) + bias, high.sum(1) + bias, a.activation, once=True)


def _pool(layer: Layer, ranges: Mapping[str, Range]) -> Range:
    least, greatest = quantized_range(layer.attributes.activation, layer.output.type)
    found = ranges[layer.input(0).name]
    return Range(np.clip(found.low, least, greatest), np.clip(found.high, least, greatest))


def _table(layer: Layer, ranges: Mapping[str, Range]) -> Range | None:
    """Functions of one byte: the least and greatest over the input's interval."""
    x = layer.input(0)
    if x.type.dtype is not DType.INT8 or layer.output.type.dtype is not DType.INT8:
        return None
    every = np.arange(-128, 128, dtype=np.int8)
    flat = Layer(layer.name, layer.op, layer.attributes, (_reshaped(x, 256),), (_reshaped(layer.output, 256),))
    (table,) = operators()[layer.op].reference(flat, [every])
    found = ranges[x.name]
    spans = [table[low + 128 : high + 129] for low, high in zip(found.low, found.high, strict=True)]
    return Range(np.array([s.min() for s in spans], np.int64), np.array([s.max() for s in spans], np.int64))


def _reshaped(tensor: Tensor, elements: int) -> Tensor:
    return Tensor(tensor.name, type(tensor.type)((elements,), tensor.type.dtype, tensor.type.quantization))


def _same_bytes(layer: Layer, ranges: Mapping[str, Range]) -> Range | None:
    """Another shape: channels stay where they are, or a row of pixels becomes one row of channels."""
    found, before, after = ranges[layer.input(0).name], layer.input(0).shape[-1], layer.output.shape[-1]
    if after % before:
        return None
    return Range(np.tile(found.low, after // before), np.tile(found.high, after // before))


_RULES: Mapping[str, Callable[[Layer, Mapping[str, Range]], Range | None]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "RELU": _table,
    "RELU6": _table,
    "LOGISTIC": _table,
    "TANH": _table,
    "RESHAPE": _same_bytes,
    "SQUEEZE": _same_bytes,
    "EXPAND_DIMS": _same_bytes,
}
