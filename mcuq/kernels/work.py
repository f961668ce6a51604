"""How much work a layer is, and estimates of a kernel's cycles made from it. No kernel.

Estimates are for choosing among kernels only: cycles of a Cortex-M4 with memory without wait states, or of the build
of the kernel that the core gets (plain C, DSP, MVE). They are never printed as a latency.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from mcuq.ir import Layer
from mcuq.kernels.base import Target

Estimate = Callable[[Layer, Target], int]

LAYER_CYCLES = 100
"""For entering and leaving a kernel."""


def multiply_accumulates(layer: Layer) -> int:
    """Products that a layer with weights (input 1) adds up, those with padding included."""
    weights = layer.input(1).shape
    outputs = layer.output.type.elements
    if layer.op == "FULLY_CONNECTED":
        return outputs * weights[1]
    if layer.op == "DEPTHWISE_CONV_2D":
        return outputs * weights[1] * weights[2]
    if layer.op == "CONV_2D":
        return outputs * math.prod(weights[1:])
    raise ValueError(f"{layer.op} has no weights")


def window_elements(layer: Layer) -> int:
    """Input elements that a pooling layer reads, those in padding included."""
    a = layer.attributes
    return int(layer.output.type.elements * a.height.window * a.width.window)


def per_product(
    plain: float,
    *,
    dsp: float | None = None,
    mve: float | None = None,
    output: float = 0,
    plain_output: float | None = None,
) -> Estimate:
    """Cycles for each multiply-accumulate in the plain C, DSP and MVE builds, and for each output element.

    ``plain_output`` is for outputs in the plain build, where it differs: long products are slow there.
    """
    dsp = plain if dsp is None else dsp
    mve = dsp if mve is None else mve

    def cycles(layer: Layer, target: Target) -> int:
        core = target.core
        each = mve if core.has_mve else dsp if core.has_dsp else plain
        each_output = output if core.has_dsp or plain_output is None else plain_output
        return int(LAYER_CYCLES + each * multiply_accumulates(layer) + each_output * layer.output.type.elements)

    return cycles


def per_window_element(
    plain: float, *, dsp: float | None = None, mve: float | None = None, output: float = 0
) -> Estimate:
    """Cycles for each element that a pooling reads, in the plain C, DSP and MVE builds, and for each output element."""
    dsp = plain if dsp is None else dsp
    mve = dsp if mve is None else mve

    def cycles(layer: Layer, target: Target) -> int:
        core = target.core
        each = mve if core.has_mve else dsp if core.has_dsp else plain
        return int(LAYER_CYCLES + each * window_elements(layer) + output * layer.output.type.elements)

    return cycles


def per_output(each: float) -> Estimate:
    """Cycles for each output element."""

    def cycles(layer: Layer, _target: Target) -> int:
        return int(LAYER_CYCLES + each * layer.output.type.elements)

    return cycles


def per_input(each: float) -> Estimate:
    """Cycles for each element of the first input."""

    def cycles(layer: Layer, _target: Target) -> int:
        return int(LAYER_CYCLES + each * layer.input(0).type.elements)

    return cycles
