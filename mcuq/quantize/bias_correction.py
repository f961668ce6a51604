"""Bias correction: the mean error that rounding the weights makes is known from the data, so the bias takes it back.

Rounding moves a layer's output by sum over k of E[x_k]·(w_k - quantized w_k) on average (Nagel et al., "Data-Free
Quantization Through Weight Equalization and Bias Correction", 2019, section 4.2). Adding that to the float bias costs
nothing on the device. Borders, where padding replaces some inputs, are not told apart.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.bias_range import CHANNEL_AXIS
from mcuq.quantize.calibrate import Statistics
from mcuq.quantize.flatbuffer import add_constant, constant, operator_name, tensor_name


def correct_biases(model: Any, statistics: Mapping[str, Statistics], done: Container[str] = ()) -> None:
    """Corrects, in the ``ModelT`` tree, the bias of every layer with constant float32 weights and a known input.

    ``done`` names the outputs of layers that have been corrected already.
    """
    tensors = model.subgraphs[0].tensors
    for operator in model.subgraphs[0].operators:
        name = operator_name(model, operator)
        if name not in CHANNEL_AXIS or len(operator.inputs) < 2 or tensor_name(tensors[operator.outputs[0]]) in done:
            continue
        known = statistics.get(tensor_name(tensors[operator.inputs[0]]))
        weights_tensor = tensors[operator.inputs[1]]
        if known is None or weights_tensor.type != schema.TensorType.FLOAT32:
            continue
        weights = constant(model, weights_tensor, np.float32)
        if weights is None:
            continue
        shift = _mean_error(name, weights, known.channel_means)
        if shift is not None:
            add_to_bias(model, operator, shift)


def _mean_error(
    name: str, weights: npt.NDArray[np.float32], means: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64] | None:
    """What rounding takes from each output channel on average; None when input and weights do not line up."""
    error = weights - _rounded(weights, CHANNEL_AXIS[name])
    if name == "DEPTHWISE_CONV_2D":  # weights (1, height, width, channels · multiplier)
        multiplier, rest = divmod(weights.shape[3], means.size)
        taps = error.sum(axis=(0, 1, 2))
        return None if rest else np.asarray(taps * np.repeat(means, multiplier))
    by_tap = error.reshape(weights.shape[0], -1)
    groups, rest = divmod(by_tap.shape[1], means.size)  # the taps of the kernel; grouped convolutions do not fit
    if rest or (name == "CONV_2D" and weights.shape[-1] != means.size):
        return None
    return np.asarray(by_tap.reshape(weights.shape[0], groups, means.size).sum(axis=1) @ means)


def _rounded(weights: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float64]:
    """The weights as symmetric int8 with one scale a channel represents them."""
    others = tuple(i for i in range(weights.ndim) if i != axis)
    scale = np.abs(weights).max(axis=others, keepdims=True).astype(np.float64) / 127.0
    scale[scale == 0.0] = 1.0
    return np.asarray(np.clip(np.rint(weights / scale), -127, 127) * scale)


def add_to_bias(model: Any, operator: Any, shift: npt.NDArray[np.float64]) -> None:
    """Gives the operator a bias of its own: the converter shares one tensor of zeros among layers."""
    tensors = model.subgraphs[0].tensors
    inputs = [int(index) for index in operator.inputs]
    bias: npt.NDArray[Any] = np.zeros(shift.size, np.float32)
    name = f"{tensor_name(tensors[operator.outputs[0]])}/bias_{len(tensors)}"
    if len(inputs) > 2 and inputs[2] >= 0:
        found = constant(model, tensors[inputs[2]], np.float32)
        if found is None or found.size != shift.size:
            return
        bias = found.reshape(-1)
        users = sum(inputs[2] in list(other.inputs) for other in model.subgraphs[0].operators)
        name = tensor_name(tensors[inputs[2]]) if users == 1 else name
        if users == 1:
            tensors[inputs[2]].name = f"{name}/float".encode()
    corrected = add_constant(model, name, (bias + shift).astype(np.float32))
    operator.inputs = [*inputs[:2], corrected, *inputs[3:]]
