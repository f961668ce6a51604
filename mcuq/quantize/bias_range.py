"""Keeps biases inside int32: a channel with tiny weights gets a tiny scale, and litert-quantizer cuts its bias off.

A channel whose weights are all zero is the common case (batch normalization folded into a dead channel): its constant
output would become zero. Here the scale of such a channel grows until the bias fits, as TensorFlow's quantizer does.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.flatbuffer import add_buffer, constant, operator_name, tensor_name

# The axis of the output channels in the weights, as in TFLite's quantization specification.
CHANNEL_AXIS = {"CONV_2D": 0, "FULLY_CONNECTED": 0, "DEPTHWISE_CONV_2D": 3}
_LARGEST = 2**30  # half of int32: the other half is for the products


def float_biases(model: Any) -> Mapping[str, npt.NDArray[np.float32]]:
    """The float biases of a float ``ModelT`` tree, by the name of the layer's output tensor."""
    tensors = model.subgraphs[0].tensors
    found = {}
    for operator in model.subgraphs[0].operators:
        if operator_name(model, operator) in CHANNEL_AXIS and len(operator.inputs) > 2 and operator.inputs[2] >= 0:
            bias = constant(model, tensors[operator.inputs[2]], np.float32)
            if bias is not None:
                found[tensor_name(tensors[operator.outputs[0]])] = bias.reshape(-1)
    return found


def bias_scales(source: Any, bias: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The least scales of weights with which ``bias`` fits, for the input tensor ``source``."""
    return np.asarray(np.abs(bias.astype(np.float64)) / (float(source.quantization.scale[0]) * _LARGEST))


def widen_scales(model: Any, biases: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Widens, in a quantized ``ModelT`` tree, the weight scale of each channel whose bias does not fit."""
    tensors = model.subgraphs[0].tensors
    for operator in list(model.subgraphs[0].operators):
        name = operator_name(model, operator)
        bias = biases.get(tensor_name(tensors[operator.outputs[0]])) if name in CHANNEL_AXIS else None
        if bias is None:
            continue
        source, weights, target = (tensors[index] for index in operator.inputs[:3])
        scales = np.array(weights.quantization.scale if weights.quantization else [], np.float64)
        values = constant(model, weights, np.int8) if weights.type == schema.TensorType.INT8 else None
        if scales.size != bias.size or target.quantization is None or values is None:
            continue
        needed = bias_scales(source, bias)
        if (needed > scales).any():
            widened = np.maximum(scales, needed).astype(np.float32)
            shape = tuple(-1 if i == CHANNEL_AXIS[name] else 1 for i in range(values.ndim))
            rounded = np.rint(values * (np.asarray(scales) / widened).reshape(shape)).astype(np.int8)
            set_weights(model, operator, rounded, widened, bias)


def set_weights(
    model: Any,
    operator: Any,
    values: npt.NDArray[np.int8],
    scales: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
) -> None:
    """Gives ``operator`` weights of its own, ``values`` with ``scales``, and ``bias`` in the scales that follow."""
    tensors = model.subgraphs[0].tensors
    source, weights, target = (tensors[index] for index in operator.inputs[:3])
    # What the bias tensor says is what LiteRT checks: input scale times weight scale, in float32.
    scales_of_bias = np.float32(source.quantization.scale[0]) * scales
    # Nothing outside int32: the caller has seen to that.
    whole = np.rint(bias.astype(np.float64) / scales_of_bias).astype(np.int32)
    inputs = [int(index) for index in operator.inputs]
    inputs[1] = _copy(model, weights, values, scales)
    inputs[2] = _copy(model, target, whole, scales_of_bias)
    operator.inputs = inputs


def _copy(model: Any, tensor: Any, values: npt.NDArray[Any], scales: npt.NDArray[np.float32]) -> int:
    """A copy of ``tensor`` with other values and scales; returns its index."""
    tensors = model.subgraphs[0].tensors
    made = copy.deepcopy(tensor)
    tensor.name = f"{tensor_name(tensor)}/narrow_{len(tensors)}".encode()  # the copy keeps the name
    made.buffer = add_buffer(model, values)
    made.quantization.scale = [float(scale) for scale in scales]
    tensors.append(made)
    return len(tensors) - 1
