"""RELU and its kind, LEAKY_RELU, GELU, SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION of float32.

Single precision, each operation rounded once. GELU: ``0.5 · x · erfc(-x / √2)``, or with tanh where it is approximate.
SOFTMAX and LOG_SOFTMAX go along the last axis, after subtracting its greatest value; sums in single precision, in
order. exp, log, erfc and tanh are computed in double precision and rounded (``firmware/kernels/mcuq_real.h``).
Source: TFLite ``reference_ops``, ``reference/gelu.h``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import l2_normalization, leaky_relu, log_softmax, relu, softmax, tabulated
from mcuq.ops import real_functions as real
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.floats import Ends, named, real_tensors, tflite_name
from mcuq.ops.unary import same_shape

_ONE, _HALF = np.float32(1), np.float32(0.5)
MINUS_ROOT_HALF = float(np.float32(-(0.5**0.5)))
ROOT_TWO_OVER_PI = float(np.float32((2 / np.pi) ** 0.5))


def relu_ends(layer: Layer) -> Ends:
    """What RELU and its kind clamp between; infinity where there is no end."""
    low, high = layer.attributes.ends
    return (-np.inf if low is None else low, np.inf if high is None else high)


def _relu_attributes(_options: Mapping[str, Any], layer: Layer) -> relu.Relu:
    return relu.Relu(relu.ENDS[tflite_name(layer.op)])


def _relu(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x, (low, high) = inputs[0], map(np.float32, relu_ends(layer))
    assert x is not None
    return (np.where(x > high, high, np.where(x < low, low, x)),)


def _leaky_relu(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x = inputs[0]
    assert x is not None
    return (np.where(x > 0, x, x * np.float32(layer.attributes.alpha)),)


def _gelu(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x = inputs[0]
    assert x is not None
    if not layer.attributes.approximate:
        return (_HALF * x * real.erfc(x * np.float32(MINUS_ROOT_HALF)).astype(np.float32),)
    argument = np.float32(ROOT_TWO_OVER_PI) * (x + np.float32(0.044715) * (x * x * x))
    return (_HALF * x * (_ONE + real.tanh(argument).astype(np.float32)),)


def _exponentials(x: Array, beta: float) -> tuple[Array, Array]:
    """exp of each element after its row's greatest is subtracted, and the sums of rows."""
    exponentials = real.exp((x - x.max(axis=-1, keepdims=True)) * np.float32(beta)).astype(np.float32)
    return exponentials, np.add.accumulate(exponentials, axis=-1)[..., -1:]


def _softmax(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    exponentials, total = _exponentials(inputs[0], layer.attributes.beta)
    return (exponentials / total,)


def _log_softmax(_layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x = inputs[0]
    assert x is not None
    _, total = _exponentials(x, 1.0)
    return (x - x.max(axis=-1, keepdims=True) - real.log(total).astype(np.float32),)


def _l2_normalization(_layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x = inputs[0]
    assert x is not None
    total = np.add.accumulate(x * x, axis=-1)[..., -1:]
    return (x / np.maximum(np.sqrt(total), np.float32(1e-6)),)


def _case(shape: tuple[int, ...], **options: Any) -> Case:
    name = "_".join((f"rank_{len(shape)}", *(f"{key}_{value}" for key, value in options.items())))
    return Case(name, (Operand(shape, dtype=DType.FLOAT32),), (Operand(shape, dtype=DType.FLOAT32),), options)


_TYPES = (real_tensors(0), same_shape)
_ROWS = (_case((3, 10)), _case((1, 4, 3, 7)))

OPERATORS = (
    *(Operator(named(op), _relu_attributes, _TYPES, _relu, (_case((2, 37)),)) for op in relu.ENDS),
    Operator(named("LEAKY_RELU"), leaky_relu.attributes, _TYPES, _leaky_relu, (_case((2, 37), alpha=0.3),)),
    Operator(
        named("GELU"),
        tabulated.gelu_attributes,
        _TYPES,
        _gelu,
        (_case((5, 37), approximate=False), _case((5, 37), approximate=True)),
        ulps=3,
        ulps_of_input=True,
    ),
    Operator(
        named("SOFTMAX"),
        softmax.attributes,
        _TYPES,
        _softmax,
        (_case((3, 10), beta=1.0), _case((1, 4, 3, 7), beta=0.7)),
        ulps=6,
    ),
    Operator(named("LOG_SOFTMAX"), log_softmax.attributes, _TYPES, _log_softmax, _ROWS, ulps=2),
    Operator(named("L2_NORMALIZATION"), l2_normalization.attributes, _TYPES, _l2_normalization, _ROWS),
)
