"""What mcuq's depthwise kernels on planes share: geometry, the proof of the requantization, packed records. No kernel.

A plane is one channel as padded lines of int16 (firmware/kernels/mcuq_planes.h). Lines run along the longer axis of the
output, so that the work at their ends weighs less; weights are turned accordingly, here.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, KernelCall, Overlap, Struct
from mcuq.kernels.base import Target, table
from mcuq.kernels.dsp import needs_dsp, needs_whole_range
from mcuq.kernels.fixed_shift_requantize import Channels, FixedShift, fit, rounding_constant
from mcuq.kernels.operands import packed_call
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.depthwise_conv_2d import DepthwiseConv2D
from mcuq.ops.weighted import bias_values, channel_requantization

PLANE_BITS = 8
"""Elements of a plane are times ``2**PLANE_BITS``."""

MOST_WEIGHT_BITS = 8
"""Weights are times ``2**w``, w from 0 to this: they are int16 then."""

PLANE_BYTES = 1024
"""A plane longer than this is cut into bands, which cost little; there are two planes."""

TOGETHER = 4
"""Channels that the kernels with literal pitches load at once, each into a plane."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Geometry:
    """A depthwise layer with lines along ``length``; ``turned``: lines are columns of the image."""

    lines: Axis
    length: Axis
    turned: bool

    @property
    def line_bytes(self) -> int:
        """What the 3x3 kernel reads of a line: whole words, one more word behind a last single output."""
        columns = (self.length.output - 1) * self.length.stride + 4
        return 2 * (columns + columns % 2)

    @property
    def tight_pitch(self) -> int:
        """Bytes between lines of a plane that hold what windows reach, in whole words."""
        elements = (self.length.output - 1) * self.length.stride + self.length.window
        return 2 * (elements + elements % 2)

    def plane_lines(self, band_lines: int) -> int:
        return (band_lines - 1) * self.lines.stride + self.lines.window

    def band_lines(self, pitch: int) -> int:
        """Output lines in a band: all, or as many as fit ``PLANE_BYTES``, in bands of about one size."""
        most = max(1, (PLANE_BYTES // pitch - self.lines.window) // self.lines.stride + 1)
        bands = -(-self.lines.output // most)
        return -(-self.lines.output // bands)

    def loaded_length(self) -> int:
        """Elements of an input line that some window reaches."""
        reach = (self.length.output - 1) * self.length.stride + self.length.window - self.length.pad_before
        return max(0, min(self.length.input, reach))


def geometry(layer: Layer) -> Geometry:
    a: DepthwiseConv2D = layer.attributes
    turned = a.height.output > a.width.output
    return Geometry(a.width, a.height, True) if turned else Geometry(a.height, a.width, False)


def refuses(layer: Layer, target: Target) -> str | None:
    """Why no kernel on planes runs the layer, or None."""
    a: DepthwiseConv2D = layer.attributes
    if (reason := needs_dsp(target)) is not None:
        return reason
    if (a.height.dilation, a.width.dilation) != (1, 1):
        return f"the dilation is {a.height.dilation}x{a.width.dilation}, 1x1 is needed"
    if (reason := needs_whole_range(layer)) is not None:
        return reason
    return None if requantization(layer) is not None else "no constants of the quick requantization are exact for it"


def overlaps(layer: Layer, pitch: int) -> tuple[Overlap, ...]:
    """The output may take the input's very place, and no other near it: channels are read and written one by one.

    A channel that is cut into bands is read a band ahead, which is enough when the output has the input's shape, and
    when lines are rows.
    """
    x, y = layer.input(0), layer.output
    if x.constant or x.shape[0] != 1 or layer.attributes.multiplier != 1:
        return ()
    g = geometry(layer)
    whole = g.band_lines(pitch) == g.lines.output
    return (Overlap(x.name, 0, exact=True),) if whole or not g.turned or x.shape == y.shape else ()


def lined_weights(layer: Layer) -> IntArray:
    """Weights as [output channel, line, element]."""
    return channel_lines(layer, geometry(layer).turned)


def channel_lines(layer: Layer, turned: bool) -> IntArray:
    """The same for lines that are columns of the window (``turned``), or rows."""
    w = layer.input(1).data
    assert w is not None
    by_channel: IntArray = np.moveaxis(w[0].astype(np.int64), 2, 0)
    return by_channel.swapaxes(1, 2) if turned else by_channel


def folded_bias(layer: Layer) -> IntArray:
    """The bias for accumulators of raw inputs, zero point not subtracted."""
    sums = lined_weights(layer).sum(axis=(1, 2))
    result: IntArray = bias_values(layer).astype(np.int64) - layer.input(0).type.zero_point * sums
    return result


@functools.lru_cache(maxsize=1024)
def requantization(layer: Layer) -> FixedShift | None:
    """The proven constants, for every accumulator that inputs of -128 .. 127 can make; None where there are none."""
    w = lined_weights(layer)
    bias = folded_bias(layer)
    low = np.where(w > 0, -128 * w, 127 * w).sum(axis=(1, 2)) + bias
    high = np.where(w > 0, 127 * w, -128 * w).sum(axis=(1, 2)) + bias
    multipliers, shifts = channel_requantization(layer)
    channels = Channels(multipliers, shifts, low, high, PLANE_BITS, PLANE_BITS + MOST_WEIGHT_BITS)
    return fit(channels, layer.output.type.zero_point)


def packed_records(layer: Layer) -> IntArray:
    """A row for each output channel: its weights as bytes, line after line, then their power of two as the last byte of
    a word; then b, M, and d where the form is corrected.
    """
    found = requantization(layer)
    assert found is not None
    weights = np.where(found.constant[:, None], 0, lined_weights(layer).reshape(len(found.constant), -1))
    padded = np.pad(weights, ((0, 0), (0, 4 - weights.shape[1] % 4)))
    padded[:, -1] = found.scaling - PLANE_BITS
    bias = np.where(found.constant, 0, folded_bias(layer)) << found.scaling
    columns = [wrapped(found.offsets + bias), found.multipliers]
    if found.corrected:
        columns.append(found.corrections)
    words: IntArray = np.concatenate(
        [np.ascontiguousarray(padded.astype(np.int8)).view("<i4").astype(np.int64), np.stack(columns, axis=1)], axis=1
    )
    return words


def constant(layer: Layer) -> Constant:
    """The table of packed records."""
    return Constant("weights", table(packed_records(layer), "int32"), "for each channel: weights as bytes, b, M")


def record_words(layer: Layer) -> int:
    """Words of an output channel's record once unpacked."""
    g, found = geometry(layer), requantization(layer)
    assert found is not None
    return g.lines.window * max(1, g.length.window - 1) + (3 if found.corrected else 2)


def wrapped(values: IntArray) -> IntArray:
    """``values`` modulo 2**32 as int32 values: sums in C wrap around, and their last value fits."""
    return values.astype(np.uint64).astype(np.uint32).view(np.int32).astype(np.int64)


def halves(low: IntArray, high: IntArray) -> IntArray:
    """Pairs of int16 as int32 words."""
    words = (low & 0xFFFF) | ((high & 0xFFFF) << 16)
    return wrapped(words)


def line_steps(shape: tuple[int, ...], turned: bool) -> tuple[int, int]:
    """Elements between lines and between neighbours in a line of NHWC ``shape``; ``turned``: lines are columns."""
    row, pixel = shape[2] * shape[3], shape[3]
    return (pixel, row) if turned else (row, pixel)


def params_struct(layer: Layer, pitch: int) -> Struct:
    g, x, y = geometry(layer), layer.input(0), layer.output
    found = requantization(layer)
    assert found is not None

    input_steps, output_steps = line_steps(x.shape, g.turned), line_steps(y.shape, g.turned)
    return Struct(
        "mcuq_planes_params",
        "params",
        (
            ("batches", x.shape[0]),
            ("channels", x.shape[3]),
            ("channel_multiplier", layer.attributes.multiplier),
            ("input_batch", math.prod(x.shape[1:])),
            ("input_line_step", input_steps[0]),
            ("input_step", input_steps[1]),
            ("input_lines", g.lines.input),
            ("input_length", g.loaded_length()),
            ("output_batch", math.prod(y.shape[1:])),
            ("output_line_step", output_steps[0]),
            ("output_step", output_steps[1]),
            ("output_lines", g.lines.output),
            ("output_length", g.length.output),
            ("filter_lines", g.lines.window),
            ("line_stride", g.lines.stride),
            ("line_padding", g.lines.pad_before),
            ("padding", g.length.pad_before),
            ("pitch", pitch),
            ("plane_bytes", plane_bytes(layer, pitch)),
            ("band_lines", g.band_lines(pitch)),
            ("input_zero_point", x.type.zero_point),
            ("rounding", rounding_constant(y.type.zero_point) if found.corrected else 0),
            ("filter_length", g.length.window),
            ("packed_words", packed_records(layer).shape[1]),
            ("record_words", record_words(layer)),
        ),
    )


def call(function: str, layer: Layer, pitch: int, header: str) -> KernelCall:
    """Of a kernel with planes of ``pitch``; its table is ``constant(layer)``."""
    return packed_call(function, layer, params_struct(layer, pitch), "weights", header)


def plane_bytes(layer: Layer, pitch: int) -> int:
    """Bytes of one plane; scratch is two."""
    g = geometry(layer)
    return pitch * g.plane_lines(g.band_lines(pitch))


def together_bytes(layer: Layer, pitch: int) -> int:
    """Scratch of a kernel that loads up to ``TOGETHER`` channels at once."""
    return min(TOGETHER, layer.input(0).shape[3]) * plane_bytes(layer, pitch)


def together_cycles(layer: Layer, pitch: int) -> float:
    """Estimated cycles for loading all planes, up to ``TOGETHER`` channels at once, a round of loops for each."""
    g, x = geometry(layer), layer.input(0)
    bands = -(-g.lines.output // g.band_lines(pitch))
    fours, rest = divmod(x.shape[3], TOGETHER)
    odd, length = g.length.pad_before % 2, g.loaded_length()
    behind = length - odd
    line = 12 + 16 * odd + 30 * (behind // 4) + 15 * (behind // 2 % 2) + 16 * (behind % 2)
    kept = (bands - 1) * pitch * max(0, g.lines.window - g.lines.stride) / 4
    entry = 120 if bands > 1 else 60
    four = g.lines.input * line + entry * bands + TOGETHER * kept
    one_by_one = g.lines.input * (4.5 * length + 16) + 60 * bands + kept
    return x.shape[0] * (fours * four + rest * one_by_one)


def loading_cycles(layer: Layer) -> float:
    """Estimated cycles for loading all planes, two channels at once."""
    g, x = geometry(layer), layer.input(0)
    line = 2.5 * g.loaded_length() + 12
    return x.shape[0] * x.shape[3] * (g.lines.input * line + 50)
