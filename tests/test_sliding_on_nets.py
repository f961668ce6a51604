"""Random nets over time: the step's graph computes what the window's does, frame after frame, by the references."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuq.errors import UnsupportedError
from mcuq.ir import Graph
from mcuq.model import compiled
from mcuq.ops import operators
from mcuq.sliding import SlidingModel
from mcuq.sliding.feed import newest, silence
from tests.harness.ladder import random_input, reference_outputs
from tests.harness.net_builder import NONE, RELU
from tests.harness.time_nets import TimeNet

LAYERS = ("conv", "depthwise", "strided", "dilated", "max_pool", "average_pool", "pad", "crop", "skip", "tanh", "bias",
          "residual", "branches")  # fmt: skip
ENDS = ("frames", "last", "flatten", "mean", "bands")


def add_layer(net: TimeNet, x: str, kind: str) -> str:
    """A layer of the given kind on ``x``, its sizes drawn from the net's generator."""
    rng = net.rng
    _, frames, bands, channels = net.type(x).shape
    window = int(rng.integers(1, max(2, min(5, frames // 2))))
    size = (window, int(rng.integers(1, min(3, bands) + 1)))
    stride = int(rng.integers(2, 4))
    filters = int(rng.integers(1, 6))
    if kind == "conv":
        return net.over_time(x, size, filters=filters, activation=int(rng.choice([NONE, RELU])))
    if kind == "depthwise":
        return net.over_time(x, size)
    if kind == "strided":
        return net.over_time(x, size, filters=filters, stride=(stride, 1))
    if kind == "dilated":
        return net.over_time(x, (2, 1), filters=filters, dilation=(max(1, frames // 4), 1))
    if kind in ("max_pool", "average_pool"):
        steps = (int(rng.integers(1, 3)), 1)
        return net.pool_over_time(x, f"{kind.upper()}_2D", size, steps)
    if kind == "pad":
        return net.pad_before(x, window)
    if kind == "crop":
        begin, end = int(rng.integers(0, window)), int(rng.integers(0, 2))
        return net.frames(x, begin, -end if end else None)
    if kind == "skip":
        return net.frames(x, int(rng.integers(0, 2)), None, stride)
    if kind == "tanh":
        return net.same(x, "TANH", 0, 1 / 128)
    if kind == "bias":
        return net.add(x, net.channel_constant(channels))
    made = net.over_time(x, (window, 1), filters=channels)
    zero, scale = net.type(x).zero_point, net.type(x).scale
    aligned = net.same(net.frames(x, window - 1), "QUANTIZE", -128, 0.05)
    if kind == "residual":
        return net.add(made, aligned, zero=zero)
    assert scale > 0
    return net.concatenate(aligned, made)


def ended(net: TimeNet, x: str, end: str) -> str:
    if end == "last":
        return net.dense(net.flatten(net.last_frame(x)), 3)
    if end == "flatten":
        return net.dense(net.flatten(x), 3)
    if end == "mean":
        return net.mean(x)
    return net.mean_over(x, (2,)) if end == "bands" else x


def steps_differ(graph: Graph, made: SlidingModel) -> int | None:
    """The first of some steps, from silence on, that gives other bytes than the window does."""
    tensor = graph.input_tensors[0]
    count = made.graph.steps + 4
    fresh = random_input((1, count * made.frames, *tensor.shape[2:]), tensor.type.dtype, np.random.default_rng(3))
    sound = np.concatenate((silence(tensor.type), fresh), made.axis)
    values = {state.name: state.initial for state in made.graph.states if state.initial is not None}
    for number in range(1, count + 1):
        end = made.window_frames + number * made.frames
        values[made.graph.inputs[0]] = sound[:, end - made.frames : end]
        for layer in made.graph.layers():
            given = [None if t is None else t.data if t.data is not None else values[t.name] for t in layer.inputs]
            outputs = operators()[layer.op].reference(layer, given)
            values.update(zip((t.name for t in layer.outputs), outputs, strict=True))
        wanted = reference_outputs(graph, [newest(sound[:, :end], made.axis, made.window_frames)])
        for name, want in zip(made.graph.outputs, wanted, strict=True):
            if not np.array_equal(values[name], made.newest(name, want)):
                return number
    return None


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(8, 30),
    kinds=st.lists(st.sampled_from(LAYERS), min_size=1, max_size=5),
    end=st.sampled_from(ENDS),
)
def test_random_nets_step_as_they_slide(seed: int, frames: int, kinds: list[str], end: str) -> None:
    net = TimeNet(seed)
    x = inputs = net.activation((1, frames, int(net.rng.integers(1, 4)), int(net.rng.integers(1, 4))))
    for kind in kinds:
        assume(net.type(x).shape[1] >= 4)
        x = add_layer(net, x, kind)
    graph = net.graph(inputs, ended(net, x, end))
    try:
        _, made = compiled(graph, stream=True)
    except UnsupportedError:
        assume(False)
    assert made is not None
    assume(made.axis == 1)
    assert steps_differ(graph, made) is None
