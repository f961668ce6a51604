"""mcuq's quickest 3x3 depthwise convolution for cores with the DSP extension (mcuq_depthwise_3x3_unrolled_s8.h)."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels import planes
from mcuq.kernels.base import MCUQ, Kernel, Target

LARGEST_OFFSET = 4095
"""Of a load or a store, in bytes."""

# Cycles for four, three, two and one outputs, by stride; for each line, output channel, record and correction.
_CYCLES = {1: (51, 42, 28, 18), 2: (58, 42, 29, 17)}
_LINE_CYCLES = 9
_CHANNEL_CYCLES = 75
_UNPACK_CYCLES = 55
_CORRECTION_CYCLES = 2.5
_ROUND_FOURS = 6
_ROUND_CYCLES = 10


def refuses(layer: Layer, target: Target) -> str | None:
    g = planes.geometry(layer)
    if (g.lines.window, g.length.window) != (3, 3):
        return f"the window is {g.lines.window}x{g.length.window}, 3x3 is needed"
    if g.length.stride not in _CYCLES or g.lines.stride > 3:
        return f"the stride is {g.lines.stride}x{g.length.stride}, 1 or 2 along the longer side is needed"
    if 3 * g.tight_pitch > LARGEST_OFFSET:
        return f"a line takes {g.tight_pitch} bytes, {LARGEST_OFFSET // 3} is the most"
    if (step := planes.line_steps(layer.output.shape, g.turned)[1]) * 3 > LARGEST_OFFSET:
        return f"outputs of a line are {step} bytes apart, {LARGEST_OFFSET // 3} is the most"
    return planes.refuses(layer, target)


def lower(layer: Layer, _target: Target) -> Lowering:
    found = planes.requantization(layer)
    assert found is not None
    g, form = planes.geometry(layer), "corrected" if found.corrected else "plain"
    fours, rest = divmod(g.length.output, 4)
    pitch = g.tight_pitch
    line_step, step = planes.line_steps(layer.output.shape, g.turned)
    numbers = (g.length.stride, g.lines.stride, pitch, step, line_step, fours, rest)
    literals = [*map(str, numbers), form]
    together = min(planes.TOGETHER, layer.input(0).shape[3])
    record_bytes = together * layer.attributes.multiplier * 4 * planes.record_words(layer)
    return Lowering(
        calls=(
            planes.call(
                f"mcuq_depthwise_3x3_{'_'.join(literals)}_s8", layer, pitch, "mcuq_depthwise_3x3_unrolled_s8.h"
            ),
        ),
        constants=(planes.constant(layer),),
        scratch_bytes=planes.together_bytes(layer, pitch) + record_bytes,
        sources=("mcuq_planes.c",),
        definitions=(f"MCUQ_DEPTHWISE_3X3_UNROLLED_S8({', '.join(literals)})",),
        overlaps=planes.overlaps(layer, pitch),
    )


def cycles(layer: Layer, _target: Target) -> int:
    g, found = planes.geometry(layer), planes.requantization(layer)
    assert found is not None
    each = _CYCLES[g.length.stride]
    fours, rest = divmod(g.length.output, 4)
    rounds = -(-fours // _ROUND_FOURS)
    line = float(_LINE_CYCLES + fours * each[0] + (each[4 - rest] if rest else 0))
    line += _ROUND_CYCLES * rounds if rounds > 1 else 0
    line += _CORRECTION_CYCLES * g.length.output if found.corrected else 0
    bands = -(-g.lines.output // g.band_lines(g.tight_pitch))
    channels = layer.output.shape[0] * layer.output.shape[3]
    work = channels * (g.lines.output * line + bands * _CHANNEL_CYCLES + _UNPACK_CYCLES)
    return int(planes.together_cycles(layer, g.tight_pitch) + work)


KERNELS = (Kernel("mcuq_depthwise_3x3_unrolled_s8", MCUQ, "DEPTHWISE_CONV_2D", refuses, lower, cycles),)
