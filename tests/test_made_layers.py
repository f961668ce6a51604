"""Layers that hypothesis makes up, with every kernel that does not refuse them: LiteRT's bytes in QEMU.

One example is a batch of layers in one image, since compiling and starting QEMU take most of the time. ``derandomize``
keeps a run repeatable; the nightly sweep draws other batches.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mcuq.board import Board, board_named
from mcuq.ir import DType
from mcuq.ops.activation import Activation
from mcuq.ops.base import Case, Operand
from mcuq.ops.conv_geometry import SAME, VALID, axis
from mcuq.planner.lower import KernelPolicy
from tests.harness.suite import suite_cases
from tests.test_ladder_c import differences_in_qemu

Made = tuple[str, Case]

zero_points = st.sampled_from([-128, -127, -31, 0, 6, 127])
activations = st.sampled_from([Activation.NONE, Activation.NONE, Activation.RELU, Activation.RELU6])
sides = st.sampled_from([1, 2, 3, 5, 7, 8, 12, 13])
channels = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 24])
output_scales = st.sampled_from([0.003, 0.02, 0.05, 0.11])


@st.composite
def weight_scales(draw: st.DrawFn, count: int) -> tuple[float, ...]:
    """One for each channel, over up to three powers of ten, or one for all."""
    if draw(st.booleans()):
        return (draw(st.sampled_from([0.0004, 0.003, 0.02])),)
    spread = draw(st.sampled_from([1.5, 30.0, 1000.0]))
    return tuple(0.02 / spread ** (((7 * i) % 11) / 10) for i in range(count))


@st.composite
def windows(draw: st.DrawFn) -> dict[str, tuple[int, int]]:
    """Image, window, stride, padding and dilation such that there is an output."""
    image = (draw(sides), draw(sides))
    window = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    padding = draw(st.sampled_from([SAME, VALID]))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (2, 3)]))
    stride = (1, 1) if dilation != (1, 1) else (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    if padding == VALID:
        dilation = (1, 1)
        window = (min(window[0], image[0]), min(window[1], image[1]))
    output = tuple(axis(image[i], window[i], stride[i], dilation[i], padding).output for i in (0, 1))
    return {"image": image, "window": window, "stride": stride, "dilation": dilation,
            "output": (output[0], output[1]), "padding": (padding, padding)}  # fmt: skip


def _options(made: dict[str, tuple[int, int]], activation: Activation) -> dict[str, int]:
    return {
        "stride_h": made["stride"][0],
        "stride_w": made["stride"][1],
        "dilation_h_factor": made["dilation"][0],
        "dilation_w_factor": made["dilation"][1],
        "padding": made["padding"][0],
        "fused_activation_function": int(activation),
    }


def _bias(scales: tuple[float, ...], count: int) -> Operand:
    return Operand((count,), tuple(0.03 * scale for scale in scales), dtype=DType.INT32, data="random")


@st.composite
def convolutions(draw: st.DrawFn) -> Made:
    made, depth, outputs = draw(windows()), draw(channels), draw(channels)
    scales = draw(weight_scales(outputs))
    inputs = (
        Operand((draw(st.sampled_from([1, 1, 2])), *made["image"], depth), 0.03, draw(zero_points)),
        Operand((outputs, *made["window"], depth), scales, data="random"),
        _bias(scales, outputs),
    )
    shape = (inputs[0].shape[0], *made["output"], outputs)
    output = Operand(shape, draw(output_scales), draw(zero_points))
    return "CONV_2D", Case("made", inputs, (output,), _options(made, draw(activations)))


@st.composite
def depthwise_convolutions(draw: st.DrawFn) -> Made:
    made, depth, multiplier = draw(windows()), draw(channels), draw(st.sampled_from([1, 1, 1, 2]))
    outputs = depth * multiplier
    scales = draw(weight_scales(outputs))
    inputs = (
        Operand((1, *made["image"], depth), 0.03, draw(zero_points)),
        Operand((1, *made["window"], outputs), scales, axis=3, data="random"),
        _bias(scales, outputs),
    )
    output = Operand((1, *made["output"], outputs), draw(output_scales), draw(zero_points))
    options = {**_options(made, draw(activations)), "depth_multiplier": multiplier}
    return "DEPTHWISE_CONV_2D", Case("made", inputs, (output,), options)


@st.composite
def dense_layers(draw: st.DrawFn) -> Made:
    depth, outputs, rows = draw(st.integers(1, 70)), draw(st.integers(1, 19)), draw(st.sampled_from([1, 1, 2, 3]))
    scales = draw(weight_scales(outputs))
    inputs = (
        Operand((rows, depth), 0.03, draw(zero_points)),
        Operand((outputs, depth), scales, data="random"),
        _bias(scales, outputs),
    )
    output = Operand((rows, outputs), draw(output_scales), draw(zero_points))
    return "FULLY_CONNECTED", Case("made", inputs, (output,), {"fused_activation_function": int(draw(activations))})


@st.composite
def sums_and_products(draw: st.DrawFn) -> Made:
    operator = draw(st.sampled_from(["ADD", "SUB", "MUL"]))
    shape = (1, draw(sides), draw(sides), draw(channels))
    inputs = tuple(Operand(shape, draw(output_scales), draw(zero_points)) for _ in range(2))
    output = Operand(shape, draw(output_scales), draw(zero_points))
    return operator, Case("made", inputs, (output,), {"fused_activation_function": int(draw(activations))})


@st.composite
def poolings(draw: st.DrawFn) -> Made:
    operator = draw(st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    made = draw(windows().filter(lambda w: w["dilation"] == (1, 1)))
    depth, scale, zero_point = draw(channels), draw(output_scales), draw(zero_points)
    options = {
        "stride_h": made["stride"][0],
        "stride_w": made["stride"][1],
        "filter_height": made["window"][0],
        "filter_width": made["window"][1],
        "padding": made["padding"][0],
        "fused_activation_function": int(draw(activations)),
    }
    tensors = [Operand((1, *made[name], depth), scale, zero_point) for name in ("image", "output")]
    return operator, Case("made", (tensors[0],), (tensors[1],), options)


layers: Callable[[], st.SearchStrategy[Made]] = lambda: st.one_of(  # noqa: E731
    convolutions(), convolutions(), depthwise_convolutions(), depthwise_convolutions(), dense_layers(),
    sums_and_products(), poolings(),
)  # fmt: skip


def _numbered(batch: list[Made]) -> list[Made]:
    """Each layer once: hypothesis begins with a batch of the simplest layer over and over."""
    different = {repr(made): made for made in batch}.values()
    return [(name, Case(f"made_{i}", c.inputs, c.outputs, c.options)) for i, (name, c) in enumerate(different)]


def _check(board: Board, batch: list[Made]) -> None:
    cases = suite_cases(board.core_with_fpu, KernelPolicy.MCUQ, _numbered(batch))
    with tempfile.TemporaryDirectory() as folder:
        assert differences_in_qemu(board, cases, Path(folder)) == []


def machine(core: str) -> Board:
    """The machine that runs the core's code: that of a Cortex-M0 runs on a Cortex-M3."""
    names = {"cortex-m0": "mps2-an385", "cortex-m4": "mps2-an386", "cortex-m55": "mps3-an547"}
    return board_named(names[core]).model_copy(update={"core": core})


CORES = ("cortex-m0", "cortex-m4", "cortex-m55")
once = settings(
    max_examples=2,  # the first is the simplest that there is
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("core", CORES)
def test_made_layers_give_litert_bytes_in_qemu(core: str) -> None:
    @once
    @given(st.lists(layers(), min_size=32, max_size=32))
    def check(batch: list[Made]) -> None:
        _check(machine(core), batch)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_many_made_layers_give_litert_bytes_in_qemu(core: str) -> None:
    @settings(once, max_examples=12, derandomize=False)
    @given(st.lists(layers(), min_size=40, max_size=40))
    def check(batch: list[Made]) -> None:
        _check(machine(core), batch)

    check()
