"""CMSIS-NN's fully connected layer, where its two roundings can be made to give the bytes of LiteRT's one.

With one scale for all weights it is ``arm_fully_connected_s8``; with one for each output it is the convolution with a
window of one pixel, which multiplies the same matrices and has a multiplier for each output. ``exact_multiplier`` says
whether there is a multiplier that makes the rounding agree for every input. Scratch: none in 4.0.0.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, KernelCall, Lowering, Struct
from mcuq.kernels.base import CMSIS_NN, Kernel, Target
from mcuq.kernels.cmsis_nn_structs import (
    activation,
    channel_quantization,
    context,
    dims,
    not_proven,
    offsets,
    tile,
    weighted_call,
)
from mcuq.kernels.exact_multiplier import exact_multiplier
from mcuq.kernels.operands import channel_tables
from mcuq.kernels.work import per_product
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array
from mcuq.ops.fully_connected import FullyConnected, requantization
from mcuq.ops.weighted import bias_values

BY_TENSOR = "arm_fully_connected_s8"
BY_CHANNEL = "arm_convolve_1x1_s8_fast"


def accumulator_range(layer: Layer) -> tuple[Array, Array]:
    """The least and the greatest accumulator of each output over all inputs."""
    weights, zero_point = layer.input(1).data, layer.input(0).type.zero_point
    assert weights is not None
    at_least, at_most = (weights.astype(np.int64) * (x - zero_point) for x in (-128, 127))
    bias = bias_values(layer).astype(np.int64)
    return (
        bias + np.minimum(at_least, at_most).sum(axis=1),
        bias + np.maximum(at_least, at_most).sum(axis=1),
    )


def exact_requantization(layer: Layer) -> tuple[Array, Array] | None:
    """Multipliers and shifts, as many as the weights have scales, that are exact when rounded twice; None if none."""
    multipliers, shifts = requantization(layer)
    low, high = accumulator_range(layer)
    if len(multipliers) == 1:
        low, high = low.min(keepdims=True), high.max(keepdims=True)
    zero_point = layer.output.type.zero_point
    floor, ceiling = quantized_range(layer.attributes.activation, layer.output.type)
    pairs = []
    for multiplier, shift, least, greatest in zip(multipliers, shifts, low, high, strict=True):
        pair = exact_multiplier(
            int(multiplier), int(shift), (int(least), int(greatest)), (floor - zero_point, ceiling - zero_point)
        )
        if pair is None:
            return None
        pairs.append(pair)
    return np.array([m for m, _ in pairs], np.int64), np.array([s for _, s in pairs], np.int64)


def _per_channel(layer: Layer) -> bool:
    quantization = layer.input(1).type.quantization
    return quantization is not None and quantization.per_channel


def _refuses(layer: Layer, target: Target, function: str) -> str | None:
    if (reason := not_proven(function, target)) is not None:
        return reason
    if exact_requantization(layer) is None:
        return "CMSIS-NN rounds twice, LiteRT once, and no multiplier makes them agree for every input"
    return None


def refuses_by_tensor(layer: Layer, target: Target) -> str | None:
    if _per_channel(layer):
        return f"{BY_TENSOR} has one scale for all weights"
    return _refuses(layer, target, BY_TENSOR)


def refuses_by_channel(layer: Layer, target: Target) -> str | None:
    if not _per_channel(layer):
        return f"{BY_TENSOR} is made for weights with one scale"
    return _refuses(layer, target, BY_CHANNEL)


def _lowering(layer: Layer, call: KernelCall, *tables: Constant) -> Lowering:
    weights = layer.input(1).data
    assert weights is not None
    return Lowering(
        calls=(call,),
        constants=(
            Constant("weights", weights, "outputs x depth"),
            Constant("bias", bias_values(layer)),
            *tables,
        ),
        sources=(f"{call.function}.c",),
    )


def _exact(layer: Layer) -> tuple[Array, Array]:
    found = exact_requantization(layer)
    assert found is not None, "the layer is refused"
    return found


def lower_by_tensor(layer: Layer, _target: Target) -> Lowering:
    a: FullyConnected = layer.attributes
    multipliers, shifts = _exact(layer)
    params = Struct(
        "cmsis_nn_fc_params",
        "params",
        (*offsets(layer), ("filter_offset", 0), activation(a.activation, layer.output.type)),
    )
    quantization = Struct(
        "cmsis_nn_per_tensor_quant_params",
        "quantization",
        (("multiplier", int(multipliers[0])), ("shift", int(shifts[0]))),
    )
    shapes = (
        dims("input_dims", a.batches, 1, 1, a.depth),
        dims("filter_dims", a.depth, 1, 1, a.outputs),
        dims("bias_dims", 1, 1, 1, a.outputs),
        dims("output_dims", a.batches, 1, 1, a.outputs),
    )
    return _lowering(layer, weighted_call(BY_TENSOR, layer, (context(0), params, quantization), shapes))


def lower_by_channel(layer: Layer, _target: Target) -> Lowering:
    a: FullyConnected = layer.attributes
    params = Struct(
        "cmsis_nn_conv_params",
        "params",
        (
            *offsets(layer),
            tile("stride", 1, 1),
            tile("padding", 0, 0),
            tile("dilation", 1, 1),
            activation(a.activation, layer.output.type),
        ),
    )
    shapes = (
        dims("input_dims", 1, 1, a.batches, a.depth),
        dims("filter_dims", a.outputs, 1, 1, a.depth),
        dims("bias_dims", 1, 1, 1, a.outputs),
        dims("output_dims", 1, 1, a.batches, a.outputs),
    )
    tables = channel_tables(*_exact(layer))
    settings = (context(0), params, channel_quantization())
    return _lowering(layer, weighted_call(BY_CHANNEL, layer, settings, shapes), *tables)


KERNELS = (
    Kernel(
        BY_TENSOR,
        CMSIS_NN,
        "FULLY_CONNECTED",
        refuses_by_tensor,
        lower_by_tensor,
        per_product(5, dsp=2.4, mve=0.6, output=20, plain_output=120),
    ),
    Kernel(
        BY_CHANNEL,
        CMSIS_NN,
        "FULLY_CONNECTED",
        refuses_by_channel,
        lower_by_channel,
        per_product(5, dsp=2.4, mve=0.6, output=20, plain_output=120),
    ),
)
