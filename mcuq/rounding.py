"""How a layer that multiplies by weights comes from its sum to its byte: roundings to try on bytes that were computed.

A rounding explains bytes only if it gives every one of them. No rounding is guessed from names or documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.fixedpoint import requantize_double, requantize_single
from mcuq.ir import Layer
from mcuq.ops.activation import quantized_range
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.weighted import bias_values, channel_requantization

Array = npt.NDArray[Any]
SUMS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def _twice(sums: Array, layer: Layer) -> Array:
    return np.asarray(requantize_double(sums, *channel_requantization(layer)))


def _once(sums: Array, layer: Layer) -> Array:
    return np.asarray(requantize_single(sums, *channel_requantization(layer)))


def _float(sums: Array, layer: Layer) -> Array:
    scales = np.asarray(layer.input(1).type.quantization.scales, np.float32)  # type: ignore[union-attr]
    factors = np.float32(layer.input(0).type.scale) * scales / np.float32(layer.output.type.scale)
    return np.asarray(np.rint(sums.astype(np.float32) * factors), np.int64)


ROUNDINGS: Mapping[str, Callable[[Array, Layer], Array]] = {
    "twice in fixed point": _twice,
    "once in fixed point": _once,
    "once in float32": _float,
}
"""How often what becomes of a sum is rounded, and where: in words, and in numbers before the zero point is added.

In float32 halves go to the even number."""


def roundings_that_give(wanted: Array, layer: Layer, x: Array) -> tuple[str, ...]:
    """The roundings with which ``layer`` makes exactly the bytes ``wanted`` of its input ``x``; none for operators that
    are not of ``SUMS``."""
    if layer.op not in SUMS or layer.input(1).data is None or x.dtype != np.int8:
        return ()
    sums = _sums(layer, x)
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    zero_point = layer.output.type.zero_point
    return tuple(
        name
        for name, rounding in ROUNDINGS.items()
        if np.array_equal(np.clip(rounding(sums, layer) + zero_point, low, high).reshape(wanted.shape), wanted)
    )


def _sums(layer: Layer, x: Array) -> Array:
    """Products of weights and inputs without their zero points, and the bias, summed up for each output."""
    weights = np.asarray(layer.input(1).data, np.int64)
    shifted = x.astype(np.int64) - layer.input(0).type.zero_point
    bias = bias_values(layer).astype(np.int64)
    if layer.op == "FULLY_CONNECTED":
        return np.asarray(shifted.reshape(-1, weights.shape[1]) @ weights.T + bias)
    a = layer.attributes
    padded = np.pad(shifted, ((0, 0), *((axis.pad_before, axis.pad_after) for axis in (a.height, a.width)), (0, 0)))
    if layer.op == "DEPTHWISE_CONV_2D":
        taps = padded.repeat(a.multiplier, axis=3)
        parts = [_tap(taps, a.height, a.width, y, x) * weights[0, y, x] for y, x in np.ndindex(*weights.shape[1:3])]
        return np.asarray(sum(parts) + bias)
    groups = np.split(padded, a.groups, axis=3)
    filters = np.split(weights, a.groups, axis=0)
    per_group = [
        sum(_tap(part, a.height, a.width, y, x) @ kernel[:, y, x].T for y, x in np.ndindex(*kernel.shape[1:3]))
        for part, kernel in zip(groups, filters, strict=True)
    ]
    return np.asarray(np.concatenate(per_group, axis=3) + bias)


def _tap(padded: Array, height: Axis, width: Axis, y: int, x: int) -> Array:
    """What the window's tap in row ``y`` and column ``x`` reads, for each output pixel."""
    rows, columns = (
        slice(at * axis.dilation, at * axis.dilation + (axis.output - 1) * axis.stride + 1, axis.stride)
        for at, axis in ((y, height), (x, width))
    )
    return padded[:, rows, columns]
