"""Layers with weights."""

from __future__ import annotations

from hypothesis import strategies as st

from mcuq.ir import DType
from mcuq.ops.activation import Activation
from mcuq.ops.base import Case, Operand
from mcuq.ops.conv_geometry import SAME, VALID, axis
from tests.strategies.drawing import activations, case_names, zero_points

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


def window_options(made: dict[str, tuple[int, int]], activation: Activation) -> dict[str, int]:
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
def convolutions(draw: st.DrawFn) -> Case:
    made, depth, outputs = draw(windows()), draw(channels), draw(channels)
    scales = draw(weight_scales(outputs))
    inputs = (
        Operand((draw(st.sampled_from([1, 1, 2])), *made["image"], depth), 0.03, draw(zero_points)),
        Operand((outputs, *made["window"], depth), scales, data="random"),
        _bias(scales, outputs),
    )
    shape = (inputs[0].shape[0], *made["output"], outputs)
    output = Operand(shape, draw(output_scales), draw(zero_points))
    return Case(draw(case_names), inputs, (output,), window_options(made, draw(activations)))


@st.composite
def depthwise_convolutions(draw: st.DrawFn) -> Case:
    made, depth, multiplier = draw(windows()), draw(channels), draw(st.sampled_from([1, 1, 1, 2]))
    outputs = depth * multiplier
    scales = draw(weight_scales(outputs))
    inputs = (
        Operand((1, *made["image"], depth), 0.03, draw(zero_points)),
        Operand((1, *made["window"], outputs), scales, axis=3, data="random"),
        _bias(scales, outputs),
    )
    output = Operand((1, *made["output"], outputs), draw(output_scales), draw(zero_points))
    options = {**window_options(made, draw(activations)), "depth_multiplier": multiplier}
    return Case(draw(case_names), inputs, (output,), options)


@st.composite
def dense_layers(draw: st.DrawFn) -> Case:
    depth, outputs, rows = draw(st.integers(1, 70)), draw(st.integers(1, 19)), draw(st.sampled_from([1, 1, 2, 3]))
    scales = draw(weight_scales(outputs))
    inputs = (
        Operand((rows, depth), 0.03, draw(zero_points)),
        Operand((outputs, depth), scales, data="random"),
        _bias(scales, outputs),
    )
    output = Operand((rows, outputs), draw(output_scales), draw(zero_points))
    return Case(draw(case_names), inputs, (output,), {"fused_activation_function": int(draw(activations))})


STRATEGIES = {
    "CONV_2D": convolutions(),
    "DEPTHWISE_CONV_2D": depthwise_convolutions(),
    "FULLY_CONNECTED": dense_layers(),
}
