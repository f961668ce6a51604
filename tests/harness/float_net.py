"""Float TFLite models made of a few layers with random weights, and images for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcuq.data import Dataset
from mcuq.ir import DType, Graph, Node, Tensor, TensorType
from mcuq.ops.conv_geometry import SAME, VALID, axis
from tests.harness.tflite_writer import write_graph


class FloatNet:
    """A float model, layer by layer; random weights from one seed."""

    def __init__(self, *shape: int) -> None:
        self.rng = np.random.default_rng(3)
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.input = self.last = self.tensor("image", shape)

    def tensor(self, name: str, shape: tuple[int, ...], values: np.ndarray | None = None) -> str:
        dtype = DType.FLOAT32 if values is None else DType(values.dtype.name)
        self.tensors[name] = Tensor(name, TensorType(shape, dtype, None), values)
        return name

    def layer(self, op: str, name: str, inputs: list[str], shape: tuple[int, ...], options: dict[str, Any]) -> str:
        self.last = self.tensor(name, shape)
        self.nodes.append(Node(name, op, options, tuple(inputs), (name,)))
        return name

    def weights(self, name: str, shape: tuple[int, ...], fan_in: int) -> str:
        values = self.rng.normal(0.0, 1.0, shape) / np.sqrt(fan_in)
        return self.tensor(name, shape, values.astype(np.float32))

    def convolution(
        self, name: str, window: int, channels: int, stride: int = 1, padding: int = SAME, dilation: int = 1,
        *, depthwise: int = 0, relu: bool = True,
    ) -> str:  # fmt: skip
        """``depthwise`` is the multiplier of channels; ``channels`` does not count then."""
        source = self.last
        _, height, width, depth = self.tensors[source].shape
        op, shape = "CONV_2D", (channels, window, window, depth)
        if depthwise:
            op, shape, channels = "DEPTHWISE_CONV_2D", (1, window, window, depth * depthwise), depth * depthwise
        out = (1, *(axis(size, window, stride, dilation, padding).output for size in (height, width)), channels)
        weights = self.weights(f"{name}/w", shape, window * window * (1 if depthwise else depth))
        inputs = [source, weights, self.weights(f"{name}/b", (channels,), 4)]
        options = {"strideH": stride, "strideW": stride, "dilationHFactor": dilation, "dilationWFactor": dilation}
        options |= {"padding": padding, "fusedActivationFunction": int(relu)}
        return self.layer(op, name, inputs, out, options | ({"depthMultiplier": depthwise} if depthwise else {}))

    def dense(self, name: str, outputs: int) -> str:
        elements = int(np.prod(self.tensors[self.last].shape))
        shape = self.tensor("flat/shape", (2,), np.array([1, elements], np.int32))
        flat = self.layer("RESHAPE", "flat", [self.last, shape], (1, elements), {"newShape": [1, elements]})
        weights = self.weights(f"{name}/w", (outputs, elements), elements)
        return self.layer("FULLY_CONNECTED", name, [flat, weights], (1, outputs), {})

    def content(self) -> bytes:
        return write_graph(Graph("net", self.tensors, tuple(self.nodes), (self.input,), (self.last,)))


def residual_net() -> bytes:
    """Convolutions with a branch around them, depthwise, dilated, strided; and fully connected without a bias."""
    net = FloatNet(1, 13, 12, 3)
    first = net.convolution("stem", 3, 8, relu=True)
    second = net.convolution("wide", 3, 8, relu=False)
    net.layer("ADD", "sum", [first, second], net.tensors[first].shape, {"fusedActivationFunction": 1})
    net.convolution("wise", 3, 0, 2, depthwise=2)
    net.convolution("gaps", 2, 24, 1, VALID, 2)
    net.convolution("point", 1, 24, 2)
    net.dense("scores", 10)
    return net.content()


def smooth_images() -> Dataset:
    """60 random images: neighbours are alike, as in photographs."""
    rng = np.random.default_rng(5)
    coarse = rng.normal(size=(60, 5, 4, 3)).repeat(3, axis=1).repeat(3, axis=2)[:, :13]
    return Dataset(((coarse + 0.2 * rng.normal(size=(60, 13, 12, 3))).astype(np.float32),), None, "made")
