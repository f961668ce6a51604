"""mcuq's depthwise convolution of any window for cores with the DSP extension (mcuq_depthwise_planes_s8.h)."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels import planes
from mcuq.kernels.base import MCUQ, Kernel, Target

MOST_LINES = 16
MOST_TAPS = 96
"""Windows that the code is unrolled for: what is larger takes more flash than it is worth."""

LARGEST_OFFSET = 4092
"""Of a load, in bytes."""

# Cycles of requantizing, storing and going on for up to four outputs; of a line; of an output channel.
_OUTPUTS_CYCLES = (12, 5)
_LINE_CYCLES = 20
_CHANNEL_CYCLES = 25


def refuses(layer: Layer, target: Target) -> str | None:
    g = planes.geometry(layer)
    if g.length.stride > 2:
        return f"the stride along lines is {g.length.stride}, at most 2 is possible"
    if g.lines.window > MOST_LINES or g.lines.window * g.length.window > MOST_TAPS:
        return f"the window is {g.lines.window}x{g.length.window}, at most {MOST_TAPS} taps are unrolled"
    if g.lines.window * g.tight_pitch > LARGEST_OFFSET:
        return f"a window's lines take {g.lines.window * g.tight_pitch} B, at most {LARGEST_OFFSET} B are possible"
    return planes.refuses(layer, target)


def lower(layer: Layer, _target: Target) -> Lowering:
    found = planes.requantization(layer)
    assert found is not None
    g, form = planes.geometry(layer), "corrected" if found.corrected else "plain"
    pitch, rest = g.tight_pitch, g.length.output % 4
    name = f"{g.lines.window}x{g.length.window}_stride_{g.length.stride}_pitch_{pitch}_rest_{rest}_{form}"
    literals = f"{g.lines.window}, {g.length.window}, {g.length.stride}, {pitch}, {rest}, {form}"
    return Lowering(
        calls=(planes.call(f"mcuq_depthwise_planes_{name}_s8", layer, pitch, "mcuq_depthwise_planes_s8.h"),),
        constants=(planes.constant(layer),),
        scratch_bytes=planes.together_bytes(layer, pitch) + 4 * planes.record_words(layer),
        sources=("mcuq_planes.c",),
        definitions=(f"MCUQ_DEPTHWISE_PLANES_S8({literals})",),
        overlaps=planes.overlaps(layer, pitch),
    )


def line_cycles(count: int, length: int, stride: int) -> int:
    """Loads and products of a line of the window for ``count`` outputs: each run of loads waits for a cycle."""
    last, cycles = max(0, length - 2), 0
    for word in range(((count - 1) * stride + length - 1) // 2 + 1):
        odd = word > 0 and 2 * word - 1 <= last and (stride == 1 or 2 * word - 1 == length - 2)
        cycles += 2 + (2 * word <= last) + odd
        cycles += sum(-1 <= 2 * word - output * stride < length for output in range(count))
    return cycles


def cycles(layer: Layer, _target: Target) -> int:
    g, found = planes.geometry(layer), planes.requantization(layer)
    assert found is not None
    each = _OUTPUTS_CYCLES[1] if found.corrected else _OUTPUTS_CYCLES[1] - 2
    fours, rest = divmod(g.length.output, 4)
    line = _LINE_CYCLES
    for count, times in ((4, fours), (rest, 1)):
        if count:
            sums = g.lines.window * line_cycles(count, g.length.window, g.length.stride)
            line += times * (sums + each * count + _OUTPUTS_CYCLES[0])
    bands = -(-g.lines.output // g.band_lines(g.tight_pitch))
    channels = layer.output.shape[0] * layer.output.shape[3]
    work = channels * (g.lines.output * line + bands * (_CHANNEL_CYCLES + 30 + 6 * planes.record_words(layer)))
    return int(planes.together_cycles(layer, g.tight_pitch) + work)


KERNELS = (Kernel("mcuq_depthwise_planes_s8", MCUQ, "DEPTHWISE_CONV_2D", refuses, lower, cycles),)
