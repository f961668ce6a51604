"""Small image nets of random layers, as graphs, with inputs and the bytes that the references make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mcuq.ir import DType, Graph, Layer, Node, Quantization, Tensor, TensorType
from mcuq.ops import operators
from mcuq.ops.activation import Activation
from mcuq.ops.conv_geometry import SAME, VALID, axis
from tests.harness.ladder import random_input, reference_outputs


class NetBuilder:
    """A graph, layer by layer; every method returns the name of the tensor that its layer writes."""

    def __init__(self, name: str, shape: tuple[int, int, int], seed: int) -> None:
        self.name = name
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self._activation("input", (1, *shape))

    def conv(self, x: str, channels: int, window: int | tuple[int, int], stride: int = 1, **options: Any) -> str:
        _, height, width, inputs = self.tensors[x].shape
        shape = (channels, *self._pair(window), inputs)
        spatial = self._spatial((height, width), self._pair(window), stride, options)
        return self._weighted("CONV_2D", x, shape, (1, *spatial, channels), channels, 0, stride, options)

    def depthwise(self, x: str, window: int | tuple[int, int], stride: int = 1, **options: Any) -> str:
        _, height, width, channels = self.tensors[x].shape
        spatial = self._spatial((height, width), self._pair(window), stride, options)
        shape = (1, *self._pair(window), channels)
        return self._weighted("DEPTHWISE_CONV_2D", x, shape, (1, *spatial, channels), channels, 3, stride, options)

    def pool(self, kind: str, x: str, window: int, stride: int, padding: int = SAME) -> str:
        _, height, width, channels = self.tensors[x].shape
        spatial = self._spatial((height, width), (window, window), stride, {"padding": padding})
        options = {"filter_height": window, "filter_width": window, "stride_h": stride, "stride_w": stride}
        output = self._activation(f"{kind.lower()}_{len(self.nodes)}", (1, *spatial, channels), like=x)
        return self._node(f"{kind}_POOL_2D", (x,), output, {**options, "padding": padding})

    def binary(self, op: str, x: str, y: str, activation: Activation = Activation.NONE) -> str:
        output = self._activation(f"{op.lower()}_{len(self.nodes)}", self.tensors[x].shape)
        return self._node(op, (x, y), output, {"fused_activation_function": int(activation)})

    def pad(self, x: str, rows: tuple[int, int], columns: tuple[int, int]) -> str:
        paddings = np.array([(0, 0), rows, columns, (0, 0)], np.int32)
        table = self._tensor(f"paddings_{len(self.nodes)}", (4, 2), DType.INT32, None, paddings)
        _, height, width, channels = self.tensors[x].shape
        shape = (1, height + sum(rows), width + sum(columns), channels)
        return self._node("PAD", (x, table), self._activation(f"pad_{len(self.nodes)}", shape, like=x), {})

    def unary(self, op: str, x: str) -> str:
        scale = (1 / 256, -128) if op == "LOGISTIC" else (0.06, 4)
        output = self._activation(f"{op.lower()}_{len(self.nodes)}", self.tensors[x].shape, *scale)
        return self._node(op, (x,), output, {})

    def constant(self, shape: tuple[int, ...]) -> str:
        values = self.rng.integers(-128, 128, shape).astype(np.int8)
        return self._tensor(f"constant_{len(self.tensors)}", shape, DType.INT8, Quantization((0.03,), (2,)), values)

    def graph(self, *outputs: str) -> Graph:
        return Graph(self.name, self.tensors, tuple(self.nodes), ("input",), outputs)

    @staticmethod
    def _pair(window: int | tuple[int, int]) -> tuple[int, int]:
        return (window, window) if isinstance(window, int) else window

    @staticmethod
    def _spatial(
        size: tuple[int, int], window: tuple[int, int], stride: int, options: dict[str, Any]
    ) -> tuple[int, int]:
        dilation, padding = options.get("dilation", 1), options.get("padding", SAME)
        one, other = (axis(n, w, stride, dilation, padding).output for n, w in zip(size, window, strict=True))
        return one, other

    def _weighted(
        self,
        op: str,
        x: str,
        weights: tuple[int, ...],
        output: tuple[int, ...],
        channels: int,
        axis_of_channels: int,
        stride: int,
        options: dict[str, Any],
    ) -> str:
        scales = tuple(float(np.float32(0.002 + 0.0007 * (i % 7))) for i in range(channels))
        values = self.rng.integers(-127, 128, weights).astype(np.int8)
        quantization = Quantization(scales, (0,) * channels, axis_of_channels)
        w = self._tensor(f"weights_{len(self.nodes)}", weights, DType.INT8, quantization, values)
        bias = self.rng.integers(-3000, 3000, channels).astype(np.int32)
        b = self._tensor(f"bias_{len(self.nodes)}", (channels,), DType.INT32, None, bias)
        y = self._activation(f"{op.lower()}_{len(self.nodes)}", output)
        fields = {
            "stride_h": stride,
            "stride_w": stride,
            "dilation_h_factor": options.get("dilation", 1),
            "dilation_w_factor": options.get("dilation", 1),
            "padding": options.get("padding", SAME),
            "depth_multiplier": 1,
            "fused_activation_function": int(options.get("activation", Activation.NONE)),
        }
        return self._node(op, (x, w, b), y, fields)

    def _activation(
        self, name: str, shape: tuple[int, ...], scale: float = 0.05, zero_point: int = -3, like: str | None = None
    ) -> str:
        quantization = Quantization((float(np.float32(scale)),), (zero_point,))
        if like is not None:
            kept = self.tensors[like].type.quantization
            assert kept is not None
            quantization = kept
        return self._tensor(name, shape, DType.INT8, quantization, None)

    def _tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DType,
        quantization: Quantization | None,
        data: Any,
    ) -> str:
        self.tensors[name] = Tensor(name, TensorType(shape, dtype, quantization), data)
        return name

    def _node(self, op: str, inputs: tuple[str, ...], output: str, options: dict[str, Any]) -> str:
        tensors = tuple(self.tensors[name] for name in inputs)
        bare = Layer(output, op, None, tensors, (self.tensors[output],))
        attributes = operators()[op].attributes(options, bare)
        layer = Layer(output, op, attributes, tensors, (self.tensors[output],))
        broken = operators()[op].broken_rule(layer)
        assert broken is None, broken
        self.nodes.append(Node(output, op, attributes, inputs, (output,)))
        return output


def mobile() -> Graph:
    """Strides of 2 on both sides of depthwise layers, odd sizes, channels that are no multiple of 4."""
    net = NetBuilder("mobile", (21, 13, 3), 1)
    x = net.conv("input", 8, 3, 2, activation=Activation.RELU6)
    x = net.conv(net.depthwise(x, 3), 11, 1)
    x = net.conv(net.depthwise(x, 3, 2), 16, 1, activation=Activation.RELU)
    x = net.conv(net.depthwise(x, (5, 3)), 4, 1)
    return net.graph(net.pool("AVERAGE", x, 3, 3))


def residual() -> Graph:
    """Two blocks with shortcuts, one of them through a 1x1 layer of stride 2 that skips rows."""
    net = NetBuilder("residual", (16, 12, 3), 2)
    first = net.conv("input", 8, 3, activation=Activation.RELU)
    added = net.binary("ADD", first, net.conv(net.conv(first, 8, 3), 8, 3), Activation.RELU)
    main = net.conv(net.conv(added, 12, 3, 2), 12, 3)
    return net.graph(net.binary("ADD", net.conv(added, 12, 1, 2), main))


def elementwise() -> Graph:
    """Layers that work element by element, with constants, between poolings; a whole output in the middle."""
    net = NetBuilder("elementwise", (19, 9, 5), 3)
    x = net.unary("RELU", net.binary("MUL", net.pool("MAX", "input", 3, 1), net.constant((1, 1, 5))))
    side = net.unary("LOGISTIC", net.pool("AVERAGE", x, 3, 2))
    y = net.binary("SUB", net.pool("MAX", x, 2, 2), side)
    return net.graph(net.binary("ADD", net.unary("TANH", y), net.constant((5,))), side)


def windows() -> Graph:
    """Dilation, no padding, strides above the window, a window higher than what is left, rows that are all padding."""
    net = NetBuilder("windows", (29, 11, 4), 4)
    x = net.conv(net.pad("input", (2, 0), (1, 1)), 6, 3, dilation=2)
    x = net.conv(x, 8, (4, 3), padding=VALID)
    x = net.depthwise(x, (2, 2), 3)
    x = net.pool("MAX", net.pad(x, (3, 2), (0, 1)), 2, 1, padding=VALID)
    return net.graph(net.conv(x, 5, (7, 5)))


NETS: tuple[Callable[[], Graph], ...] = (mobile, residual, elementwise, windows)


def rounds(graph: Graph, count: int) -> tuple[tuple[bytes, bytes], ...]:
    """Inputs and the outputs that belong to them, as bytes."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(count):
        (tensor,) = graph.input_tensors
        given = random_input(tensor.shape, tensor.type.dtype, rng)
        found.append((given.tobytes(), b"".join(a.tobytes() for a in reference_outputs(graph, [given]))))
    return tuple(found)
