"""SVDF: a fully connected layer over time, whose filters are each a product of a feature and a time filter.

``a[f] = Σ_i in[i] · feature[f,i]`` is kept for as many inferences as ``memory`` has places, the newest last, and
``out[u] = b[u] + Σ_{f of u} Σ_m memory[f,m] · time[f,m]``, where each unit u has ``rank`` filters.

Integer: int8 data and feature weights, int16 memory and time weights. ``a = requantize(Σ (q_in - z_in) · q_w)``,
saturated to int16; ``out = clamp(z_out + requantize(b[u] + Σ memory · time))``. Both round twice; the
factors are computed in single precision. The second sum wraps at 32 bits, as LiteRT's does. The memory is a state.
Inputs: data, feature weights, time weights, bias, memory.
Source: TFLite ``svdf.cc`` and ``reference_ops::EvalIntegerSVDF``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.activation import Activation
from mcuq.ops.base import Array, Case, Operand, Operator

FEATURE, TIME, BIAS, MEMORY = 1, 2, 3, 4
_DTYPES = {0: DType.INT8, FEATURE: DType.INT8, TIME: DType.INT16, MEMORY: DType.INT16}


@dataclass(frozen=True, slots=True)
class Svdf:
    """Attributes of SVDF: filters of a unit."""

    rank: int
    activation: Activation


def attributes(options: Mapping[str, Any], _layer: Layer) -> Svdf:
    return Svdf(int(options.get("rank", 0)), Activation(options.get("fused_activation_function", 0)))


def types_fit(layer: Layer) -> str | None:
    """data, feature weights and output are int8, time weights and memory int16, each with one scale; no zero point but
    the data's and the output's"""
    for index, dtype in _DTYPES.items():
        tensor = layer.optional_input(index)
        if tensor is None or tensor.type.dtype is not dtype:
            return f"input {index} is {tensor and tensor.type.dtype.value}, {dtype.value} is needed"
        if tensor.type.quantization is None or tensor.type.quantization.per_channel:
            return f"input {index} is not quantized with one scale"
        if index and tensor.type.zero_point:
            return f"input {index} has a zero point other than 0"
    bias = layer.optional_input(BIAS)
    if bias is not None and (bias.type.dtype is not DType.INT32 or not bias.constant):
        return "the bias is no int32 constant"
    output = layer.output.type
    if output.dtype is not DType.INT8 or output.quantization is None or output.quantization.per_channel:
        return f"the output is {output.dtype.value}, int8 with one scale is needed"
    states = tuple(tensor.name for tensor in layer.outputs[1:])
    return None if states == (layer.input(MEMORY).name,) else "the memory is no variable"


def shapes_agree(layer: Layer) -> str | None:
    """filters x inputs, filters x places, a bias for each unit, and a memory of places for each filter"""
    a: Svdf = layer.attributes
    (batch, depth), (filters, of_input) = layer.input(0).shape, layer.input(FEATURE).shape
    of_filters, places = layer.input(TIME).shape
    units = filters // a.rank
    bias = layer.optional_input(BIAS)
    fits = (
        units * a.rank == filters == of_filters
        and of_input == depth
        and layer.output.shape == (batch, units)
        and layer.input(MEMORY).type.elements == batch * filters * places
        and (bias is None or bias.shape == (units,))
    )
    return None if fits else f"{filters} filters of rank {a.rank} do not fit data, weights, memory or output"


def feature_requantization(layer: Layer) -> tuple[int, int]:
    return _requantization(layer.input(0).type.scale, layer.input(FEATURE).type.scale, layer.input(MEMORY).type.scale)


def time_requantization(layer: Layer) -> tuple[int, int]:
    return _requantization(layer.input(MEMORY).type.scale, layer.input(TIME).type.scale, layer.output.type.scale)


def _requantization(first: float, second: float, result: float) -> tuple[int, int]:
    return quantize_multiplier(float(np.float32(first) * np.float32(second) / np.float32(result)))


def bias_of(layer: Layer) -> Array:
    bias = layer.optional_input(BIAS)
    if bias is None or bias.data is None:
        return np.zeros(layer.output.shape[1], np.int32)
    return bias.data


def accumulators_fit_int32(layer: Layer) -> str | None:
    """the sum over features stays within int32 for every input, also when shifted left; the other is scaled down"""
    feature = layer.input(FEATURE).data
    assert feature is not None
    _, shift = feature_requantization(layer)
    reach = 256 * float(np.abs(feature.astype(np.int64)).sum(axis=1).max(initial=0)) * 2.0 ** max(shift, 0)
    if reach >= 2**31:
        return f"a sum of features may reach {reach:.0f} before its scaling, past int32"
    return None if time_requantization(layer)[1] <= 0 else "the output's scale is too fine for the memory's"


def activation_is_relu(layer: Layer) -> str | None:
    """the fused activation is RELU, as LiteRT asks for; the output's range alone does the clamping"""
    a: Svdf = layer.attributes
    return None if a.activation is Activation.RELU else f"the fused activation is {a.activation.name}, not RELU"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Svdf = layer.attributes
    x, feature, time, memory = inputs[0], inputs[FEATURE], inputs[TIME], inputs[MEMORY]
    assert x is not None and feature is not None and time is not None and memory is not None
    batch, (filters, places) = x.shape[0], time.shape
    products = (x.astype(np.int64) - layer.input(0).type.zero_point) @ feature.astype(np.int64).T
    newest = np.clip(requantize_double(products, *feature_requantization(layer)), -32768, 32767)
    kept = memory.reshape(batch, filters, places).astype(np.int64)
    kept = np.concatenate([kept[:, :, 1:], newest[:, :, np.newaxis]], axis=2)
    sums = (kept * time).sum(axis=2).reshape(batch, -1, a.rank).sum(axis=2) + bias_of(layer)
    wrapped = sums.astype(np.int32).astype(np.int64)
    scaled = requantize_double(wrapped, *time_requantization(layer)) + layer.output.type.zero_point
    return np.clip(scaled, -128, 127).astype(np.int8), kept.reshape(memory.shape).astype(np.int16)


