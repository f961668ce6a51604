"""MEAN: the mean over some axes. ``out = Σ in / count``, ``count`` the elements that go into one output.

Integer: ``clamp(z_out + requantize(Σ q_in - z_in · count, m, s))`` with two roundings; in ``m`` and ``s`` is division
by ``count``: with ``m0 · 2**(s0-31) = s_in / s_out`` in double precision, ``m = ⌊m0 · 2**k / count⌋``, ``s = s0 - k``,
where ``2**k`` is the greatest power of two that is no greater than ``count`` (and leaves ``s`` at least -31).
Source: TFLite ``reference_ops::QuantizedMeanOrSum``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator


@dataclass(frozen=True, slots=True)
class Mean:
    """Attributes of MEAN. ``axes`` are the axes of the input that are averaged over: ascending, none twice."""

    axes: tuple[int, ...]
    keep_dims: bool


def attributes(options: Mapping[str, Any], layer: Layer) -> Mean:
    rank, axes = len(layer.input(0).shape), layer.input(1).data
    if axes is None:
        return Mean((), False)
    found = [int(axis) for axis in axes.reshape(-1)]
    if any(not -rank <= axis < rank for axis in found):
        raise ValueError(f"axes {found} of an input of {rank} dimensions")
    return Mean(tuple(sorted({axis % rank for axis in found})), bool(options.get("keep_dims", False)))


def axes_are_int32(layer: Layer) -> str | None:
    """the axes are int32"""
    axes = layer.input(1).type
    return None if axes.dtype is DType.INT32 else f"the axes are {axes.dtype.value}, int32 is needed"


def shapes_agree(layer: Layer) -> str | None:
    """the output's shape is the input's without the averaged axes, or with ones in their place"""
    a: Mean = layer.attributes
    shape = layer.input(0).shape
    kept = tuple(size for axis, size in enumerate(shape) if axis not in a.axes)
    expected = tuple(1 if axis in a.axes else size for axis, size in enumerate(shape)) if a.keep_dims else kept
    return None if layer.output.shape == expected else f"the output is {layer.output.shape}, not {expected}"


def count(layer: Layer) -> int:
    """How many elements go into one output."""
    return math.prod(layer.input(0).shape[axis] for axis in layer.attributes.axes)


def requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift, the division by the count in them."""
    multiplier, shift = quantize_multiplier(layer.input(0).type.scale / layer.output.type.scale)
    elements = count(layer)
    folded = min(elements.bit_length() - 1, 32, 31 + shift)
    return (multiplier << folded) // elements, shift - folded


def accumulator_fits_int32(layer: Layer) -> str | None:
    """the sum stays within int32 for every input, also when shifted left for its scaling"""
    reach = ((32768 if rules.is_wide(layer) else 256) * count(layer)) << max(0, requantization(layer)[1])
    return None if reach < 2**31 else f"the sum may reach {reach} before its scaling, past int32"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Mean = layer.attributes
    x = inputs[0]
    assert x is not None
    total = x.astype(np.int64).sum(axis=a.axes) - layer.input(0).type.zero_point * count(layer)
    scaled = requantize_double(total, *requantization(layer)) + layer.output.type.zero_point
    dtype = layer.output.type.dtype
    limits = np.iinfo(dtype.value)
    return (np.clip(scaled, limits.min, limits.max).astype(dtype.numpy).reshape(layer.output.shape),)


def _case(
    name: str,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    output: tuple[int, ...],
    *,
    keep: bool = False,
    scales: tuple[float, float] = (0.03, 0.017),
    zero_points: tuple[int, int] = (-7, 5),
    dtype: DType = DType.INT8,
) -> Case:
    return Case(
        name,
        (Operand(shape, scales[0], zero_points[0], dtype), Operand((len(axes),), dtype=DType.INT32, data=axes)),
        (Operand(output, scales[1], zero_points[1], dtype),),
        {"keep_dims": keep},
    )


