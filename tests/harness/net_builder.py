"""Small quantized nets, layer by layer, for tests of passes: as bound graphs, and as files for LiteRT."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcuq.frontend.tflite import bind
from mcuq.ir import DType, Graph, Node, Quantization, Tensor, TensorType
from mcuq.ops.conv_geometry import SAME, VALID, axis
from tests.harness.tflite_writer import write_graph

NONE, RELU, RELU6 = 0, 1, 3


class NetBuilder:
    """Methods add a layer and return the name of its output. Random values come from ``seed``.

    ``dead`` and ``full`` are the shares of channels whose bias drives them to the least and the greatest value,
    ``still`` that of channels whose weights are zero.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def activation(self, shape: tuple[int, ...], zero_point: int = -128, scale: float = 0.05) -> str:
        name = f"t{len(self.tensors)}"
        scale = float(np.float32(scale))
        self.tensors[name] = Tensor(name, TensorType(shape, DType.INT8, Quantization((scale,), (zero_point,))))
        return name

    def constant(self, values: np.ndarray, scales: tuple[float, ...] = (), axis: int = 0, zero_point: int = 0) -> str:
        name = f"c{len(self.tensors)}"
        scales = tuple(float(np.float32(scale)) for scale in scales)
        quantization = Quantization(scales, (zero_point,) * len(scales), axis) if scales else None
        dtype = DType(values.dtype.name)
        self.tensors[name] = Tensor(name, TensorType(values.shape, dtype, quantization), values)
        return name

    def bias(self, channels: int, dead: float, full: float, scales: tuple[float, ...]) -> str:
        values = self.rng.integers(-2000, 2000, channels)
        draw = self.rng.random(channels)
        values = np.where(draw < dead, -(10**8), np.where(draw > 1 - full, 10**8, values))
        return self.constant(values.astype(np.int32), scales)

    def weights(self, shape: tuple[int, ...], channel_axis: int, still: float) -> np.ndarray:
        values = self.rng.integers(-127, 128, shape).astype(np.int8)
        kept = self.rng.random(shape[channel_axis]) >= still
        return values * np.expand_dims(kept, [i for i in range(len(shape)) if i != channel_axis]).astype(np.int8)

    def layer(
        self,
        op: str,
        options: dict[str, Any],
        inputs: list[str],
        shape: tuple[int, ...],
        zero: int,
        scale: float = 0.05,
    ) -> str:
        output = self.activation(shape, zero, scale)
        self.nodes.append(Node(f"n{len(self.nodes)}", op, options, tuple(inputs), (output,)))
        return output

    def type(self, x: str) -> TensorType:
        return self.tensors[x].type

    def conv(
        self,
        x: str,
        filters: int,
        window: int,
        *,
        columns: int | None = None,
        dead: float = 0.0,
        full: float = 0.0,
        still: float = 0.0,
        padding: int = SAME,
        stride: int = 1,
        zero: int = -128,
        scale: float = 0.05,
        activation: int = RELU,
    ) -> str:
        n, h, w, channels = self.type(x).shape
        scales = tuple(0.001 + 0.0003 * i for i in range(filters))
        windows = (window, columns or window)
        weights = self.weights((filters, *windows, channels), 0, still)
        bias = self.bias(filters, dead, full, tuple(self.type(x).scale * s for s in scales))
        size = (axis(edge, k, stride, 1, padding).output for edge, k in zip((h, w), windows, strict=True))
        options = {
            "stride_h": stride, "stride_w": stride, "padding": padding, "fused_activation_function": activation,
        }  # fmt: skip
        return self.layer(
            "CONV_2D", options, [x, self.constant(weights, scales), bias], (n, *size, filters), zero, scale
        )

    def depthwise(
        self,
        x: str,
        *,
        dead: float = 0.0,
        full: float = 0.0,
        still: float = 0.0,
        multiplier: int = 1,
        padding: int = SAME,
        stride: int = 1,
        zero: int = -128,
        activation: int = RELU,
    ) -> str:
        n, h, w, channels = self.type(x).shape
        outputs = channels * multiplier
        scales = tuple(0.002 + 0.0002 * i for i in range(outputs))
        weights = self.weights((1, 3, 3, outputs), 3, still)
        bias = self.bias(outputs, dead, full, tuple(self.type(x).scale * s for s in scales))
        size = (axis(edge, 3, stride, 1, padding).output for edge in (h, w))
        options = {
            "stride_h": stride, "stride_w": stride, "padding": padding, "depth_multiplier": multiplier,
            "fused_activation_function": activation,
        }  # fmt: skip
        inputs = [x, self.constant(weights, scales, 3), bias]
        return self.layer("DEPTHWISE_CONV_2D", options, inputs, (n, *size, outputs), zero)

    def pool(self, x: str, op: str = "AVERAGE_POOL_2D", window: int | None = None, padding: int = VALID) -> str:
        """Over the whole image, or in steps of one pixel."""
        n, h, w, channels = self.type(x).shape
        rows, columns = (h, w) if window is None else (window, window)
        steps = (h, w) if window is None else (1, 1)
        size = (
            axis(edge, k, step, 1, padding).output for edge, k, step in zip((h, w), (rows, columns), steps, strict=True)
        )
        options = {
            "stride_h": steps[0], "stride_w": steps[1], "filter_height": rows, "filter_width": columns,
            "padding": padding,
        }  # fmt: skip
        return self.layer(op, options, [x], (n, *size, channels), self.type(x).zero_point, self.type(x).scale)

    def same(self, x: str, op: str, zero: int, scale: float = 0.05, options: dict[str, int] | None = None) -> str:
        """An operator of one tensor that keeps its shape."""
        return self.layer(op, options or {}, [x], self.type(x).shape, zero, scale)

    def add(self, x: str, y: str, *, zero: int = -128, activation: int = NONE, op: str = "ADD") -> str:
        return self.layer(op, {"fused_activation_function": activation}, [x, y], self.type(x).shape, zero, 0.06)

    def channel_constant(self, channels: int) -> str:
        """A constant for each channel, to be added or multiplied."""
        return self.constant(self.rng.integers(-127, 128, channels).astype(np.int8), (0.02,))

    def concatenate(self, *parts: str) -> str:
        """Along the channels."""
        first = self.type(parts[0])
        channels = sum(self.type(part).shape[-1] for part in parts)
        shape = (*first.shape[:-1], channels)
        return self.layer("CONCATENATION", {"axis": 3}, list(parts), shape, first.zero_point, first.scale)

    def pad(self, x: str, before: int, after: int, value: int | None = None) -> str:
        """Height and width; ``value`` other than the zero point makes it a PADV2."""
        type_ = self.type(x)
        n, h, w, channels = type_.shape
        table = np.array([[0, 0], [before, after], [before, after], [0, 0]], np.int32)
        inputs = [x, self.constant(table)]
        if value is not None:
            inputs.append(self.constant(np.array(value, np.int8), (type_.scale,), zero_point=type_.zero_point))
        shape = (n, h + before + after, w + before + after, channels)
        return self.layer("PADV2" if value is not None else "PAD", {}, inputs, shape, type_.zero_point, type_.scale)

    def mean(self, x: str) -> str:
        """Over the image."""
        n, _, _, channels = self.type(x).shape
        inputs = [x, self.constant(np.array([1, 2], np.int32))]
        return self.layer("MEAN", {"keep_dims": 0}, inputs, (n, channels), self.type(x).zero_point, 0.04)

    def flatten(self, x: str) -> str:
        type_ = self.type(x)
        shape = (1, type_.elements)
        return self.layer("RESHAPE", {"new_shape": list(shape)}, [x], shape, type_.zero_point, type_.scale)

    def dense(self, x: str, units: int) -> str:
        weights = self.weights((units, self.type(x).shape[1]), 0, 0.0)
        bias = self.bias(units, 0.0, 0.0, (self.type(x).scale * 0.002,))
        return self.layer("FULLY_CONNECTED", {}, [x, self.constant(weights, (0.002,)), bias], (1, units), 3)

    def raw(self, inputs: str, outputs: str) -> Graph:
        """As read from a file; names are separated by spaces."""
        return Graph("net", self.tensors, tuple(self.nodes), tuple(inputs.split()), tuple(outputs.split()))

    def graph(self, inputs: str, outputs: str) -> Graph:
        return bind(self.raw(inputs, outputs))

    def tflite(self, inputs: str, outputs: str) -> bytes:
        return write_graph(self.raw(inputs, outputs))
