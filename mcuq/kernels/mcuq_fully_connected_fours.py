"""mcuq's fully connected layer for cores without the DSP extension (mcuq_fully_connected_s8_fours.h), also for
convolutions that are one: these round twice, which the line alone does.
"""

from __future__ import annotations

import functools

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.fast_requantize import NOT_PROVEN
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.operands import packed_call
from mcuq.kernels.packed_weights import accumulator_range, raw_bias
from mcuq.kernels.plain import PlainRequantize, fit_line, needs_no_dsp
from mcuq.kernels.rows import CONVOLUTION, refuses_windows, rows
from mcuq.kernels.triples import UNROLLED, Parts, stream
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.weighted import channel_requantization

FUNCTION = "mcuq_fully_connected_s8_fours"


def refuses(layer: Layer, target: Target) -> str | None:
    if (reason := needs_no_dsp(target) or refuses_windows(layer)) is not None:
        return reason
    return NOT_PROVEN if rows(layer).rounds_twice and line(layer) is None else None


@functools.lru_cache(maxsize=64)
def line(layer: Layer) -> PlainRequantize | None:
    weights = weight_rows(layer)
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    low, high = accumulator_range(layer, weights)
    bias = raw_bias(layer, weights)
    zero_point = layer.output.type.zero_point
    return fit_line(
        *channel_requantization(layer), low, high, bias, zero_point, limits, rounds_twice=rows(layer).rounds_twice
    )


def cycles(layer: Layer, _target: Target) -> int:
    """On a Cortex-M3."""
    a = rows(layer)
    fours = -(-a.outputs // 4)
    return int(LAYER_CYCLES + a.batches * (8 * a.depth + fours * (15 * a.depth + (140 if line(layer) else 250))))


def lower(layer: Layer, _target: Target) -> Lowering:
    a = rows(layer)
    y, weights, found = layer.output, weight_rows(layer), line(layer)
    low, high = quantized_range(layer.attributes.activation, y.type)
    params = Struct(
        "mcuq_fully_connected_s8_fours_params",
        "params",
        (
            ("batches", a.batches),
            ("depth", a.depth),
            ("outputs", a.outputs),
            ("shift", found.shift if found else 0),
            ("output_offset", y.type.zero_point),
            ("line", "true" if found else "false"),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    constants = found.constants if found else (raw_bias(layer, weights), *channel_requantization(layer))
    words = -(-a.depth // UNROLLED) * UNROLLED
    packed = stream(weights, Parts(1, words), constants)
    return Lowering(
        calls=(packed_call(FUNCTION, layer, params, "stream", f"{FUNCTION}.h"),),
        constants=(Constant("stream", packed, "weights of four outputs a word, and their constants"),),
        scratch_bytes=4 * words,
        sources=(f"{FUNCTION}.c",),
    )


KERNELS = tuple(Kernel(FUNCTION, MCUQ, op, refuses, lower, cycles) for op in ("FULLY_CONNECTED", CONVOLUTION))
