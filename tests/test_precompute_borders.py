"""Channels that depend on the border only come from flash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ir import Graph
from mcuq.passes import run_passes
from mcuq.passes.precompute_borders import precompute_borders
from tests.harness.ladder import litert_outputs, random_input, reference_outputs
from tests.harness.net_builder import SAME, VALID, NetBuilder

SEPARABLE = ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]
WITH_IMAGES = ["CONV_2D", "DEPTHWISE_CONV_2D", "CONCATENATION", "CONV_2D"]


def bordered(
    seed: int = 1, size: int = 6, full: float = 0.4, padding: int = SAME, stride: int = 1, readers: int = 1
) -> tuple[bytes, Graph]:
    """A separable convolution in which a share ``full`` of the channels is constant, far from zero, before padding."""
    net = NetBuilder(seed)
    x = net.activation((1, size, size, 16), -3)
    y = net.depthwise(net.conv(x, 12, 1, full=full), padding=padding, stride=stride)
    outputs = " ".join(net.conv(y, 7, 1) for _ in range(readers))
    return net.tflite(x, outputs), net.graph(x, outputs)


def assert_litert_bytes(model: bytes, graph: Graph) -> None:
    rng = np.random.default_rng(5)
    inputs = [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors]
    for got, want in zip(reference_outputs(graph, inputs), litert_outputs(model, inputs), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("stride", "readers"), [(1, 1), (2, 1), (1, 2)])
def test_images_of_constant_channels_come_from_flash(stride: int, readers: int) -> None:
    model, graph = bordered(stride=stride, readers=readers)
    changed = precompute_borders(graph)
    assert [node.op for node in changed.nodes] == WITH_IMAGES + ["CONV_2D"] * (readers - 1)
    conv, depthwise, whole = list(changed.layers())[:3]
    assert conv.output.shape[-1] == depthwise.output.shape[-1] < 12
    assert whole.output.shape[-1] == 12 and whole.input(1).constant
    assert_litert_bytes(model, changed)
    assert precompute_borders(changed) == changed


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), full=st.sampled_from([0.1, 0.5, 0.9]), size=st.integers(1, 7))
def test_bytes_stay_the_same(seed: int, full: float, size: int) -> None:
    model, graph = bordered(seed, size, full)
    assert_litert_bytes(model, run_passes(graph))


@pytest.mark.parametrize(
    "graph",
    [
        bordered(size=24)[1],  # the images take more flash than the weights
        bordered(full=0.0)[1],
        bordered(padding=VALID)[1],  # constant, hence in the bias of the next layer
    ],
    ids=["large", "without_constants", "without_padding"],
)
def test_layers_stay_where_images_are_of_no_use(graph: Graph) -> None:
    assert [node.op for node in run_passes(graph).nodes] == SEPARABLE


def test_layers_stay_where_somebody_else_reads_them() -> None:
    net = NetBuilder(1)
    x = net.activation((1, 6, 6, 16), -3)
    y = net.conv(x, 12, 1, full=0.4)
    out = net.conv(net.depthwise(y), 7, 1)
    graph = net.graph(x, f"{out} {y}")
    assert precompute_borders(graph) is graph


def test_an_image_needs_a_reader_that_can_take_channels_in_another_order() -> None:
    net = NetBuilder(1)
    x = net.activation((1, 6, 6, 16), -3)
    graph = net.graph(x, net.pool(net.depthwise(net.conv(x, 12, 1, full=0.4))))
    assert precompute_borders(graph) is graph
