"""mcuq's 3x3 depthwise convolution for cores with the DSP extension, stride 1 or 2 (mcuq_depthwise_3x3_s8.h)."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels import planes
from mcuq.kernels.base import MCUQ, Kernel, Target

PITCHES = (64, 128, 256)
"""Bytes between lines of the plane that there are functions for."""

# Cycles for four, two and one outputs by stride, and for each line; each multiplication of the corrected form.
_CYCLES = {1: (60, 34, 24), 2: (69, 40, 24)}
_LINE_CYCLES = 22
_CORRECTION_CYCLES = 2.5


def refuses(layer: Layer, target: Target) -> str | None:
    g = planes.geometry(layer)
    if (g.lines.window, g.length.window) != (3, 3):
        return f"the window is {g.lines.window}x{g.length.window}, 3x3 is needed"
    if g.length.stride not in _CYCLES or g.lines.stride > 3:
        return f"the stride is {g.lines.stride}x{g.length.stride}, 1 or 2 along the longer side is needed"
    if g.line_bytes > PITCHES[-1]:
        return f"a line takes {g.line_bytes} bytes, {PITCHES[-1]} is the most"
    return planes.refuses(layer, target)


def pitch(layer: Layer) -> int:
    needed = planes.geometry(layer).line_bytes
    return next(pitch for pitch in PITCHES if pitch >= needed)


def lower(layer: Layer, _target: Target) -> Lowering:
    found = planes.requantization(layer)
    assert found is not None
    g, form = planes.geometry(layer), "corrected" if found.corrected else "plain"
    width = pitch(layer)
    record_bytes = 2 * layer.attributes.multiplier * 4 * planes.record_words(layer)
    return Lowering(
        calls=(
            planes.call(
                f"mcuq_depthwise_3x3_stride_{g.length.stride}_pitch_{width}_{form}_s8",
                layer,
                width,
                "mcuq_depthwise_3x3_s8.h",
            ),
        ),
        constants=(planes.constant(layer),),
        scratch_bytes=2 * planes.plane_bytes(layer, width) + record_bytes,
        sources=("mcuq_depthwise_3x3_s8.c", "mcuq_planes.c"),
        overlaps=planes.overlaps(layer, width),
    )


def cycles(layer: Layer, _target: Target) -> int:
    g, found = planes.geometry(layer), planes.requantization(layer)
    assert found is not None
    four, two, one = _CYCLES[g.length.stride]
    outputs = g.length.output
    line = float(_LINE_CYCLES + four * (outputs // 4) + two * (outputs // 2 % 2) + one * (outputs % 2))
    line += _CORRECTION_CYCLES * outputs if found.corrected else 0
    channels = layer.output.shape[0] * layer.output.shape[3]
    return int(planes.loading_cycles(layer) + channels * (g.lines.output * line + 160))


KERNELS = (Kernel("mcuq_depthwise_3x3_s8", MCUQ, "DEPTHWISE_CONV_2D", refuses, lower, cycles),)
