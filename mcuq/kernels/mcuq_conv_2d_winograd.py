"""mcuq's convolution for DSP cores with windows three columns wide, by Winograd's F(2,3) (mcuq_conv_2d_s8_winograd.h).

Four products do the work of six, for 2.7 times the flash of int8 weights. Integer and exact modulo 2**32, so that the
only proof that it needs is that of ``fast_requantize``; a layer without it is refused.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.fast_requantize import wrapped
from mcuq.kernels.gemm_params import LONG_LOOP_STEPS, gemm_params, refuses_requantization, requantization, staged_cycles
from mcuq.kernels.mcuq_conv_2d_window import slack_moves
from mcuq.kernels.operands import packed_call
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.packed_weights import shuffle
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

FUNCTION = "mcuq_conv_2d_s8_winograd"
LARGEST_RUN = 992
"""Bytes of a position: four of them, and the steps of the longest loop, fit the offset of a load."""

LEAST_STEPS = 8
"""Of a loop. With less its own cost is more than what is gained."""

GROUP = 4


def run(layer: Layer) -> int:
    """Bytes of a position of a tile: int16 activations of one column under the window."""
    a: Conv2D = layer.attributes
    return 2 * a.height.window * layer.input(0).shape[3]


def unrolled(layer: Layer) -> int:
    """Steps of the loop: the largest divisor of a position's activation pairs that the code can have."""
    pairs = run(layer) // 4
    return max(steps for steps in range(1, LONG_LOOP_STEPS + 1) if pairs % steps == 0)


def refuses(layer: Layer, target: Target) -> str | None:
    a: Conv2D = layer.attributes
    if a.width.window != 3 or a.width.stride != 1:
        return "the kernel's windows are three columns wide and move by one"
    if a.height.dilation != 1 or a.width.dilation != 1:
        return "the kernel has no dilation"
    if layer.input(0).shape[3] % 4:
        return "channels are no multiple of 4"
    if run(layer) > LARGEST_RUN:
        return f"a column under the window takes {run(layer)} B, at most {LARGEST_RUN} B are possible"
    if unrolled(layer) < LEAST_STEPS:
        return f"{run(layer) // 4} activation pairs of a column do not divide into a loop of {LONG_LOOP_STEPS} steps"
    return refuses_requantization(layer, target)


def tiles(layer: Layer) -> int:
    """Of an output row: pairs of outputs."""
    a: Conv2D = layer.attributes
    return (a.width.output + 1) // 2


def packed(layer: Layer) -> Array:
    """For each four outputs their constants, then the factors of the positions 1, 2, 0 and 3."""
    weights = layer.input(1).data
    assert weights is not None
    w0, w1, w2 = (weights[:, :, kx].astype(np.int64) for kx in range(3))  # (outputs, ky, i)
    factors = np.stack([w0 + w1 + w2, w0 - w1 + w2, 2 * w0, -2 * w2], axis=1)
    outputs = len(weights)
    rows = shuffle(factors).reshape(outputs, 4 * run(layer) // 4, 2)
    words = (rows[..., 0] & 0xFFFF) | ((rows[..., 1] & 0xFFFF) << 16)
    constants = [values.reshape(outputs, -1) for values in requantization(layer).constants]
    stream = [_by_group(values).reshape(-1, GROUP * values.shape[1]) for values in constants]
    stream.append(_by_group(words).transpose(0, 2, 1).reshape(-1, GROUP * words.shape[1]))
    return wrapped(np.concatenate(stream, axis=1)).astype(np.int32)


def _by_group(values: Array) -> Array:
    """(outputs, n) as (groups, 4, n); outputs past the last are zeros."""
    padded = np.pad(values, ((0, -len(values) % GROUP), (0, 0)))
    result: Array = padded.reshape(-1, GROUP, values.shape[1])
    return result


def scratch_bytes(layer: Layer) -> int:
    """Eight sums, a pixel of padding, the tiles, of which a pair may be read for the last one, the slack that they move
    in, and what may be read behind them when they are copied sixteen elements at a time.
    """
    a: Conv2D = layer.attributes
    channels = layer.input(0).shape[3]
    pairs = (tiles(layer) + 1) // 2
    return 32 + channels + 8 * pairs * run(layer) + 2 * slack_moves(layer) * a.height.stride * channels + 32


def cycles(layer: Layer, _target: Target) -> int:
    a: Conv2D = layer.attributes
    channels = layer.input(0).shape[3]
    pairs = (a.width.output + 3) // 4
    rounds = run(layer) // 4 // unrolled(layer)
    outputs = 2 * (82 if requantization(layer).twice else 52)
    group = 16 * run(layer) + outputs + 130 + 4 * (9 * rounds if rounds > 1 else 2)
    products = pairs * (20 + -(-layer.output.shape[3] // GROUP) * group) + 2 * pairs * staged_cycles(layer)
    rows = min(a.height.stride, a.height.window) * tiles(layer) * (75 + 11 * channels)
    return int(LAYER_CYCLES + layer.output.shape[0] * a.height.output * (200 + products + rows))


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    x = layer.input(0)
    twice = requantization(layer).twice
    name = f"{run(layer)}_{'twice' if twice else 'affine'}"
    params = Struct(
        "mcuq_conv_2d_s8_winograd_params",
        "params",
        (
            ("gemm", gemm_params(layer, 4 * run(layer) // 4)),
            ("batches", x.shape[0]),
            ("input_height", a.height.input),
            ("input_width", a.width.input),
            ("channels", x.shape[3]),
            ("window_height", a.height.window),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
            ("stride_height", a.height.stride),
            ("pad_top", a.height.pad_before),
            ("pad_left", a.width.pad_before),
            ("slack_moves", slack_moves(layer)),
            ("zero_point", x.type.zero_point),
        ),
    )
    return Lowering(
        calls=(packed_call(f"{FUNCTION}_{name}", layer, params, "packed", f"{FUNCTION}.h"),),
        constants=(Constant("packed", packed(layer), "constants and factors of each four outputs"),),
        scratch_bytes=scratch_bytes(layer),
        sources=(f"{FUNCTION}.c",),
        definitions=(f"MCUQ_CONV_2D_S8_WINOGRAD({name}, {run(layer)}, {unrolled(layer)}, {int(twice)})",),
        overlaps=by_rows(layer, a.height, rows_are_copied=True),
    )


KERNELS = (Kernel(FUNCTION, MCUQ, "CONV_2D", refuses, lower, cycles),)