def case(
    name: str,
    shape: tuple[int, int],
    units: int,
    rank: int,
    places: int,
    *,
    zero_points: tuple[int, int] = (-7, 5),
    scales: tuple[float, float, float] = (0.03, 0.002, 0.05),
    bias: bool = True,
    time: int = 8000,
) -> Case:
    """``scales`` are those of data, memory and output; ``time`` bounds the time weights."""
    filters, time_scale = units * rank, 0.0001
    weights = np.random.default_rng(units).integers(-time // 8, time, (filters, places)).tolist()
    bias_operand = Operand((units,), scales[1] * time_scale, dtype=DType.INT32, data="random")
    return Case(
        name,
        (
            Operand(shape, scales[0], zero_points[0]),
            Operand((filters, shape[1]), 0.005, data="random"),
            Operand((filters, places), time_scale, dtype=DType.INT16, data=weights),
            bias_operand if bias else None,
            Operand((shape[0], filters * places), scales[1], dtype=DType.INT16, data="state"),
        ),
        (Operand((shape[0], units), scales[2], zero_points[1]),),
        {"rank": rank, "fused_activation_function": int(Activation.RELU)},
    )


CASES = (
    case("rank_1", (1, 10), 6, 1, 5),
    case("rank_2", (1, 7), 4, 2, 8, zero_points=(127, -128)),
    case("batch_2_no_bias", (2, 5), 3, 3, 4, bias=False),
    case("one_place", (1, 3), 1, 1, 1, zero_points=(-128, 127)),
    case("sums_wrap", (1, 16), 4, 2, 12, scales=(0.5, 0.00002, 3.0), time=32767),
    case("memory_saturates", (1, 16), 8, 1, 3, scales=(0.5, 0.00002, 3.0)),
)

OPERATORS = (
    Operator(
        "SVDF",
        attributes,
        (
            types_fit,
            rules.constant_input(FEATURE, "feature weights"),
            rules.constant_input(TIME, "time weights"),
            shapes_agree,
            accumulators_fit_int32,
            activation_is_relu,
        ),
        reference,
        CASES,
        keeps_state=True,
    ),
)
