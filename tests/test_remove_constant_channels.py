"""Channels that cannot change are removed, and no byte of the outputs with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.frontend.tflite import bind
from mcuq.ir import DType, Graph, Node, Quantization, Tensor, TensorType
from mcuq.passes.ranges import channel_ranges
from mcuq.passes.remove_constant_channels import remove_constant_channels
from tests.harness.ladder import random_input, reference_outputs

RELU = 1
SAME, VALID = 0, 1


class NetBuilder:
    """A small separable net, layer by layer, in which some channels are pushed to one end of their range."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def activation(self, shape: tuple[int, ...], zero_point: int = -128) -> str:
        name = f"t{len(self.tensors)}"
        self.tensors[name] = Tensor(name, TensorType(shape, DType.INT8, Quantization((0.05,), (zero_point,))))
        return name

    def constant(self, values: np.ndarray, scales: tuple[float, ...] = (), axis: int = 0) -> str:
        name = f"c{len(self.tensors)}"
        quantization = Quantization(scales, (0,) * len(scales), axis) if scales else None
        dtype = DType(values.dtype.name)
        self.tensors[name] = Tensor(name, TensorType(values.shape, dtype, quantization), values)
        return name

    def bias(self, channels: int, dead: float, full: float) -> str:
        """Biases that drive a share ``dead`` of the channels to the least value, ``full`` to the greatest."""
        values = self.rng.integers(-2000, 2000, channels)
        draw = self.rng.random(channels)
        values = np.where(draw < dead, -(10**8), np.where(draw > 1 - full, 10**8, values))
        return self.constant(values.astype(np.int32))

    def layer(self, op: str, options: dict[str, int], inputs: list[str], shape: tuple[int, ...], zero: int) -> str:
        output = self.activation(shape, zero)
        self.nodes.append(Node(f"n{len(self.nodes)}", op, options, tuple(inputs), (output,)))
        return output

    def conv(
        self, x: str, filters: int, window: int, *, dead: float, full: float, padding: int = SAME, zero: int = -128
    ) -> str:
        n, h, w, channels = self.tensors[x].shape
        weights = self.rng.integers(-127, 128, (filters, window, window, channels)).astype(np.int8)
        scales = tuple(float(np.float32(0.001 + 0.0003 * i)) for i in range(filters))
        size = (h, w) if padding == SAME else (h - window + 1, w - window + 1)
        options = {"stride_h": 1, "stride_w": 1, "padding": padding, "fused_activation_function": RELU}
        inputs = [x, self.constant(weights, scales), self.bias(filters, dead, full)]
        return self.layer("CONV_2D", options, inputs, (n, *size, filters), zero)

    def depthwise(self, x: str, *, dead: float, full: float, multiplier: int = 1, zero: int = -128) -> str:
        n, h, w, channels = self.tensors[x].shape
        outputs = channels * multiplier
        weights = self.rng.integers(-127, 128, (1, 3, 3, outputs)).astype(np.int8)
        scales = tuple(float(np.float32(0.002 + 0.0002 * i)) for i in range(outputs))
        options = {
            "stride_h": 1, "stride_w": 1, "padding": SAME, "depth_multiplier": multiplier,
            "fused_activation_function": RELU,
        }  # fmt: skip
        inputs = [x, self.constant(weights, scales, 3), self.bias(outputs, dead, full)]
        return self.layer("DEPTHWISE_CONV_2D", options, inputs, (n, h, w, outputs), zero)

    def pool(self, x: str) -> str:
        n, h, w, channels = self.tensors[x].shape
        options = {"stride_h": h, "stride_w": w, "filter_height": h, "filter_width": w, "padding": VALID}
        return self.layer("AVERAGE_POOL_2D", options, [x], (n, 1, 1, channels), self.tensors[x].type.zero_point)

    def flatten(self, x: str) -> str:
        tensor = self.tensors[x]
        return self.layer("RESHAPE", {}, [x], (1, tensor.type.elements), tensor.type.zero_point)

    def dense(self, x: str, units: int) -> str:
        weights = self.rng.integers(-127, 128, (units, self.tensors[x].shape[1])).astype(np.int8)
        inputs = [x, self.constant(weights, (0.002,)), self.bias(units, 0.0, 0.0)]
        return self.layer("FULLY_CONNECTED", {}, inputs, (1, units), 3)

    def graph(self, inputs: str, outputs: str) -> Graph:
        return bind(Graph("net", self.tensors, tuple(self.nodes), (inputs,), (outputs,)))


def separable_net(seed: int, dead: float, full: float, zero: int = -128, multiplier: int = 1) -> Graph:
    net = NetBuilder(seed)
    x = net.activation((1, 6, 5, 3), -3)
    y = net.conv(x, 8, 3, dead=dead, full=full, zero=zero)
    y = net.depthwise(y, dead=dead, full=full, multiplier=multiplier, zero=zero)
    y = net.conv(y, 12, 1, dead=dead, full=full, zero=zero)
    y = net.depthwise(y, dead=dead, full=full, zero=zero)
    y = net.conv(y, 10, 3, dead=dead, full=full, padding=VALID, zero=zero)
    return net.graph(x, net.dense(net.flatten(net.pool(y)), 4))


def outputs_for(graph: Graph, inputs: list[np.ndarray]) -> list[np.ndarray]:
    return reference_outputs(graph, inputs)


def channels(graph: Graph) -> int:
    return sum(graph.tensors[name].shape[-1] for node in graph.nodes for name in node.outputs)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    dead=st.sampled_from([0.0, 0.3, 0.6, 1.0]),
    full=st.sampled_from([0.0, 0.3]),
    zero=st.sampled_from([-128, -100]),
    multiplier=st.sampled_from([1, 2]),
)
def test_outputs_keep_every_byte(seed: int, dead: float, full: float, zero: int, multiplier: int) -> None:
    graph = separable_net(seed, dead, full, zero, multiplier)
    smaller = remove_constant_channels(graph)
    rng = np.random.default_rng(seed)
    for _ in range(2):
        inputs = [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors]
        for want, got in zip(outputs_for(graph, inputs), outputs_for(smaller, inputs), strict=True):
            np.testing.assert_array_equal(got, want)


def test_dead_channels_go_from_the_whole_chain() -> None:
    graph = separable_net(5, 0.5, 0.0)
    smaller = remove_constant_channels(graph)
    assert channels(smaller) < 0.7 * channels(graph)


def test_a_net_without_constant_channels_stays_as_it_is() -> None:
    graph = separable_net(6, 0.0, 0.0)
    assert remove_constant_channels(graph) is graph


def test_a_channel_that_is_all_constant_keeps_one() -> None:
    smaller = remove_constant_channels(separable_net(7, 1.0, 0.0))
    assert min(smaller.tensors[name].shape[-1] for node in smaller.nodes for name in node.outputs) == 1


@pytest.mark.parametrize("seed", range(8))
def test_ranges_hold_for_every_value_seen(seed: int) -> None:
    graph = separable_net(seed, 0.3, 0.2)
    ranges = channel_ranges(graph)
    rng = np.random.default_rng(seed)
    every = Graph(graph.name, graph.tensors, graph.nodes, graph.inputs, tuple(n.outputs[0] for n in graph.nodes))
    for _ in range(5):
        inputs = [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors]
        for name, values in zip(every.outputs, reference_outputs(every, inputs), strict=True):
            rows = values.reshape(-1, values.shape[-1])
            assert (rows >= ranges[name].low).all() and (rows <= ranges[name].high).all(), name
