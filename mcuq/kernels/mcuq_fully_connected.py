"""mcuq's plain C fully connected layer: runs every FULLY_CONNECTED that the operator allows, on every core."""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import weighted
from mcuq.kernels.work import per_product
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.fully_connected import FullyConnected, requantization
from mcuq.ops.weighted import bias_values


def bias_with_offset(layer: Layer) -> Array:
    """The bias less the input's zero point times each output's weights, so that raw inputs are multiplied."""
    weights = layer.input(1).data
    assert weights is not None
    sums = weights.astype(np.int64).sum(axis=1)
    bias: Array = bias_values(layer).astype(np.int64) - layer.input(0).type.zero_point * sums
    return bias


def lower(layer: Layer, _target: Target) -> Lowering:
    a: FullyConnected = layer.attributes
    w, y = layer.input(1), layer.output
    assert w.data is not None
    multipliers, shifts = requantization(layer)
    low, high = quantized_range(a.activation, y.type)
    params = Struct(
        "mcuq_fully_connected_s8_params",
        "params",
        (
            ("batches", a.batches),
            ("depth", a.depth),
            ("outputs", a.outputs),
            ("pitch", a.outputs),
            ("scale_step", 1 if len(multipliers) > 1 else 0),
            ("output_offset", y.type.zero_point),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    each = "one for each output" if len(multipliers) > 1 else "one for all outputs"
    constants = (
        Constant("weights", w.data, "outputs x depth"),
        Constant("bias", table(bias_with_offset(layer), "int32"), "less the input's zero point times the weights"),
        Constant("multipliers", table(multipliers, "int32"), f"Q31, {each}"),
        Constant("shifts", table(shifts, "int32"), f"powers of two, {each}"),
    )
    return weighted(layer, "mcuq_fully_connected_s8", params, constants)


KERNELS = (Kernel("mcuq_fully_connected_s8", MCUQ, "FULLY_CONNECTED", never, lower, per_product(6, output=20)),)
