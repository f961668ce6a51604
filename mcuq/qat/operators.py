"""TFLite's float operators in TensorFlow, so that they can be differentiated. For a batch of any size.

What an operator computes is TFLite's; of its scales only this is said: some keep their input's, some have fixed ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

Compute = Callable[[Any, Sequence[Any], tuple[int, ...]], Any]
"""From the operator's options, its inputs (constants included) and its output's shape with batch 1."""

_ACTIVATIONS: Mapping[int, Callable[[Any], Any]] = {
    schema.ActivationFunctionType.NONE: lambda x: x,
    schema.ActivationFunctionType.RELU: tf.nn.relu,
    schema.ActivationFunctionType.RELU_N1_TO_1: lambda x: tf.clip_by_value(x, -1.0, 1.0),
    schema.ActivationFunctionType.RELU6: tf.nn.relu6,
    schema.ActivationFunctionType.TANH: tf.tanh,
}


def _padding(options: Any) -> str:
    return "SAME" if options.padding == schema.Padding.SAME else "VALID"


def _conv_2d(o: Any, x: Sequence[Any], _shape: tuple[int, ...]) -> Any:
    strides, dilations = (o.strideH, o.strideW), (o.dilationHFactor, o.dilationWFactor)
    found = tf.nn.conv2d(x[0], tf.transpose(x[1], (1, 2, 3, 0)), strides, _padding(o), dilations=dilations)
    return _finished(o, found, x)


def _depthwise_conv_2d(o: Any, x: Sequence[Any], _shape: tuple[int, ...]) -> Any:
    strides, dilations = (1, o.strideH, o.strideW, 1), (o.dilationHFactor, o.dilationWFactor)
    _, height, width, channels = x[1].shape
    kernel = tf.reshape(x[1], (height, width, x[0].shape[3], channels // x[0].shape[3]))
    return _finished(o, tf.nn.depthwise_conv2d(x[0], kernel, strides, _padding(o), dilations=dilations), x)


def _fully_connected(o: Any, x: Sequence[Any], shape: tuple[int, ...]) -> Any:
    rows = tf.reshape(x[0], (-1, x[1].shape[1]))
    return _with_batch(_finished(o, tf.matmul(rows, x[1], transpose_b=True), x), shape)


def _finished(o: Any, products: Any, x: Sequence[Any]) -> Any:
    """With the bias, where there is one, and the activation."""
    return _ACTIVATIONS[o.fusedActivationFunction](products + x[2] if len(x) > 2 else products)


def _pool(function: Callable[..., Any]) -> Compute:
    def compute(o: Any, x: Sequence[Any], _shape: tuple[int, ...]) -> Any:
        window, strides = (o.filterHeight, o.filterWidth), (o.strideH, o.strideW)
        return _ACTIVATIONS[o.fusedActivationFunction](function(x[0], window, strides, _padding(o)))

    return compute


def _elementwise(function: Callable[[Any, Any], Any]) -> Compute:
    return lambda o, x, _shape: _ACTIVATIONS[o.fusedActivationFunction](function(x[0], x[1]))


def _unary(function: Callable[[Any], Any]) -> Compute:
    return lambda _o, x, _shape: function(x[0])


def _softmax(o: Any, x: Sequence[Any], _shape: tuple[int, ...]) -> Any:
    return tf.nn.softmax(o.beta * x[0])


def _concatenation(o: Any, x: Sequence[Any], _shape: tuple[int, ...]) -> Any:
    return _ACTIVATIONS[o.fusedActivationFunction](tf.concat(x, o.axis))


def _with_batch(x: Any, shape: tuple[int, ...]) -> Any:
    return tf.reshape(x, (-1, *shape[1:]))


OPERATORS: Mapping[str, Compute] = {
    "ADD": _elementwise(tf.add),
    "AVERAGE_POOL_2D": _pool(tf.nn.avg_pool2d),
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _unary(lambda x: x * tf.nn.relu6(x + 3.0) / 6.0),
    "LEAKY_RELU": lambda o, x, _shape: tf.nn.leaky_relu(x[0], o.alpha),
    "LOGISTIC": _unary(tf.sigmoid),
    "MAX_POOL_2D": _pool(tf.nn.max_pool2d),
    "MEAN": lambda o, x, _shape: tf.reduce_mean(x[0], x[1], keepdims=o.keepDims),
    "MUL": _elementwise(tf.multiply),
    "PAD": lambda _o, x, _shape: tf.pad(x[0], x[1]),
    "REDUCE_MAX": lambda o, x, _shape: tf.reduce_max(x[0], x[1], keepdims=o.keepDims),
    "RELU": _unary(tf.nn.relu),
    "RELU6": _unary(tf.nn.relu6),
    "RELU_N1_TO_1": _unary(lambda x: tf.clip_by_value(x, -1.0, 1.0)),
    "RESHAPE": lambda _o, x, shape: _with_batch(x[0], shape),
    "SOFTMAX": _softmax,
    "SUB": _elementwise(tf.subtract),
    "TANH": _unary(tf.tanh),
    "TRANSPOSE": lambda _o, x, _shape: tf.transpose(x[0], x[1]),
}

SAME_SCALE = frozenset({"AVERAGE_POOL_2D", "CONCATENATION", "MAX_POOL_2D", "PAD", "REDUCE_MAX", "RESHAPE", "TRANSPOSE"})
"""Outputs have the scale of the inputs, or the inputs that of the output."""

FIXED_SCALE = frozenset({"LOGISTIC", "SOFTMAX", "TANH"})
"""TFLite prescribes the output's scale."""