CASES = (
    _case("spatial", (1, 7, 5, 9), (1, 2), (1, 9)),
    _case("spatial_keeps_dims", (1, 7, 5, 9), (1, 2), (1, 1, 1, 9), keep=True),
    _case("spatial_of_many", (1, 17, 16, 6), (1, 2), (1, 6)),
    _case("spatial_power_of_two", (1, 8, 8, 64), (1, 2), (1, 64)),
    _case("spatial_of_256_17_channels", (1, 16, 16, 17), (1, 2), (1, 17), scales=(0.03, 0.005)),
    _case("spatial_of_257", (1, 257, 1, 5), (1, 2), (1, 5), scales=(0.03, 0.005)),
    _case("spatial_equal_quantization", (1, 7, 5, 9), (1, 2), (1, 9), scales=(0.03, 0.03), zero_points=(-7, -7)),
    _case("equal_quantization_kept", (1, 7, 5, 9), (2, 1), (1, 1, 1, 9), keep=True, scales=(0.03, 0.03)),
    _case("negative_axes", (2, 3, 4, 5), (-3, -2), (2, 5)),
    _case("repeated_axis", (2, 3, 4, 5), (1, -3), (2, 4, 5)),
    _case("height", (2, 6, 4, 5), (1,), (2, 4, 5)),
    _case("width", (2, 6, 4, 5), (2,), (2, 6, 5)),
    _case("channels", (1, 6, 4, 5), (-1,), (1, 6, 4, 1), keep=True),
    _case("batch", (5, 3, 2, 4), (0,), (3, 2, 4)),
    _case("outer_and_inner", (3, 4, 2, 5), (0, 3), (4, 2)),
    _case("alternating", (3, 4, 2, 5), (1, 3), (3, 2)),
    _case("alternating_from_the_first", (3, 4, 2, 5), (0, 2), (4, 5)),
    _case("everything", (2, 3, 4, 5), (0, 1, 2, 3), ()),
    _case("everything_keeps_dims", (2, 3, 4, 5), (0, 1, 2, 3), (1, 1, 1, 1), keep=True),
    _case("rank_1", (37,), (0,), (1,), keep=True),
    _case("rank_2", (1, 50), (1,), (1,)),
    _case("rank_3", (1, 20, 6), (1,), (1, 6)),
    _case("rank_5", (2, 3, 2, 3, 4), (1, 3), (2, 2, 4)),
    _case("rank_6_alternating", (2, 3, 2, 3, 2, 3), (0, 2, 4), (3, 3, 3)),
    _case("one_element", (1, 1, 1, 6), (1, 2), (1, 6)),
    _case("zero_points_at_the_ends", (1, 5, 5, 4), (1, 2), (1, 4), zero_points=(-128, 127)),
    _case("zero_points_at_the_other_ends", (1, 5, 5, 4), (1, 2), (1, 4), zero_points=(127, -128)),
    _case("factor_above_one", (1, 3, 3, 4), (1, 2), (1, 4), scales=(0.5, 0.0031)),
    _case("factor_far_above_one", (1, 1, 3, 4), (1, 2), (1, 4), scales=(0.5, 0.00001)),
    _case("tiny_factor", (1, 9, 9, 4), (1, 2), (1, 4), scales=(1e-9, 1.0)),
    _case("vanishing_factor", (1, 9, 9, 4), (1, 2), (1, 4), scales=(1e-11, 1.0)),
    _case("int16_spatial", (1, 7, 5, 9), (1, 2), (1, 9), zero_points=(0, 0), dtype=DType.INT16),
    _case("int16_channels", (2, 3, 4, 5), (3,), (2, 3, 4), zero_points=(0, 0), dtype=DType.INT16, scales=(0.01, 0.01)),
)

OPERATORS = (
    Operator(
        "MEAN",
        attributes,
        (
            rules.int8_or_int16_activations,
            rules.constant_input(1, "the axes"),
            axes_are_int32,
            rules.rank(0, (1, 2, 3, 4, 5, 6), "the input"),
            shapes_agree,
            accumulator_fits_int32,
        ),
        reference,
        CASES,
    ),
)
