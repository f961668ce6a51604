"""mcuq's fully connected layer of two-valued activations with two-valued weights, which counts bits
(mcuq_fully_connected_binary.h).
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.mcuq_conv_2d_binary import (
    BLOCK,
    LANES,
    MORE_VALUES,
    MOST_DEPTH,
    NOT_TWO_VALUES,
    core_share,
    counting,
    line_constants,
    of_two_values,
    unshifted,
)
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.activation import quantized_range
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.weighted import channel_requantization

FUNCTION = "mcuq_fully_connected_binary"


def refuses(layer: Layer, _target: Target) -> str | None:
    a: FullyConnected = layer.attributes
    if not a.two_values:
        return NOT_TWO_VALUES
    if a.depth > MOST_DEPTH:
        return f"the kernel has {MOST_DEPTH} inputs of an output at most"
    return None if of_two_values(weight_rows(layer)) else MORE_VALUES


def cycles(layer: Layer, target: Target) -> int:
    """Where half of the activations are above the zero point."""
    a: FullyConnected = layer.attributes
    listed = a.depth / 2 + BLOCK / 2
    row = 100 + 6 * a.depth + -(-a.outputs // LANES) * (250 + 10 * listed) + 60 * a.outputs
    return int(LAYER_CYCLES + core_share(target) * a.batches * row)


def lower(layer: Layer, _target: Target) -> Lowering:
    a: FullyConnected = layer.attributes
    x, y = layer.input(0), layer.output
    low, high = quantized_range(a.activation, y.type)
    line = line_constants(layer, rounds_twice=False)
    params = Struct(
        f"{FUNCTION}_params",
        "params",
        (
            ("batches", a.batches),
            ("depth", a.depth),
            ("outputs", a.outputs),
            ("zero_point", x.type.zero_point),
            ("output_offset", y.type.zero_point),
            ("line", "false" if line is None else "true"),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    values = np.stack([*unshifted(layer), *channel_requantization(layer)], axis=1) if line is None else line
    return counting(FUNCTION, layer, params, values, 2 * (a.depth + BLOCK - 1), over_input=a.batches == 1)


KERNELS = (Kernel(FUNCTION, MCUQ, "FULLY_CONNECTED", refuses, lower, cycles),)
