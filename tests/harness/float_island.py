"""Small nets with layers of float32, as TFLite files: an island between integers, all of it, and with int8 weights."""

from __future__ import annotations

import numpy as np

from mcuq.ir import DType, Graph, Node, Quantization, Tensor, TensorType
from mcuq.ops.activation import Activation
from mcuq.ops.conv_geometry import VALID
from tests.harness.tflite_writer import write_graph

_CONV = {"stride_h": 2, "stride_w": 2, "dilation_h_factor": 1, "dilation_w_factor": 1, "padding": VALID}


class _Net:
    """Tensors and nodes by name, in the order of execution."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def real(self, name: str, *shape: int) -> str:
        self.tensors[name] = Tensor(name, TensorType(shape, DType.FLOAT32))
        return name

    def int8(self, name: str, scale: float, zero_point: int, *shape: int) -> str:
        quantization = Quantization((float(np.float32(scale)),), (zero_point,))
        self.tensors[name] = Tensor(name, TensorType(shape, DType.INT8, quantization))
        return name

    def weights(self, name: str, *shape: int, dtype: DType = DType.FLOAT32) -> str:
        if dtype is DType.FLOAT32:
            return self.constant(name, self.rng.normal(0, 0.3, shape).astype(np.float32))
        scales = tuple(float(np.float32(0.002 + 0.0007 * i)) for i in range(shape[0]))
        return self.constant(name, self.rng.integers(-127, 128, shape).astype(np.int8), scales)

    def constant(self, name: str, values: np.ndarray, scales: tuple[float, ...] = ()) -> str:
        quantization = Quantization(scales, (0,) * len(scales)) if scales else None
        self.tensors[name] = Tensor(name, TensorType(values.shape, DType(values.dtype.name), quantization), values)
        return name

    def add(self, op: str, output: str, *inputs: str, **options: object) -> str:
        self.nodes.append(Node(output, op, options, inputs, (output,)))
        return output

    def file(self, x: str, y: str) -> bytes:
        return write_graph(Graph("net", self.tensors, tuple(self.nodes), (x,), (y,)))


def island_net() -> bytes:
    """RELU in int8, SIN in float32, RELU in int8."""
    net = _Net()
    x, before = net.int8("x", 0.05, -3, 1, 24), net.int8("before", 0.05, -128, 1, 24)
    net.add("RELU", before, x)
    real, sine = net.real("real", 1, 24), net.real("sine", 1, 24)
    net.add("DEQUANTIZE", real, before)
    net.add("SIN", sine, real)
    after, y = net.int8("after", 1 / 128, 0, 1, 24), net.int8("y", 1 / 128, 0, 1, 24)
    net.add("QUANTIZE", after, sine)
    net.add("RELU", y, after)
    return net.file(x, y)


def real_net() -> bytes:
    """A convolutional net all in float32."""
    return _classifier(DType.FLOAT32)


def dynamic_range_net() -> bytes:
    """The same with int8 weights and neither TANH nor SOFTMAX, for which LiteRT calls a library."""
    return _classifier(DType.INT8)


def _classifier(dtype: DType) -> bytes:
    net, real = _Net(), dtype is DType.FLOAT32
    x, image = net.real("x", 1, 9, 9, 3), net.real("image", 1, 4, 4, 6)
    window, bias = net.weights("window", 6, 3, 3, 3, dtype=dtype), net.weights("bias", 6)
    net.add("CONV_2D", image, x, window, bias, fused_activation_function=int(Activation.RELU), **_CONV)
    pooled = net.add(
        "MAX_POOL_2D", net.real("pooled", 1, 2, 2, 6), image, filter_height=2, filter_width=2, stride_h=2, stride_w=2,
        padding=VALID,
    )  # fmt: skip
    dense, of_dense = net.weights("dense", 5, 24, dtype=dtype), net.weights("of_dense", 5)
    options = {"asymmetric_quantize_inputs": not real}
    y = net.add("FULLY_CONNECTED", net.real("y", 1, 5), pooled, dense, of_dense, **options)
    if real:
        y = net.add("TANH", net.real("bent", 1, 5), y)
        y = net.add("SOFTMAX", net.real("shares", 1, 5), y, beta=1.0)
    return net.file(x, y)
