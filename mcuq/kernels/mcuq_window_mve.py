"""The struct mcuq_window_mve: the buffer of contiguous windows (firmware/kernels/mcuq_window_mve.h). No kernel."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Struct

SLACK_MOVES = 7
"""Rows that the buffer moves on before it is moved back, at most."""


def columns(layer: Layer) -> int:
    """Columns that the windows of an output row reach over."""
    width = layer.attributes.width
    return int((width.output - 1) * width.stride + width.window)


def slack_moves(layer: Layer) -> int:
    height = layer.attributes.height
    if height.stride >= height.window:
        return 0
    return int(max(1, min(SLACK_MOVES, height.output - 1)))


def window_bytes(layer: Layer) -> int:
    """Scratch for the buffer and its moves."""
    height = layer.attributes.height
    moved = slack_moves(layer) * height.stride
    return int((columns(layer) * height.window + moved) * layer.input(0).shape[3])


def window_struct(layer: Layer) -> Struct:
    height, width, x = layer.attributes.height, layer.attributes.width, layer.input(0)
    return Struct(
        "mcuq_window_mve",
        "window",
        (
            ("input_height", height.input),
            ("input_width", width.input),
            ("channels", x.shape[3]),
            ("window_height", height.window),
            ("stride_height", height.stride),
            ("pad_top", height.pad_before),
            ("pad_left", width.pad_before),
            ("columns", columns(layer)),
            ("slack_moves", slack_moves(layer)),
            ("zero_point", x.type.zero_point),
        ),
    )


def window_cycles(layer: Layer) -> float:
    """Instructions that loading the rows takes."""
    height, x = layer.attributes.height, layer.input(0)
    rows = x.shape[0] * height.output * min(height.stride, height.window)
    return float(rows * columns(layer) * (10 + 3 * -(-x.shape[3] // 16)))
