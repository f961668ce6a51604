"""Channels that cannot change are removed, and no byte of the outputs with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ir import Graph, Tensor
from mcuq.passes.ranges import channel_ranges
from mcuq.passes.remove_constant_channels import remove_constant_channels
from tests.harness.ladder import random_input, reference_outputs
from tests.harness.net_builder import NONE, VALID, NetBuilder


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


def test_of_many_channels_whole_groups_of_four_stay() -> None:
    kept = []
    for seed in range(4):
        net = NetBuilder(seed)
        x = net.activation((1, 5, 5, 3), -3)
        y = net.depthwise(net.conv(x, 60, 1, dead=0.3))
        graph = net.graph(x, net.conv(y, 5, 1))
        smaller = remove_constant_channels(graph)
        left = [smaller.tensors[node.outputs[0]].shape[-1] for node in smaller.nodes]
        assert left[0] == left[1] < 60 and left[0] % 4 == 0
        assert_same_bytes(graph, smaller)
        kept.append(int(channel_ranges(smaller)[smaller.nodes[1].outputs[0]].constant.sum()))
    assert 0 < max(kept) < 4, "some that could go are kept, but never a whole group"


def test_a_net_without_constant_channels_stays_as_it_is() -> None:
    graph = separable_net(6, 0.0, 0.0)
    assert remove_constant_channels(graph) is graph


def test_a_channel_that_is_all_constant_keeps_one() -> None:
    smaller = remove_constant_channels(separable_net(7, 1.0, 0.0))
    assert min(smaller.tensors[name].shape[-1] for node in smaller.nodes for name in node.outputs) == 1


def separable_pair(depthwise_weights: np.ndarray, *, still: float = 1.0) -> Graph:
    """A convolution to constant channels above the zero point, a padded depthwise one of them, and a reader of it."""
    net = NetBuilder(2)
    x = net.activation((1, 6, 6, 3), -3)
    y = net.conv(x, 4, 1, still=still, full=still, activation=NONE, zero=-90)
    y = net.depthwise(y)
    name = net.nodes[-1].inputs[1]
    net.tensors[name] = Tensor(name, net.tensors[name].type, depthwise_weights.astype(np.int8))
    return net.graph(x, net.conv(y, 5, 1))


def assert_same_bytes(graph: Graph, changed: Graph) -> None:
    rng = np.random.default_rng(3)
    inputs = [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors]
    for want, got in zip(reference_outputs(graph, inputs), reference_outputs(changed, inputs), strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_constant_goes_through_padding_where_every_border_class_gives_the_same_value() -> None:
    weights = np.zeros((1, 3, 3, 4))
    weights[0, 1, 1] = 50  # the middle tap is never in the padding
    graph = separable_pair(weights)
    smaller = remove_constant_channels(graph)
    assert [smaller.tensors[node.outputs[0]].shape[-1] for node in smaller.nodes] == [1, 1, 5]
    assert_same_bytes(graph, smaller)


def test_a_constant_stays_where_padding_shows() -> None:
    graph = separable_pair(np.full((1, 3, 3, 4), 50))
    values = channel_ranges(graph)
    assert values[graph.nodes[0].outputs[0]].constant.all()
    assert not values[graph.nodes[1].outputs[0]].constant.any()
    assert remove_constant_channels(graph) is graph


def test_a_channel_that_a_constant_one_is_made_of_goes_although_it_changes() -> None:
    weights = np.full((1, 3, 3, 4), 50)
    weights[..., :3] = 0
    graph = separable_pair(weights, still=0.0)
    assert not channel_ranges(graph)[graph.nodes[0].outputs[0]].constant.any()
    smaller = remove_constant_channels(graph)
    assert [smaller.tensors[node.outputs[0]].shape[-1] for node in smaller.nodes] == [1, 1, 5]
    assert_same_bytes(graph, smaller)


def test_channels_go_through_sums_concatenations_padding_and_means() -> None:
    net = NetBuilder(4)
    x = net.activation((1, 5, 5, 3), -3)
    left = net.conv(x, 12, 3, dead=0.7)
    right = net.same(net.conv(x, 12, 1, dead=1.0), "RELU6", -128)
    y = net.pad(net.add(left, right), 1, 0)
    y = net.concatenate(y, net.conv(net.pad(x, 1, 0), 6, 1, dead=0.8, scale=0.06))
    y = net.add(y, net.channel_constant(18))
    out = net.dense(net.mean(net.pool(y, "MAX_POOL_2D", 2)), 3)
    graph = net.graph(x, out)
    smaller = remove_constant_channels(graph)
    assert channels(smaller) < 0.5 * channels(graph)
    assert_same_bytes(graph, smaller)


def test_channels_of_a_sum_stay_where_one_side_is_read_again() -> None:
    net = NetBuilder(4)
    x = net.activation((1, 5, 5, 3), -3)
    y = net.conv(x, 4, 3)
    total = net.add(y, net.conv(x, 4, 1, dead=1.0))
    graph = net.graph(x, f"{net.conv(total, 3, 1)} {y}")
    assert remove_constant_channels(graph) is graph


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
