"""Layers that are fused into their neighbours: which are, which must not be, and the kernels that then run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mcuq.board import board_named
from mcuq.cmsis_nn import find_cmsis_nn
from mcuq.core import Core, core_named
from mcuq.ir import Graph
from mcuq.kernels.base import Target
from mcuq.ops.base import Case
from mcuq.passes import run_passes
from mcuq.planner.lower import KernelPolicy
from tests.harness.ladder import litert_outputs, random_input, reference_outputs
from tests.harness.net_builder import NONE, RELU, RELU6, SAME, VALID, NetBuilder
from tests.harness.suite import SuiteCase, differences_in_qemu, differences_on_the_host, layer_cases


def padded(
    before: int,
    after: int,
    reader: Callable[[NetBuilder, str], str],
    shape: tuple[int, int, int] = (9, 8, 6),
    zero: int = -3,
    value: int | None = None,
) -> tuple[bytes, Graph]:
    """An input, padded, and one layer that reads it: as LiteRT's file, and bound."""
    net = NetBuilder(before + 7 * after)
    x = net.activation((1, *shape), zero)
    y = reader(net, net.pad(x, before, after, value))
    return net.tflite(x, y), net.graph(x, y)


def conv(stride: int, window: int = 3, filters: int = 8, padding: int = VALID) -> Callable[[NetBuilder, str], str]:
    return lambda net, x: net.conv(x, filters, window, stride=stride, padding=padding, scale=0.3)


def depthwise(stride: int, padding: int = VALID, multiplier: int = 1) -> Callable[[NetBuilder, str], str]:
    return lambda net, x: net.depthwise(x, stride=stride, padding=padding, multiplier=multiplier)


def max_pool(net: NetBuilder, x: str) -> str:
    return net.pool(x, "MAX_POOL_2D", 3)


FUSED = {
    "conv_keras_stride_2": padded(0, 1, conv(2)),
    "conv_pytorch_stride_2": padded(1, 1, conv(2)),
    "conv_more_before_than_after": padded(2, 1, conv(1)),
    "conv_before_only": padded(2, 0, conv(1, 4, 5), shape=(7, 6, 3)),
    "conv_beside_its_own_padding": padded(1, 0, conv(2, 5, padding=SAME)),
    "conv_one_channel": padded(1, 2, conv(2, 5), shape=(12, 7, 1)),
    "conv_wide_channels": padded(1, 1, conv(1, 3, 9), shape=(5, 4, 16)),
    "depthwise_keras_stride_2": padded(0, 1, depthwise(2)),
    "depthwise_pytorch_stride_2": padded(1, 1, depthwise(2)),
    "depthwise_stride_1": padded(1, 1, depthwise(1)),
    "depthwise_before_only": padded(2, 0, depthwise(1)),
    "depthwise_after_only": padded(0, 2, depthwise(2), shape=(7, 6, 8)),
    "depthwise_multiplied": padded(1, 0, depthwise(1, multiplier=2), shape=(5, 4, 3)),
    "depthwise_beside_its_own_padding": padded(1, 0, depthwise(1, SAME)),
    "max_pool_of_what_is_never_less": padded(1, 1, max_pool, zero=-128),
    "max_pool_before_only": padded(2, 0, max_pool, value=-128),
}


AS_C = (
    "conv_keras_stride_2",
    "conv_before_only",
    "conv_beside_its_own_padding",
    "depthwise_keras_stride_2",
    "depthwise_before_only",
    "depthwise_after_only",
    "max_pool_of_what_is_never_less",
)
"""Of these, what is compiled with every kernel."""


@pytest.mark.parametrize("name", FUSED)
def test_padding_is_fused(name: str) -> None:
    model, graph = FUSED[name]
    fused = run_passes(graph)
    assert [node.op for node in fused.nodes] == [graph.nodes[-1].op]
    rng = np.random.default_rng(0)
    inputs = [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors]
    np.testing.assert_array_equal(reference_outputs(fused, inputs)[0], litert_outputs(model, inputs)[0])


def fused_cases(core: Core, policy: KernelPolicy) -> list[SuiteCase]:
    found = find_cmsis_nn() if policy is not KernelPolicy.MCUQ else None
    target = Target(core, found.functions if found else frozenset())
    return [
        made
        for name in AS_C
        for model, graph in (FUSED[name],)
        for made in layer_cases("PAD", Case(name, (), ()), model, run_passes(graph), target, policy)
    ]


def test_every_kernel_takes_padding_of_any_shape_under_sanitizers(tmp_path: Path) -> None:
    cases = fused_cases(core_named("cortex-m4"), KernelPolicy.MCUQ)
    assert differences_on_the_host(cases, tmp_path) == []


@pytest.mark.parametrize("board", ["mps2-an386", "mps3-an547"])
def test_every_kernel_takes_padding_of_any_shape_in_qemu(board: str, tmp_path: Path) -> None:
    found = board_named(board)
    cases = fused_cases(found.core_with_fpu, KernelPolicy.AUTO)
    assert differences_in_qemu(found, cases, tmp_path) == []


