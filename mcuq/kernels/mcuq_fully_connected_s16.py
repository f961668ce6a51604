"""mcuq's fully connected layer of int16 activations for DSP cores (mcuq_fully_connected_s16.h)."""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, table
from mcuq.kernels.operands import weighted
from mcuq.kernels.work import per_product
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.weighted import accumulator_bound, bias_values, channel_requantization

GROUP = 4
_ORDER = (0, 2, 1, 3)


def refuses(layer: Layer, target: Target) -> str | None:
    if not target.core.has_dsp:
        return f"{target.core.name} has no DSP instructions"
    if accumulator_bound(layer, 0).max(initial=0) >= 2**31:
        return "a sum may leave int32"
    _, shifts = channel_requantization(layer)
    if not ((shifts >= -31) & (shifts <= -2)).all():
        return "a factor is above 1/8 or vanishes"
    return None


def packed(weights: Array) -> Array:
    """``weights`` (outputs, depth) as the header says."""
    outputs, depth = weights.shape
    groups = np.pad(weights, ((0, -outputs % GROUP), (0, 0))).reshape(-1, GROUP, depth)
    whole = depth // 4 * 4
    quads = groups[:, :, :whole].reshape(len(groups), GROUP, whole // 4, 4)[..., _ORDER].transpose(0, 2, 1, 3)
    left = groups[:, :, whole:].transpose(0, 2, 1)
    return np.concatenate([quads.reshape(len(groups), -1), left.reshape(len(groups), -1)], axis=1)


def lower(layer: Layer, _target: Target) -> Lowering:
    a: FullyConnected = layer.attributes
    weights = layer.input(1).data
    assert weights is not None
    low, high = quantized_range(a.activation, layer.output.type)
    fields = (("batches", a.batches), ("depth", a.depth), ("outputs", a.outputs))
    limits = (("activation_min", low), ("activation_max", high))
    params = Struct("mcuq_fully_connected_s16_params", "params", (*fields, *limits))
    multipliers, shifts = channel_requantization(layer)
    fill = (0, -a.outputs % GROUP)
    constants = (
        Constant("weights", table(packed(weights), "int8"), "in groups of 4 outputs"),
        Constant("bias", table(np.pad(bias_values(layer), fill), "int32")),
        Constant("multipliers", table(np.pad(multipliers, fill), "int32"), "Q31, one for each output"),
        Constant("shifts", table(np.pad(-1 - shifts, fill, constant_values=1), "int32"), "to the right, past a word"),
    )
    return weighted(layer, "mcuq_fully_connected_s16", params, constants)


KERNELS = (
    Kernel("mcuq_fully_connected_s16", MCUQ, "FULLY_CONNECTED", refuses, lower, per_product(2, output=15), int16=True),
)
