"""EXP, GELU and LOG: functions that LiteRT tabulates for int8, as it does LOGISTIC and TANH.

Real: GELU ``in / 2 · (1 + erf(in / √2))``, or approximately
``in / 2 · (1 + tanh(√(2/π) · (in + 0.044715 · in³)))``; LOG has the output's least value where the input is not
positive.
Integer: for each of the 256 inputs, in single precision: ``x = s_in · (q - z_in)``, the function step by step, then
``clamp(round(f(x) / s_out) + z_out)``, halves away from zero. Where ``f(x) / s_out`` is past int32, LiteRT's conversion
is undefined, and the layer is refused.
Source: TFLite ``activations.cc`` (``GeluPrepare``), ``exp.cc``, ``elementwise.cc`` (``LogLUTPrepare``),
``reference/gelu.h``, ``LUTPopulate``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.unary import dequantized, quantized_like_a_table, same_shape

_ONE, _HALF = np.float32(1), np.float32(0.5)


@dataclass(frozen=True, slots=True)
class Gelu:
    """Attributes of GELU."""

    approximate: bool


def no_attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    return None


def gelu_attributes(options: Mapping[str, Any], _layer: Layer) -> Gelu:
    return Gelu(bool(options.get("approximate", False)))


def _single(function: Callable[[Array], Array], x: Array) -> Array:
    """``function`` of float32 values, correctly rounded, as the C library's single precision is but for a hair."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        rounded: Array = function(x.astype(np.float64)).astype(np.float32)
    return rounded


_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _exp(x: Array, _layer: Layer) -> Array:
    return _single(np.exp, x)


def _gelu(x: Array, layer: Layer) -> Array:
    if not layer.attributes.approximate:
        within: Array = _single(_erfc, x * np.float32(-math.sqrt(0.5)))  # 1 + erf(x / √2), rounded once
        exactly: Array = _HALF * x * within
        return exactly
    with np.errstate(over="ignore"):
        argument = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    approximately: Array = _HALF * x * (_ONE + _single(np.tanh, argument))
    return approximately


def _log(x: Array, layer: Layer) -> Array:
    y = layer.output.type
    least = np.float32(-128 - y.zero_point) * np.float32(y.scale)
    return np.where(x > 0, _single(np.log, x), least)


FUNCTIONS: Mapping[str, Callable[[Array, Layer], Array]] = {"EXP": _exp, "GELU": _gelu, "LOG": _log}


def values_fit_int32(layer: Layer) -> str | None:
    """no value of the function is 2**31 steps of the output or more"""
    x, y = layer.input(0).type, layer.output.type
    values = FUNCTIONS[layer.op](dequantized(np.array([-128, 127], np.int8), x), layer)
    with np.errstate(over="ignore"):
        steps = float(np.abs(values * (_ONE / np.float32(y.scale))).max())
    return None if steps < 2**31 - 256 else f"the function reaches {steps:.3g} steps of the output"


def output_is_not_too_fine(layer: Layer) -> str | None:
    """the output's scale is at least 2**-14: finer ones show in which C library LiteRT's erf and tanh were rounded"""
    scale = layer.output.type.scale
    return None if scale >= 2**-14 else f"the output's scale is {scale:g}, too fine for the last bits of erf and tanh"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    x = dequantized(inputs[0], layer.input(0).type)
    return (quantized_like_a_table(FUNCTIONS[layer.op](x, layer), layer.output.type),)


def _case(
    name: str,
    scales: tuple[float, float],
    zero_points: tuple[int, int] = (-7, -20),
    options: Mapping[str, Any] | None = None,
    shape: tuple[int, ...] = (256,),
) -> Case:
    operands = [Operand(shape, scale, zero) for scale, zero in zip(scales, zero_points, strict=True)]
    return Case(name, (operands[0],), (operands[1],), options or {})


_SIGNED = (
    _case("usual", (0.05, 0.04), shape=(1, 5, 3, 7)),
    _case("steep", (0.7, 0.3), (3, -120)),
    _case("flat", (1e-4, 1e-4), (0, 0)),
    _case("zero_points_at_the_ends", (0.04, 0.03), (-128, 127)),
    _case("zero_points_at_the_other_ends", (0.04, 0.03), (127, -128)),
    _case("fine_output", (0.05, 1e-4)),
    _case("ties", (0.05, 0.08)),
)
_POSITIVE = (
    _case("usual", (0.03, 0.1), (-100, -128), shape=(1, 5, 3, 7)),
    _case("negative_inputs", (0.03, 0.01), (0, 0)),
    _case("least_zero_points", (0.02, 0.04), (-128, -128)),
    _case("greatest_zero_points", (0.02, 0.04), (127, 127)),
    _case("fine_output", (0.05, 1e-5), (-30, 4)),
)
_CASES: Mapping[str, tuple[Case, ...]] = {
    "EXP": _POSITIVE,
    "GELU": (
        *_SIGNED,
        *(Case(f"approximate_{case.name}", case.inputs, case.outputs, {"approximate": True}) for case in _SIGNED),
    ),
    "LOG": _POSITIVE,
}

OPERATORS = tuple(
    Operator(
        name,
        gelu_attributes if name == "GELU" else no_attributes,
        (
            rules.quantized_activations((0,)),
            same_shape,
            values_fit_int32,
            *((output_is_not_too_fine,) if name == "GELU" else ()),
        ),
        reference,
        _CASES[name],
        of_a_byte=True,
    )
    for name in FUNCTIONS
)