NOT_FUSED = {
    "of_another_value_than_zero": padded(1, 1, conv(1), value=0),
    "that_a_whole_window_lies_in": padded(3, 0, conv(1)),
    "before_windows_of_one_pixel": padded(1, 1, conv(1, 1)),
    "before_a_mean": padded(1, 1, lambda net, x: net.pool(x, "AVERAGE_POOL_2D", 3)),
    "before_a_maximum_of_lesser_values": padded(1, 1, max_pool),
}


@pytest.mark.parametrize("name", NOT_FUSED)
def test_padding_stays(name: str) -> None:
    _, graph = NOT_FUSED[name]
    assert len(run_passes(graph).nodes) == 2


def test_padding_that_is_read_twice_stays_where_one_reader_needs_it() -> None:
    net = NetBuilder(0)
    x = net.activation((1, 6, 6, 4), -3)
    y = net.pad(x, 1, 1)
    graph = net.graph(x, f"{net.conv(y, 4, 3, padding=VALID)} {net.conv(y, 4, 1)}")
    assert [node.op for node in run_passes(graph).nodes] == ["PAD", "CONV_2D", "CONV_2D"]


def clamped(done: int, clamp: str, zero: int = -20, scale: float = 0.05) -> tuple[bytes, Graph]:
    net = NetBuilder(3)
    x = net.activation((1, 5, 5, 4), -3)
    y = net.conv(x, 6, 3, activation=done, zero=-20)
    y = net.same(y, clamp, zero, scale)
    return net.tflite(x, y), net.graph(x, y)


@pytest.mark.parametrize(
    ("done", "clamp"), [(NONE, "RELU"), (NONE, "RELU6"), (NONE, "RELU_N1_TO_1"), (RELU, "RELU6"), (RELU6, "RELU")]
)
def test_clamps_are_fused(done: int, clamp: str) -> None:
    model, graph = clamped(done, clamp)
    fused = run_passes(graph)
    assert [node.op for node in fused.nodes] == ["CONV_2D"]
    rng = np.random.default_rng(0)
    inputs = [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors]
    np.testing.assert_array_equal(reference_outputs(fused, inputs)[0], litert_outputs(model, inputs)[0])


@pytest.mark.parametrize(
    ("done", "clamp", "scale"), [(NONE, "RELU", 0.04), (RELU, "RELU_N1_TO_1", 0.05)], ids=["other_scale", "two_kinds"]
)
def test_clamps_that_no_fused_activation_does_stay(done: int, clamp: str, scale: float) -> None:
    _, graph = clamped(done, clamp, scale=scale)
    assert len(run_passes(graph).nodes) == 2


def test_clamps_of_what_is_read_again_stay() -> None:
    net = NetBuilder(3)
    x = net.activation((1, 5, 5, 4), -3)
    y = net.conv(x, 6, 3, activation=NONE, zero=-20)
    graph = net.graph(x, f"{net.same(y, 'RELU', -20)} {y}")
    assert [node.op for node in run_passes(graph).nodes] == ["CONV_2D", "RELU"]


def test_functions_of_a_byte_in_a_row_become_one_table(tmp_path: Path) -> None:
    net = NetBuilder(3)
    x = net.activation((1, 5, 5, 4), -3)
    y = net.same(net.same(net.same(x, "QUANTIZE", 7, 0.041), "LOGISTIC", -128, 1 / 256), "QUANTIZE", -5, 0.006)
    y = net.same(net.same(net.same(y, "HARD_SWISH", -90, 0.004), "ABS", -128, 0.003), "GELU", -128, 0.004)
    fused = run_passes(net.graph(x, y))
    assert [node.op for node in fused.nodes] == ["TABLE"]
    target = Target(core_named("cortex-m4"))
    (case,) = layer_cases("TABLE", Case("chain", (), ()), net.tflite(x, y), fused, target, KernelPolicy.MCUQ)
    assert differences_on_the_host([case], tmp_path) == []


def test_a_function_of_a_byte_that_is_read_twice_stays() -> None:
    net = NetBuilder(3)
    x = net.activation((1, 5, 5, 4), -3)
    y = net.same(x, "RELU", 7, 0.041)
    graph = net.graph(x, f"{net.same(y, 'TANH', 0, 1 / 128)} {net.same(y, 'QUANTIZE', 1, 0.03)}")
    assert [node.op for node in run_passes(graph).nodes] == ["RELU", "TANH", "QUANTIZE"]


def test_layers_that_give_back_their_input_are_gone() -> None:
    net = NetBuilder(3)
    x = net.activation((1, 5, 5, 4), -3)
    y = net.conv(x, 6, 3, zero=-128)
    y = net.same(net.same(y, "RELU", -128), "QUANTIZE", -128)
    y = net.same(net.pad(y, 0, 0), "QUANTIZE", -128, 0.05000001)  # another scale, the same bytes
    out = net.conv(y, 3, 1)
    fused = run_passes(net.graph(x, out))
    assert [node.op for node in fused.nodes if node.op != "RESHAPE"] == ["CONV_2D", "CONV_2D"]
    rng = np.random.default_rng(0)
    inputs = [random_input((1, 5, 5, 4), t.type.dtype, rng) for t in fused.input_tensors]
    np.testing.assert_array_equal(reference_outputs(fused, inputs)[0], litert_outputs(net.tflite(x, out), inputs)[0])
