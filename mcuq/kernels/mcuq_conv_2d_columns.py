"""mcuq's convolution for DSP cores that gathers each pixel's activations (mcuq_conv_2d_s8_columns.h).

The kernel of windows of one pixel, and of what ``mcuq_conv_2d_window`` cannot do (dilation, very wide columns). The
proof is in ``packed_weights`` and ``fast_requantize``; a layer without it is refused.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, ScratchPointer, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import gemm_params, refuses_packing, requantization, weight_rows
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.packed_weights import pack, shuffle, shuffled
from mcuq.kernels.work import LAYER_CYCLES, multiply_accumulates
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

FUNCTION = "mcuq_conv_2d_s8_columns"


def refuses(layer: Layer, target: Target) -> str | None:
    return refuses_packing(layer, target)


def packed(layer: Layer) -> Array:
    """The weights' stream: activations of an output in the order ky, kx, i."""
    rows = weight_rows(layer)
    if shuffled(run(layer)):
        rows = shuffle(rows)
    return pack(np.pad(rows, ((0, 0), (0, rows.shape[1] % 2))), requantization(layer).constants, 4)


def run_columns(layer: Layer) -> int:
    """Columns of a run of activations that lie together in the input."""
    a: Conv2D = layer.attributes
    return a.width.window if a.width.dilation == 1 else 1


def run(layer: Layer) -> int:
    """Activations of a run."""
    return run_columns(layer) * layer.input(0).shape[3]


def pairs(layer: Layer) -> int:
    """Activation pairs of an output."""
    return int(-(-weight_rows(layer).shape[1] // 2))


def cycles(layer: Layer, _target: Target) -> int:
    outputs = layer.output.type.elements
    pixels = outputs // layer.output.shape[3]
    odd = (pixels + 1) // 2 * 2 / pixels
    each = 12 if requantization(layer).twice else 9
    activations = 2 * pairs(layer)
    gathered = (2.0 if shuffled(run(layer)) else 12) * activations + 70 * (activations // run(layer))
    return int(LAYER_CYCLES + 1.0 * multiply_accumulates(layer) * odd + each * outputs * odd + gathered * pixels)


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    x, y = layer.input(0), layer.output
    params = Struct(
        "mcuq_conv_2d_s8_columns_params",
        "params",
        (
            ("gemm", gemm_params(layer, pairs(layer))),
            ("batches", x.shape[0]),
            ("input_height", a.height.input),
            ("input_width", a.width.input),
            ("channels", x.shape[3]),
            ("window_height", a.height.window),
            ("window_width", a.width.window),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
            ("stride_height", a.height.stride),
            ("stride_width", a.width.stride),
            ("dilation_height", a.height.dilation),
            ("dilation_width", a.width.dilation),
            ("pad_top", a.height.pad_before),
            ("pad_left", a.width.pad_before),
            ("run_columns", run_columns(layer)),
            ("zero_point", x.type.zero_point),
        ),
    )
    arguments = (params, TensorPointer(x.name), ConstantPointer("packed"), ScratchPointer(), TensorPointer(y.name))
    return Lowering(
        calls=(KernelCall(FUNCTION, arguments, header=f"{FUNCTION}.h"),),
        constants=(Constant("packed", packed(layer), "weights in pairs, and the constants of each four outputs"),),
        scratch_bytes=8 * pairs(layer) + 2 * run(layer),
        sources=(f"{FUNCTION}.c",),
        overlaps=by_rows(layer, a.height, rows_are_copied=False),
    )


KERNELS = (Kernel(FUNCTION, MCUQ, "CONV_2D", refuses, lower, cycles),)
