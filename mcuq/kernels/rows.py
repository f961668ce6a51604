"""Layers that multiply rows of their input by one matrix: fully connected ones, and convolutions with one output pixel,
whose window is the whole image, as the steps of a window that slides have them. No kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcuq.ir import Layer
from mcuq.kernels.gemm_params import weight_rows
from mcuq.ops.conv_2d import Conv2D

CONVOLUTION = "CONV_2D"


@dataclass(frozen=True, slots=True)
class Rows:
    """``batches`` rows of ``depth`` elements into rows of ``outputs``. ``rounds_twice`` as LiteRT's convolutions do."""

    batches: int
    depth: int
    outputs: int
    rounds_twice: bool


def rows(layer: Layer) -> Rows:
    outputs, depth = weight_rows(layer).shape
    return Rows(layer.input(0).type.elements // depth, depth, outputs, layer.op == CONVOLUTION)


def refuses_windows(layer: Layer) -> str | None:
    """Why a convolution is no such layer, or None."""
    if layer.op != CONVOLUTION:
        return None
    a: Conv2D = layer.attributes
    if a.groups != 1:
        return f"the kernel has no convolution in {a.groups} groups"
    if any((axis.window, axis.output, axis.pad_before) != (axis.input, 1, 0) for axis in (a.height, a.width)):
        return "the kernel has windows of the whole image only"
    return None
