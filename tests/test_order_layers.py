"""The order of layers that keeps the fewest bytes alive."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.core import core_named
from mcuq.ir import Graph
from mcuq.kernels.base import Target
from mcuq.passes.order_layers import LiveBytes, order_layers
from mcuq.planner.arena import plan
from mcuq.planner.lower import lower
from tests.harness.ladder import litert_outputs, random_input, reference_outputs
from tests.harness.net_builder import NetBuilder


def wide_first(branches: int) -> tuple[bytes, Graph]:
    """Branches that each go wide and come back narrow, in a file that lists all wide layers first."""
    net = NetBuilder(0)
    x = net.activation((1, 12, 12, 4), -3)
    wide = [net.conv(x, 40, 1) for _ in range(branches)]
    narrow = [net.conv(y, 4, 3) for y in wide]
    total = narrow[0]
    for other in narrow[1:]:
        total = net.add(total, other)
    out = net.dense(net.flatten(net.pool(total)), 3)
    return net.tflite(x, out), net.graph(x, out)


def arena_bytes(graph: Graph) -> int:
    return plan(lower(graph, Target(core_named("cortex-m4")))).arena_bytes


def test_branches_run_one_after_the_other() -> None:
    model, graph = wide_first(3)
    ordered = order_layers(graph)
    assert [node.name for node in ordered.nodes] != [node.name for node in graph.nodes]
    assert sorted(node.name for node in ordered.nodes) == sorted(node.name for node in graph.nodes)
    assert arena_bytes(ordered) < 0.65 * arena_bytes(graph)  # scratch memory included
    inputs = [random_input((1, 12, 12, 4), t.type.dtype, np.random.default_rng(0)) for t in graph.input_tensors]
    np.testing.assert_array_equal(reference_outputs(ordered, inputs)[0], litert_outputs(model, inputs)[0])


def test_an_order_that_is_as_good_as_any_stays() -> None:
    _, graph = wide_first(1)
    assert order_layers(graph) is graph
    _, several = wide_first(3)
    once = order_layers(several)
    assert order_layers(once) is once


def test_graphs_of_many_branches_are_ordered_in_bounded_time() -> None:
    _, graph = wide_first(25)
    ordered = order_layers(graph)
    assert LiveBytes(ordered).peak(range(len(ordered.nodes))) == LiveBytes(order_layers(wide_first(3)[1])).peak(
        range(11)
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), layers=st.integers(2, 6))
def test_no_order_of_a_small_graph_needs_less(seed: int, layers: int) -> None:
    net = NetBuilder(seed)
    made = [net.activation((1, 4, 4, 3), -3)]
    for _ in range(layers):
        x, y = (str(name) for name in net.rng.choice(made, 2))
        same = net.type(x).shape == net.type(y).shape
        made.append(net.add(x, y) if same and net.rng.random() < 0.4 else net.conv(x, int(net.rng.integers(1, 20)), 1))
    graph = net.graph(made[0], " ".join(made[-2:]))
    search = LiveBytes(graph)
    every = [order for order in itertools.permutations(range(layers)) if _is_possible(search, order)]
    ordered = order_layers(graph)
    found = LiveBytes(ordered).peak(range(layers))
    assert found == min(search.peak(order) for order in every)


def _is_possible(search: LiveBytes, order: tuple[int, ...]) -> bool:
    return all(not search.needs[i] & ~sum(1 << j for j in order[:position]) for position, i in enumerate(order))
