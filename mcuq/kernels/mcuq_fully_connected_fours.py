"""mcuq's fully connected layer for cores without the DSP extension (mcuq_fully_connected_s8_fours.h)."""

from __future__ import annotations

import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.operands import packed_call
from mcuq.kernels.packed_weights import accumulator_range, raw_bias
from mcuq.kernels.plain import PlainRequantize, fit_line, needs_no_dsp
from mcuq.kernels.triples import UNROLLED, Parts, stream
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.fully_connected import FullyConnected, requantization

FUNCTION = "mcuq_fully_connected_s8_fours"


def refuses(_layer: Layer, target: Target) -> str | None:
    return needs_no_dsp(target)


def weight_rows(layer: Layer) -> Array:
    """(outputs, depth) as int64."""
    weights = layer.input(1).data
    assert weights is not None
    return weights.astype(np.int64)


def channel_requantization(layer: Layer) -> tuple[Array, Array]:
    """Multiplier and shift of each output."""
    outputs = layer.attributes.outputs
    multipliers, shifts = (np.broadcast_to(np.asarray(a, np.int64), (outputs,)) for a in requantization(layer))
    return multipliers, shifts


@functools.lru_cache(maxsize=64)
def line(layer: Layer) -> PlainRequantize | None:
    rows = weight_rows(layer)
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    low, high = accumulator_range(layer, rows)
    bias = raw_bias(layer, rows)
    zero_point = layer.output.type.zero_point
    return fit_line(*channel_requantization(layer), low, high, bias, zero_point, limits, rounds_twice=False)


def cycles(layer: Layer, _target: Target) -> int:
    """On a Cortex-M3."""
    a: FullyConnected = layer.attributes
    fours = -(-a.outputs // 4)
    return int(LAYER_CYCLES + a.batches * (8 * a.depth + fours * (15 * a.depth + (140 if line(layer) else 250))))


def lower(layer: Layer, _target: Target) -> Lowering:
    a: FullyConnected = layer.attributes
    y, rows, found = layer.output, weight_rows(layer), line(layer)
    low, high = quantized_range(a.activation, y.type)
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
    constants = found.constants if found else (raw_bias(layer, rows), *channel_requantization(layer))
    words = -(-a.depth // UNROLLED) * UNROLLED
    packed = stream(rows, Parts(1, words), constants)
    return Lowering(
        calls=(packed_call(FUNCTION, layer, params, "stream", f"{FUNCTION}.h"),),
        constants=(Constant("stream", packed, "weights of four outputs a word, and their constants"),),
        scratch_bytes=4 * words,
        sources=(f"{FUNCTION}.c",),
    )


KERNELS = (Kernel(FUNCTION, MCUQ, "FULLY_CONNECTED", refuses, lower, cycles),)
