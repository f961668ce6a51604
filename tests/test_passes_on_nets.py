"""All passes on random nets: the bytes of LiteRT, which runs the net as it was before them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ir import Graph
from mcuq.passes import run_passes
from tests.harness.ladder import litert_outputs, random_input, reference_outputs
from tests.harness.net_builder import NONE, RELU, RELU6, SAME, VALID, NetBuilder

LAYERS = (
    "conv",
    "pointwise",
    "depthwise",
    "pad",
    "padv2",
    "max_pool",
    "average_pool",
    "relu",
    "requantize",
    "tanh",
    "residual",
    "bias",
    "scale",
    "concatenate",
)


def assert_litert_bytes(model: bytes, graph: Graph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = [random_input(tensor.shape, tensor.type.dtype, rng) for tensor in graph.input_tensors]
    for got, want in zip(reference_outputs(graph, inputs), litert_outputs(model, inputs), strict=True):
        np.testing.assert_array_equal(got, want)


def add_layer(net: NetBuilder, x: str, kind: str) -> str:
    """A layer of the given kind on ``x``, with what is random drawn from the net's generator."""
    rng = net.rng
    _, height, width, channels = net.type(x).shape
    shares = {name: float(rng.choice([0.0, 0.3, 0.6])) for name in ("dead", "full", "still")}
    zero = int(rng.choice([-128, -128, -100]))
    activation = int(rng.choice([NONE, RELU, RELU6]))
    padding = VALID if min(height, width) >= 3 and rng.random() < 0.4 else SAME
    stride = int(rng.choice([1, 2]))
    window = {"stride": stride, "padding": padding, "zero": zero, "activation": activation}
    if kind == "conv":
        return net.conv(x, int(rng.integers(1, 9)), 3, **shares, **window)
    if kind == "pointwise":
        return net.conv(x, int(rng.integers(1, 13)), 1, **shares, **window)
    if kind == "depthwise":
        return net.depthwise(x, multiplier=int(rng.choice([1, 1, 2])) if channels < 20 else 1, **shares, **window)
    if kind in ("pad", "padv2"):
        before, after = (int(n) for n in rng.integers(0, 3, 2))
        return net.pad(x, before, after, int(rng.integers(-128, 128)) if kind == "padv2" else None)
    if kind in ("max_pool", "average_pool"):
        size = min(2, height, width)
        return net.pool(x, f"{kind.upper()}_2D", size, padding)
    if kind == "relu":
        keeps = rng.random() < 0.5
        type_ = net.type(x)
        scale, zero = (type_.scale, type_.zero_point) if keeps else (0.04, zero)
        return net.same(x, str(rng.choice(["RELU", "RELU6"])), zero, scale)
    if kind == "requantize":
        return net.same(x, "QUANTIZE", zero, float(rng.choice([0.05, 0.031, 0.2])))
    if kind == "tanh":
        return net.same(x, "TANH", 0, 1 / 128)
    if kind == "residual":
        other = net.conv(x, channels, 1, **shares, zero=zero, activation=activation)
        return net.add(*((x, other) if rng.random() < 0.5 else (other, x)), zero=zero, activation=activation)
    if kind in ("bias", "scale"):
        operand = net.channel_constant(channels)
        return net.add(x, operand, zero=zero, activation=activation, op="ADD" if kind == "bias" else "MUL")
    type_ = net.type(x)
    quantized = {"zero": type_.zero_point, "scale": type_.scale}
    return net.concatenate(net.conv(x, 3, 1, **shares, **quantized), x, net.conv(x, 2, 1, **shares, **quantized))


def random_net(seed: int, kinds: list[str], head: str) -> tuple[NetBuilder, str, str]:
    net = NetBuilder(seed)
    height, width, channels = (int(n) for n in net.rng.integers((1, 1, 1), (8, 8, 6)))
    x = y = net.activation((1, height, width, channels), -3)
    for kind in kinds:
        y = add_layer(net, y, kind)
    if head == "dense":
        y = net.dense(net.flatten(y), 3)
    elif head == "mean":
        y = net.dense(net.mean(y), 3)
    elif head == "pool":
        y = net.dense(net.flatten(net.pool(y)), 3)
    return net, x, y


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kinds=st.lists(st.sampled_from(LAYERS), min_size=1, max_size=7),
    head=st.sampled_from(["dense", "mean", "pool", "none"]),
)
def test_random_nets_keep_every_byte(seed: int, kinds: list[str], head: str) -> None:
    net, x, y = random_net(seed, kinds, head)
    assert_litert_bytes(net.tflite(x, y), run_passes(net.graph(x, y)), seed)
