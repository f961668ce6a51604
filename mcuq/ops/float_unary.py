"""ABS, NEG, SQUARE, SQRT, RSQRT, FLOOR, SIGN, HARD_SWISH, EXP, LOG, TANH, LOGISTIC, SIN and COS of float32.

Single precision, each operation rounded once. EXP, LOG, TANH, SIN, COS and the exp in LOGISTIC are computed in double
precision (``firmware/kernels/mcuq_real.h``) and rounded: the same bytes on every core. LiteRT calls the C library for
them, whose last places differ from one to the next.
HARD_SWISH: ``x · min(max(x + 3, 0), 6) / 6``. CEIL, ROUND and ELU are not among LiteRT's reference kernels, so there
is nothing to hold them to.
Source: TFLite ``reference_ops``, ``elementwise.cc``, ``activations.cc``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import real_functions as real
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.floats import named, real_tensors
from mcuq.ops.unary import same_shape

LOGISTIC_LOW, LOGISTIC_HIGH = -9.0, 16.619047164916992
"""Below the one LOGISTIC is exp, above the other 1."""
_ONE = np.float32(1)


def _logistic(x: Array) -> Array:
    usual = _ONE / (_ONE + real.exp(-x.astype(np.float64)).astype(np.float32))
    return np.where(x > LOGISTIC_HIGH, _ONE, np.where(x < LOGISTIC_LOW, real.exp(x).astype(np.float32), usual))


def _hard_swish(x: Array) -> Array:
    found: Array = x * np.minimum(np.maximum(x + np.float32(3), np.float32(0)), np.float32(6)) / np.float32(6)
    return found


def _sign(x: Array) -> Array:
    return np.where(np.isnan(x), np.float32(np.nan), np.sign(x))


EXACT: dict[str, Callable[[Array], Array]] = {
    "ABS": np.abs,
    "NEG": np.negative,
    "SQUARE": np.square,
    "SQRT": np.sqrt,
    "RSQRT": lambda x: _ONE / np.sqrt(x),
    "FLOOR": np.floor,
    "SIGN": _sign,
    "HARD_SWISH": _hard_swish,
}
OF_LIBRARIES: dict[str, tuple[Callable[[Array], Array], int]] = {
    "EXP": (real.exp, 1),
    "LOG": (real.log, 1),
    "TANH": (real.tanh, 2),
    "LOGISTIC": (_logistic, 2),
    "SIN": (real.sin, 1),
    "COS": (real.cos, 1),
}
"""With the units in the last place by which LiteRT was seen to differ."""
_FUNCTIONS = {named(op): function for op, function in EXACT.items()}
_FUNCTIONS |= {named(op): function for op, (function, _) in OF_LIBRARIES.items()}
_LEAST = {"SQRT": 0, "LOG": 0, "RSQRT": 0}


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    with np.errstate(all="ignore"):
        return (_FUNCTIONS[layer.op](inputs[0]).astype(np.float32),)


def _cases(op: str) -> tuple[Case, ...]:
    shapes = ((2, 37), (1, 5, 3, 7)) if op in OF_LIBRARIES else ((2, 37),)
    x = [Operand(shape, dtype=DType.FLOAT32, least=_LEAST.get(op)) for shape in shapes]
    return tuple(Case(f"rank_{len(one.shape)}", (one,), (Operand(one.shape, dtype=DType.FLOAT32),)) for one in x)


def _operator(op: str) -> Operator:
    ulps = OF_LIBRARIES[op][1] if op in OF_LIBRARIES else 0
    return Operator(named(op), attributes, (real_tensors(0), same_shape), reference, _cases(op), ulps=ulps)


OPERATORS = tuple(_operator(op) for op in (*EXACT, *OF_LIBRARIES))
