"""mcuq's convolution of two-valued activations with two-valued weights, which counts bits (mcuq_conv_2d_binary.h)."""

from __future__ import annotations

import functools

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
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.plain import fit_line
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D
from mcuq.ops.weighted import bias_values, channel_requantization

FUNCTION = "mcuq_conv_2d_binary"
LANES = 32
"""Outputs that are counted together: the bits of a word."""
BLOCK = 16
"""Activations that are counted together."""
MOST_CHANNELS = 256
MOST_DEPTH = 65520
"""Inputs of an output: with those that fill the last block, they are counted and numbered in 16 bits."""
OUTPUTS = "bias, weights, multiplier, shift"
NOT_TWO_VALUES = "the input is not known to hold only its zero point and the value above it"
MORE_VALUES = "an output channel has weights of more than two values"


def refuses(layer: Layer, _target: Target) -> str | None:
    a: Conv2D = layer.attributes
    if not a.two_values:
        return NOT_TWO_VALUES
    if a.groups != 1:
        return f"the kernel has no convolution in {a.groups} groups"
    if (a.height.dilation, a.width.dilation) != (1, 1):
        return "the kernel has no dilation"
    rows = weight_rows(layer)
    if layer.input(0).shape[3] > MOST_CHANNELS or rows.shape[1] > MOST_DEPTH:
        return f"the kernel has {MOST_CHANNELS} channels at most, and {MOST_DEPTH} inputs of an output"
    return MORE_VALUES if not of_two_values(rows) else None


def of_two_values(rows: Array) -> bool:
    """Have the weights of each of ``rows`` (outputs, depth) two values at most?"""
    return bool(np.logical_or(rows == _low(rows), rows == _high(rows)).all())


def _low(rows: Array) -> Array:
    low: Array = rows.min(axis=1, keepdims=True)
    return low


def _high(rows: Array) -> Array:
    high: Array = rows.max(axis=1, keepdims=True)
    return high


def bits(rows: Array) -> Array:
    """Which weights are their channel's higher value: (groups, inputs and a zero), a bit for each output of a group."""
    groups = -(-len(rows) // LANES)
    high = np.zeros((groups * LANES, rows.shape[1] + 1), np.uint64)
    high[: len(rows), :-1] = rows == _high(rows)
    lanes = np.arange(LANES, dtype=np.uint64)[:, None]
    words: Array = np.bitwise_or.reduce(high.reshape(groups, LANES, -1) << lanes, axis=1)
    return words.astype(np.uint32)


def unshifted(layer: Layer) -> tuple[Array, Array, Array]:
    """Of each output its bias, its lower weight, how far the higher one is above it."""
    rows = weight_rows(layer)
    low, high = _low(rows)[:, 0], _high(rows)[:, 0]
    return bias_values(layer).astype(np.int64), low, high - low


@functools.lru_cache(maxsize=64)
def line_constants(layer: Layer, *, rounds_twice: bool) -> Array | None:
    """What mcuq_count_line reads of each output, (outputs, 5), or None where no line is proven for all inputs."""
    rows, (bias, low, step) = weight_rows(layer), unshifted(layer)
    least, greatest = bias + np.minimum(rows, 0).sum(axis=1), bias + np.maximum(rows, 0).sum(axis=1)
    limits = quantized_range(layer.attributes.activation, layer.output.type)
    zero_point = layer.output.type.zero_point
    requantization = channel_requantization(layer)
    found = fit_line(*requantization, least, greatest, bias, zero_point, limits, rounds_twice=rounds_twice)
    if found is None:
        return None
    constants, multipliers = found.constants
    return np.stack([constants, low, step, multipliers, np.full_like(low, found.shift)], axis=1)


def output_constants(layer: Layer) -> Array:
    """Of each output its bias, its lower weight, how far the higher one is above it, multiplier and right shift.

    Left shifts are done here: the operator's constraints leave all that is shifted left within int32.
    """
    multipliers, shifts = channel_requantization(layer)
    left, right = np.maximum(shifts, 0), np.maximum(-shifts, 0)
    sums = np.stack(unshifted(layer)) << left
    return np.stack([*sums, multipliers, right], axis=1)


def counting(
    function: str, layer: Layer, params: Struct, outputs: Array, scratch_bytes: int, *, over_input: bool
) -> Lowering:
    """The call of a kernel that counts bits, with the constants ``outputs``; ``over_input``: the output may lie in the
    input's place.
    """
    x, y = layer.input(0), layer.output
    arguments = (
        params,
        TensorPointer(x.name),
        ConstantPointer("bits"),
        ConstantPointer("outputs"),
        ScratchPointer(),
        TensorPointer(y.name),
    )
    return Lowering(
        calls=(KernelCall(function, arguments, header=f"{function}.h"),),
        constants=(
            Constant(
                "bits", bits(weight_rows(layer)), "for each activation, which of 32 outputs have the higher weight"
            ),
            Constant("outputs", table(outputs, "int32"), OUTPUTS),
        ),
        scratch_bytes=scratch_bytes,
        sources=(f"{function}.c", "mcuq_count_bits.c"),
        overlaps=(Overlap(x.name, 0),) if over_input else (),
    )


def core_share(target: Target) -> float:
    """What the core takes for counting, against a Cortex-M4 (from counted instructions and the cores' timings)."""
    return 1.5 if target.core.architecture == "armv6-m" else 0.85 if target.core.has_mve else 1.0


def cycles(layer: Layer, target: Target) -> int:
    """Where half of the activations are above the zero point."""
    outputs = layer.output.shape[3]
    pixels = layer.output.type.elements // outputs
    listed = weight_rows(layer).shape[1] / 2 + BLOCK / 2
    each = 45 if line_constants(layer, rounds_twice=True) is None else 33
    pixel = 60 + 5 * listed + -(-outputs // LANES) * (250 + 10 * listed) + each * outputs
    return int(LAYER_CYCLES + core_share(target) * (6 * layer.input(0).type.elements + pixels * pixel))


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    x, y = layer.input(0), layer.output
    rows = weight_rows(layer)
    low, high = quantized_range(a.activation, y.type)
    line = line_constants(layer, rounds_twice=True)
    params = Struct(
        f"{FUNCTION}_params",
        "params",
        (
            ("batches", x.shape[0]),
            ("input_height", a.height.input),
            ("input_width", a.width.input),
            ("channels", x.shape[3]),
            ("window_height", a.height.window),
            ("window_width", a.width.window),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
            ("output_channels", y.shape[3]),
            ("stride_height", a.height.stride),
            ("stride_width", a.width.stride),
            ("pad_top", a.height.pad_before),
            ("pad_left", a.width.pad_before),
            ("zero_point", x.type.zero_point),
            ("output_offset", y.type.zero_point),
            ("line", "false" if line is None else "true"),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    pixels = x.type.elements // x.shape[3]
    scratch_bytes = 2 * (pixels + rows.shape[1] + BLOCK - 1) + x.type.elements + 3
    outputs = output_constants(layer) if line is None else line
    return counting(FUNCTION, layer, params, outputs, scratch_bytes, over_input=True)


KERNELS = (Kernel(FUNCTION, MCUQ, "CONV_2D", refuses, lower, cycles),)
