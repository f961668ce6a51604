"""Layer names for people, from the tensor names that TensorFlow's converter leaves in TFLite files.

A converted tensor is called like ``model/activation/Relu;model/conv2d_1/BiasAdd;model/conv2d_1/Conv2D``: the names of
all graph operations that were fused into it, in no useful order. No name is promised to be unique here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# The last part of a fused name that belongs to the operator itself, best first.
_OWN_PARTS: dict[str, tuple[str, ...]] = {
    "CONV_2D": ("Conv2D", "Conv1D", "convolution", "BiasAdd"),
    "DEPTHWISE_CONV_2D": ("depthwise", "DepthwiseConv2dNative", "Conv2D", "BiasAdd"),
    "FULLY_CONNECTED": ("MatMul", "Tensordot", "BiasAdd"),
    "ADD": ("add", "AddV2", "Add"),
    "SUB": ("sub", "Sub"),
    "MUL": ("mul", "Mul"),
    "RELU": ("Relu",),
    "RELU6": ("Relu6",),
    "SOFTMAX": ("Softmax",),
    "LOGISTIC": ("Sigmoid",),
    "TANH": ("Tanh",),
}
_NOISE = re.compile(r"^(StatefulPartitionedCall(_\d+)?(:\d+)?|PartitionedCall(_\d+)?(:\d+)?|Identity(_\d+)?(_int8)?)$")
_ROOT = re.compile(r"^(model|functional|sequential|Model|.*_functional)(_\d+)?(_\d+)?$")
# Scopes that Keras and TensorFlow open inside one layer: no layer's name.
_INSIDE = re.compile(r"^(Gelu|Repeat|moments|batchnorm|Tensordot|einsum|while|ReadVariableOp)(_\d+)?$")


def _layer_of(path: str) -> tuple[str, str] | None:
    """(layer, operation) of one graph operation's name, or None for names that say nothing."""
    parts = [part for part in path.split("/") if part and not _NOISE.match(part)]
    if len(parts) > 1 and _ROOT.match(parts[0]):
        parts = parts[1:]
    if not parts:
        return None
    operation = re.sub(r"_?\d+$", "", parts[-1])
    scopes = parts[:-1]
    while len(scopes) > 1 and _INSIDE.match(scopes[-1]):
        scopes = scopes[:-1]
    return (scopes or parts)[-1], operation


def layer_name(op: str, outputs: Sequence[str], constants: Sequence[str]) -> str | None:
    """The Keras layer that operator ``op`` computes, from the names of its outputs and constants; None if unknown."""
    found = [named for name in (*constants, *outputs) for path in name.split(";") if (named := _layer_of(path))]
    for own in _OWN_PARTS.get(op, ()):
        for layer, operation in found:
            if operation == own:
                return layer
    from_outputs = [named for name in outputs for path in name.split(";") if (named := _layer_of(path))]
    return from_outputs[0][0] if from_outputs else None
