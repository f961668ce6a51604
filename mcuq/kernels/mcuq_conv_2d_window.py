"""mcuq's convolution for DSP cores with windows of more than one pixel (mcuq_conv_2d_s8_window.h).

The proof is in ``packed_weights`` and ``fast_requantize``; a layer without it is refused.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import (
    GemmCode,
    compact_code,
    gemm_cycles,
    gemm_params,
    packed_stream,
    refuses_packing,
    staged_cycles,
    unrolled_code,
)
from mcuq.kernels.operands import packed_call
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.packed_weights import shuffle, shuffled
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

FUNCTION = "mcuq_conv_2d_s8_window"
UNROLLED = f"{FUNCTION}_unrolled"
LARGEST_DISTANCE = 3836
"""Bytes between two windows that fit the offset of a load, with the activation pairs of the longest code."""

SHARED_DISTANCE = 384
"""Bytes between the two windows of a pair that layers have in common where they can: those of neighbours in 3x3 layers
of 64 channels. Each distance needs a function of its own.
"""

SLACK_MOVES = 11
"""Moves down before the buffer is copied back, at most: each takes scratch memory, a copy takes time."""


def distance(layer: Layer) -> int:
    """Bytes in the buffer from one output pixel's window to the next one's."""
    a: Conv2D = layer.attributes
    return 2 * a.width.stride * a.height.window * layer.input(0).shape[3]


def spread(layer: Layer) -> int:
    """Pixels from one of a pair to the other, such that pairs are SHARED_DISTANCE apart; 1 where that does not work."""
    a: Conv2D = layer.attributes
    pixels, rest = divmod(SHARED_DISTANCE, distance(layer))
    return 1 if rest or pixels == 0 or a.width.output % (2 * pixels) or staged_cycles(layer) else pixels


def refuses(layer: Layer, target: Target) -> str | None:
    a: Conv2D = layer.attributes
    if a.height.window == 1 and a.width.window == 1:
        return "for windows of one pixel mcuq_conv_2d_s8_columns takes less code and scratch memory"
    if a.height.dilation != 1 or a.width.dilation != 1:
        return "the kernel has no dilation"
    if distance(layer) > LARGEST_DISTANCE:
        return f"windows are {distance(layer)} B apart, at most {LARGEST_DISTANCE} B are possible"
    return refuses_packing(layer, target)


def packed(layer: Layer, code: GemmCode) -> Array:
    """The weights' stream: activations of an output in the order kx, ky, i."""
    weights = layer.input(1).data
    assert weights is not None
    ordered = weights.astype(np.int64).transpose(0, 2, 1, 3)
    if shuffled(weights.shape[3]):
        ordered = shuffle(ordered)
    elif weights.shape[3] == 3:
        ordered = ordered[..., (0, 2, 1)]
    return packed_stream(layer, ordered.reshape(len(ordered), -1), code)


def columns(layer: Layer) -> int:
    a: Conv2D = layer.attributes
    return (a.width.output - 1) * a.width.stride + a.width.window


def slack_moves(layer: Layer) -> int:
    a: Conv2D = layer.attributes
    if a.height.stride >= a.height.window:
        return 0
    moves = max(1, a.height.output - 1)
    stretches = -(-moves // SLACK_MOVES)
    return -(-moves // stretches)


def scratch_bytes(layer: Layer) -> int:
    """The buffer, the slack that it moves in, and what may be read behind it: by the second pixel of a row's last pair,
    and when the buffer is copied sixteen elements at a time.
    """
    a: Conv2D = layer.attributes
    channels = layer.input(0).shape[3]
    read = columns(layer) + (a.width.stride if a.width.output % 2 else 0)
    moved = slack_moves(layer) * a.height.stride * channels
    return 2 * (read * a.height.window * channels + moved + 16)


def pairs(layer: Layer) -> int:
    """Activation pairs of an output."""
    a: Conv2D = layer.attributes
    return -(-a.height.window * a.width.window * layer.input(0).shape[3] // 2)


def refuses_unrolled(layer: Layer, target: Target) -> str | None:
    if (reason := refuses(layer, target)) is not None:
        return reason
    return f"{FUNCTION} is unrolled completely" if compact_code(layer, pairs(layer)).exact else None


def _cycles(layer: Layer, code: GemmCode) -> int:
    a: Conv2D = layer.attributes
    channels = layer.input(0).shape[3]
    products = gemm_cycles(layer, pairs(layer), code, a.width.output)
    rows = min(a.height.stride, a.height.window) * columns(layer) * channels
    each = 2 if channels % 16 == 0 else 3 if channels % 4 == 0 else 4
    return int(LAYER_CYCLES + layer.output.shape[0] * a.height.output * (250 + products + each * rows))


def cycles(layer: Layer, _target: Target) -> int:
    return _cycles(layer, compact_code(layer, pairs(layer)))


def cycles_unrolled(layer: Layer, _target: Target) -> int:
    return _cycles(layer, unrolled_code(layer, pairs(layer)))


def lower(layer: Layer, _target: Target) -> Lowering:
    return _lower(layer, compact_code(layer, pairs(layer)), shares_code=True)


def lower_unrolled(layer: Layer, _target: Target) -> Lowering:
    return _lower(layer, unrolled_code(layer, pairs(layer)), shares_code=False)


def _lower(layer: Layer, code: GemmCode, *, shares_code: bool) -> Lowering:
    a: Conv2D = layer.attributes
    x = layer.input(0)
    channels = x.shape[3]
    apart = spread(layer) if shares_code and not code.exact else 1
    name = f"{apart * distance(layer)}_{code.name}"
    params = Struct(
        "mcuq_conv_2d_s8_window_params",
        "params",
        (
            ("gemm", gemm_params(layer, pairs(layer))),
            ("batches", x.shape[0]),
            ("input_height", a.height.input),
            ("input_width", a.width.input),
            ("channels", channels),
            ("window_height", a.height.window),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
            ("stride_height", a.height.stride),
            ("stride_width", a.width.stride),
            ("pad_top", a.height.pad_before),
            ("pad_left", a.width.pad_before),
            ("columns", columns(layer)),
            ("slack_moves", slack_moves(layer)),
            ("zero_point", x.type.zero_point),
            ("spread", apart),
        ),
    )
    return Lowering(
        calls=(packed_call(f"{FUNCTION}_{name}", layer, params, "packed", f"{FUNCTION}.h"),),
        constants=(
            Constant("packed", packed(layer, code), "weights in pairs, and the constants of each four outputs"),
        ),
        scratch_bytes=scratch_bytes(layer),
        sources=(f"{FUNCTION}.c",),
        definitions=(f"MCUQ_CONV_2D_S8_WINDOW({name}, {apart * distance(layer)}, {code.literals})",),
        overlaps=by_rows(layer, a.height, rows_are_copied=True),
    )


KERNELS = (
    Kernel(FUNCTION, MCUQ, "CONV_2D", refuses, lower, cycles),
    Kernel(UNROLLED, MCUQ, "CONV_2D", refuses_unrolled, lower_unrolled, cycles_unrolled),
)
