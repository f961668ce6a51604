"""mcuq's convolutions for Helium: windows of one pixel, and of any size (mcuq_conv_2d_1x1_mve.h, ..._window_mve.h)."""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import (
    Constant,
    Lowering,
    Overlap,
    Struct,
)
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.mcuq_gemm_mve import (
    LANES,
    convolution_stream,
    gemm_cycles,
    gemm_params,
    refuses_requantization,
    vectors,
)
from mcuq.kernels.mcuq_window_mve import window_bytes, window_cycles, window_struct
from mcuq.kernels.operands import packed_call
from mcuq.kernels.overlap import by_pixels, by_rows, goes_backwards, without_gaps
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

ONE_PIXEL = "mcuq_conv_2d_1x1_mve"
WINDOW = "mcuq_conv_2d_window_mve"
COPIED_BYTES = 256
"""Scratch for the pixels of one product, about: more pixels cost less time, fewer less memory."""

STREAM = "for each four outputs: weights in vectors, then bias, multipliers and shifts"


def refuses(layer: Layer, target: Target) -> str | None:
    a: Conv2D = layer.attributes
    if a.groups != 1:
        return f"the kernel has no convolution in {a.groups} groups"
    if a.height.dilation != 1 or a.width.dilation != 1:
        return "the kernel has no dilation"
    return refuses_requantization(layer, target)


def refuses_one_pixel(layer: Layer, target: Target) -> str | None:
    a: Conv2D = layer.attributes
    if (a.height.window, a.width.window) != (1, 1):
        return f"the window is {a.height.window}x{a.width.window}, 1x1 is needed"
    if layer.input(0).shape[0] != 1 and not without_gaps(layer):
        return "the kernel has no strides with a batch"
    return refuses(layer, target)


def weight_rows(layer: Layer) -> Array:
    """(outputs, depth) as int64, in the order kx, ky, i of the buffer."""
    weights = layer.input(1).data
    assert weights is not None
    rows: Array = weights.astype(np.int64).transpose(0, 2, 1, 3).reshape(weights.shape[0], -1)
    return rows


def _lowering(
    layer: Layer,
    function: str,
    params: Struct,
    scratch_bytes: int,
    sources: tuple[str, ...],
    overlaps: tuple[Overlap, ...],
) -> Lowering:
    return Lowering(
        calls=(packed_call(function, layer, params, "stream", f"{function}.h"),),
        constants=(Constant("stream", convolution_stream(layer, weight_rows(layer)), STREAM),),
        scratch_bytes=scratch_bytes,
        sources=(*sources, "mcuq_gemm_mve.c"),
        overlaps=overlaps,
    )


def pixels_together(layer: Layer) -> int:
    """How many pixels are copied and multiplied at once: an even number from 2 to 16."""
    pixels = COPIED_BYTES // (LANES * vectors(layer.input(0).shape[3]))
    return max(2, min(16, pixels - pixels % 2))


def lower_one_pixel(layer: Layer, _target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    x, y = layer.input(0), layer.output
    channels = x.shape[3]
    one_row, together = without_gaps(layer), pixels_together(layer)
    columns = y.type.elements // y.shape[3] if one_row else a.width.output
    params = Struct(
        "mcuq_conv_2d_1x1_mve_params",
        "params",
        (
            ("gemm", gemm_params(layer, channels)),
            ("rows", 1 if one_row else a.height.output),
            ("columns", columns),
            ("together", together),
            ("last", (columns - 1) // together * together),
            ("backwards", "true" if goes_backwards(layer) else "false"),
            ("channels", channels),
            ("row_bytes", a.height.stride * x.shape[2] * channels),
            ("column_bytes", a.width.stride * channels),
        ),
    )
    overlaps = by_pixels(layer) if one_row else by_rows(layer, a.height, rows_are_copied=False)
    scratch_bytes = together * LANES * vectors(channels)
    return _lowering(layer, ONE_PIXEL, params, scratch_bytes, (f"{ONE_PIXEL}.c",), overlaps)


def one_pixel_cycles(layer: Layer, _target: Target) -> int:
    a: Conv2D = layer.attributes
    pixels = layer.output.type.elements // layer.output.shape[3]
    channels = layer.input(0).shape[3]
    pairs = (pixels + 1) // 2 if without_gaps(layer) else pixels // a.width.output * ((a.width.output + 1) // 2)
    return int(LAYER_CYCLES + gemm_cycles(layer, channels, pairs) + pixels * (8 + 3 * vectors(channels)))


def lower_window(layer: Layer, _target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    x = layer.input(0)
    channels = x.shape[3]
    params = Struct(
        "mcuq_conv_2d_window_mve_params",
        "params",
        (
            ("gemm", gemm_params(layer, a.height.window * a.width.window * channels)),
            ("window", window_struct(layer)),
            ("batches", x.shape[0]),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
            ("stride_width", a.width.stride),
        ),
    )
    overlaps = by_rows(layer, a.height, rows_are_copied=True)
    sources = (f"{WINDOW}.c", "mcuq_window_mve.c")
    return _lowering(layer, WINDOW, params, window_bytes(layer) + LANES, sources, overlaps)


def window_layer_cycles(layer: Layer, _target: Target) -> int:
    a: Conv2D = layer.attributes
    pairs = layer.output.shape[0] * a.height.output * ((a.width.output + 1) // 2)
    depth = a.height.window * a.width.window * layer.input(0).shape[3]
    return int(LAYER_CYCLES + gemm_cycles(layer, depth, pairs) + window_cycles(layer))


KERNELS = (
    Kernel(ONE_PIXEL, MCUQ, "CONV_2D", refuses_one_pixel, lower_one_pixel, one_pixel_cycles),
    Kernel(WINDOW, MCUQ, "CONV_2D", refuses, lower_window, window_layer_cycles),
)
