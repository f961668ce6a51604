"""Layers of two-valued tensors count bits: LiteRT's bytes on the host and in QEMU, and what is refused."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcuq.board import board_named
from mcuq.core import Core, core_named
from mcuq.ir import DType, Tensor
from mcuq.kernels import mcuq_fully_connected_binary as fully_connected
from mcuq.kernels.base import Target
from mcuq.kernels.mcuq_conv_2d_binary import FUNCTION, line_constants, refuses
from mcuq.ops.base import Case
from mcuq.ops.conv_geometry import SAME, VALID
from mcuq.passes import run_passes
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from tests.harness.ladder import litert_outputs, random_input, reference_outputs
from tests.harness.net_builder import NONE, RELU, NetBuilder
from tests.harness.suite import SuiteCase, differences_in_qemu, differences_on_the_host

TWO_VALUES = 126
"""A zero point that leaves a ReLU 126 and 127."""


def net_of(
    shape: tuple[int, ...], channels: int, filters: int, *, zero: int = TWO_VALUES, plain: bool = False, **options: Any
) -> tuple[NetBuilder, str, str, str]:
    """A convolution with a ReLU, and one that reads it, of two weights a channel: -c and c, or others."""
    net = NetBuilder(7)
    x = net.activation(shape, 3)
    y = net.conv(x, channels, 1, zero=zero, activation=RELU)
    out = net.conv(y, filters, zero=-5, **{"activation": NONE, "scale": 0.003, **options})
    if not plain:
        give_two_weights(net, filters)
    return net, x, y, out


def dense_net_of(shape: tuple[int, ...], channels: int, units: int, **options: Any) -> tuple[NetBuilder, str, str, str]:
    """The same with a fully connected layer instead of the second convolution."""
    net = NetBuilder(8)
    x = net.activation(shape, 3)
    y = net.conv(x, channels, 1, zero=TWO_VALUES, activation=RELU)
    out = net.dense(net.flatten(y), units, **options)
    give_two_weights(net, units)
    return net, x, y, out


def give_two_weights(net: NetBuilder, outputs: int) -> None:
    weights = net.tensors[str(net.nodes[-1].inputs[1])]
    one, other = (w.reshape(-1, *[1] * (len(weights.shape) - 1)) for w in two_weights(net, outputs))
    values = np.where(net.rng.random(weights.shape) < 0.5, one, other).astype(np.int8)
    net.tensors[weights.name] = Tensor(weights.name, weights.type, values)


def two_weights(net: NetBuilder, filters: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric in the first half of the channels."""
    one = net.rng.integers(20, 128, (filters, 1, 1, 1))
    other = net.rng.integers(-128, 128, (filters, 1, 1, 1))
    return one, np.where(np.arange(filters)[:, None, None, None] < filters // 2, -one, other)


NETS = {
    "padding, and counts past a byte": net_of((1, 4, 5, 8), 64, 70, window=3, padding=SAME),
    "odd channels, images and steps": net_of((2, 6, 5, 3), 37, 33, window=3, columns=2, padding=VALID, stride=2),
    "one pixel, fewer outputs than a word": net_of((1, 1, 1, 5), 32, 4, window=1),
    "rounded by a line": net_of((1, 2, 3, 4), 33, 35, window=2, scale=0.0307, activation=RELU),
    "scales above 1": net_of((1, 3, 2, 5), 8, 34, window=1, scale=0.0002),
    "fully connected, counts past a byte": dense_net_of((1, 5, 4, 3), 31, 37),
    "fully connected, fewer inputs than a block": dense_net_of((1, 1, 3, 3), 3, 65),
}


@functools.cache
def cases(core: Core) -> tuple[SuiteCase, ...]:
    found = []
    for name, (net, x, y, out) in NETS.items():
        graph = run_passes(net.graph(x, out))
        rng = np.random.default_rng(1)
        rounds = []
        for _ in range(3):
            given = random_input(net.type(x).shape, DType.INT8, rng)
            (bits,) = reference_outputs(net.graph(x, y), [given])
            assert set(bits.flat) == {126, 127}
            (want,) = litert_outputs(net.tflite(x, out), [given])
            rounds.append((given.tobytes(), want.tobytes()))
        last = list(graph.layers())[-1]
        function = fully_connected.FUNCTION if last.op == "FULLY_CONNECTED" else FUNCTION
        program = lower(graph, Target(core), KernelPolicy.MCUQ, {last.name: function})
        assert program.steps[-1].kernel == function
        if "line" in name:
            assert line_constants(last, rounds_twice=True) is not None
        found.append(SuiteCase(last.op, Case(name, (), ()), graph, plan(program), tuple(rounds)))
    return tuple(found)


def test_on_the_host_under_sanitizers(tmp_path: Path) -> None:
    assert differences_on_the_host(cases(core_named("cortex-m4")), tmp_path) == []


@pytest.mark.parametrize(("machine", "core"), [("mps2-an386", "cortex-m4"), ("mps2-an385", "cortex-m0")])
def test_in_qemu(machine: str, core: str, tmp_path: Path) -> None:
    board = board_named(machine).model_copy(update={"core": core})
    assert differences_in_qemu(board, cases(board.core_with_fpu), tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zero": TWO_VALUES - 1}, "not known to hold only its zero point and the value above"),
        ({"plain": True}, "more than two values"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], reason: str) -> None:
    net, x, _, out = net_of((1, 3, 3, 4), 32, 8, window=3, **changes)
    layer = list(run_passes(net.graph(x, out)).layers())[-1]
    assert reason in str(refuses(layer, Target(core_named("cortex-m4"))))


def test_groups_dilation_and_too_many_channels_are_refused() -> None:
    target = Target(core_named("cortex-m4"))
    net, x, _, out = net_of((1, 3, 3, 4), 257, 8, window=1)
    wide = list(run_passes(net.graph(x, out)).layers())[-1]
    assert "256 channels at most" in str(refuses(wide, target))
    net, x, _, out = net_of((1, 3, 3, 4), 32, 8, window=1)
    layer = list(run_passes(net.graph(x, out)).layers())[-1]
    assert refuses(layer, target) is None
    a = layer.attributes
    dilated = dataclasses.replace(a, height=dataclasses.replace(a.height, dilation=2))
    for changed, reason in ((dilated, "dilation"), (dataclasses.replace(a, groups=2), "2 groups")):
        assert reason in str(refuses(dataclasses.replace(layer, attributes=changed), target))


def test_fully_connected_layers_of_other_weights_are_refused() -> None:
    target = Target(core_named("cortex-m0"))
    net, x, _, out = dense_net_of((1, 1, 3, 3), 3, 4)
    layer = list(run_passes(net.graph(x, out)).layers())[-1]
    assert fully_connected.refuses(layer, target) is None
    weights = np.zeros(layer.input(1).shape, np.int8)
    weights[2, :3] = (-1, 0, 1)
    more = dataclasses.replace(layer.input(1), data=weights)
    changed = dataclasses.replace(layer, inputs=(layer.inputs[0], more, *layer.inputs[2:]))
    assert "more than two values" in str(fully_connected.refuses(changed, target))
    unknown = dataclasses.replace(layer, attributes=dataclasses.replace(layer.attributes, two_values=False))
    assert "not known to hold only" in str(fully_connected.refuses(unknown, target))
    deep = dataclasses.replace(layer, attributes=dataclasses.replace(layer.attributes, depth=65521))
    assert "65520 inputs" in str(fully_connected.refuses(deep, target))
