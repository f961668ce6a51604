"""mcuq's depthwise convolution for cores without the DSP extension (mcuq_depthwise_s8_triples.h)."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import (
    Constant,
    ConstantPointer,
    KernelCall,
    Lowering,
    Overlap,
    ScratchPointer,
    Struct,
    TensorPointer,
)
from mcuq.kernels.base import MCUQ, Kernel, Target, table
from mcuq.kernels.fast_requantize import NOT_PROVEN
from mcuq.kernels.plain import PlainRequantize, layer_requantization, needs_no_dsp
from mcuq.kernels.planes import channel_lines, line_steps
from mcuq.kernels.triples import sums_fit
from mcuq.kernels.work import LAYER_CYCLES, multiply_accumulates
from mcuq.ops.base import Array
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.depthwise_conv_2d import DepthwiseConv2D

FUNCTION = "mcuq_depthwise_s8_triples"
PLANE_BYTES = 8192
"""A plane longer than this is cut into bands."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A layer whose lines lie along ``length``; ``turned``: lines are columns of the image."""

    lines: Axis
    length: Axis
    turned: bool

    @property
    def plane_length(self) -> int:
        return (self.length.output - 1) * self.length.stride + (self.length.window - 1) * self.length.dilation + 1

    @property
    def band_lines(self) -> int:
        """Output lines of a third: all, or so many that the plane's bytes stay below ``PLANE_BYTES``, if any."""
        third = -(-self.lines.output // 3)
        reach = (self.lines.window - 1) * self.lines.dilation + 1
        most = max(1, (PLANE_BYTES // (8 * self.plane_length) - reach) // self.lines.stride + 1)
        return -(-third // -(-third // most))

    @property
    def plane_lines(self) -> int:
        return (self.band_lines - 1) * self.lines.stride + (self.lines.window - 1) * self.lines.dilation + 1

    @property
    def plane_bytes(self) -> int:
        return 8 * self.plane_lines * self.plane_length


def geometry(layer: Layer) -> Geometry:
    """Lines along the side that wastes the fewest outputs when it is cut into thirds, rows when both waste as many."""
    a: DepthwiseConv2D = layer.attributes
    waste = [-(-axis.output // 3) * 3 / axis.output for axis in (a.height, a.width)]
    return Geometry(a.width, a.height, True) if waste[1] < waste[0] else Geometry(a.height, a.width, False)


def weight_rows(layer: Layer) -> Array:
    """(output channels, taps) as int64, taps in the order of lines."""
    lines = channel_lines(layer, geometry(layer).turned)
    return lines.reshape(len(lines), -1)


def refuses(layer: Layer, target: Target) -> str | None:
    if (reason := needs_no_dsp(target)) is not None:
        return reason
    if not sums_fit(weight_rows(layer)):
        return "a sum of products may need more than 21 bits"
    if requantization(layer) is None:
        return NOT_PROVEN
    return None


@functools.lru_cache(maxsize=1024)
def requantization(layer: Layer) -> PlainRequantize | None:
    return layer_requantization(layer, weight_rows(layer))


def cycles(layer: Layer, _target: Target) -> int:
    """On a Cortex-M3."""
    g, channels = geometry(layer), layer.output.shape[3]
    triples = layer.output.shape[0] * channels * -(-g.lines.output // 3) * g.length.output
    taps = multiply_accumulates(layer) // layer.output.type.elements
    planes = layer.input(0).shape[0] * layer.input(0).shape[3] * -(-g.lines.output // (3 * g.band_lines))
    return int(LAYER_CYCLES + triples * (9 * taps + 110) + planes * (2 * g.plane_bytes + 60 * g.plane_lines))


def lower(layer: Layer, _target: Target) -> Lowering:
    x, y, g, found = layer.input(0), layer.output, geometry(layer), requantization(layer)
    assert found is not None

    lines, length, line_gap, tap_gap = window(g)
    input_steps, output_steps = line_steps(x.shape, g.turned), line_steps(y.shape, g.turned)
    params = Struct(
        "mcuq_depthwise_s8_triples_params",
        "params",
        (
            ("batches", x.shape[0]),
            ("channels", x.shape[3]),
            ("channel_multiplier", layer.attributes.multiplier),
            ("input_batch", math.prod(x.shape[1:])),
            ("input_line_step", input_steps[0]),
            ("input_step", input_steps[1]),
            ("input_lines", g.lines.input),
            ("input_length", g.length.input),
            ("output_batch", math.prod(y.shape[1:])),
            ("output_line_step", output_steps[0]),
            ("output_step", output_steps[1]),
            ("output_lines", g.lines.output),
            ("output_length", g.length.output),
            ("filter_lines", lines),
            ("filter_length", length),
            ("line_gap", line_gap),
            ("tap_gap", tap_gap),
            ("line_stride", g.lines.stride),
            ("stride", g.length.stride),
            ("line_padding", g.lines.pad_before),
            ("padding", min(g.length.pad_before, g.plane_length)),
            ("band_lines", g.band_lines),
            ("plane_lines", g.plane_lines),
            ("plane_length", g.plane_length),
            ("zero_point", x.type.zero_point),
            ("requantize", found.struct(layer)),
        ),
    )
    constants = np.stack(found.constants, axis=1)
    arguments = (
        params,
        TensorPointer(x.name),
        ConstantPointer("weights"),
        ConstantPointer("constants"),
        ScratchPointer(),
        TensorPointer(y.name),
    )
    return Lowering(
        calls=(KernelCall(FUNCTION, arguments, header=f"{FUNCTION}.h"),),
        constants=(
            Constant("weights", table(weight_rows(layer), "int8"), "one channel after another"),
            Constant("constants", table(constants, "int32"), "records of each channel's requantization"),
        ),
        scratch_bytes=4 * g.lines.window * g.length.window + g.plane_bytes,
        sources=(f"{FUNCTION}.c", "mcuq_triple_store.c"),
        overlaps=overlaps(layer),
    )


def window(g: Geometry) -> tuple[int, int, int, int]:
    """Lines and their length, bytes between lines and between taps; lines of one tap become one line."""
    if g.length.window == 1:
        return 1, g.lines.window, 0, 8 * (g.lines.dilation * g.plane_length - 1)
    reach = g.length.window * g.length.dilation
    return (
        g.lines.window,
        g.length.window,
        8 * (g.lines.dilation * g.plane_length - reach),
        8 * (g.length.dilation - 1),
    )


def overlaps(layer: Layer) -> tuple[Overlap, ...]:
    """The output may take the input's very place, and no other near it: channels are read and written one by one."""
    x, g = layer.input(0), geometry(layer)
    if x.constant or x.shape[0] != 1 or layer.attributes.multiplier != 1 or 3 * g.band_lines < g.lines.output:
        return ()
    return (Overlap(x.name, 0, exact=True),)


KERNELS = (Kernel(FUNCTION, MCUQ, "DEPTHWISE_CONV_2D", refuses, lower, cycles),)
