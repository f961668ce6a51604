"""L2_NORMALIZATION: ``out = in / √Σ in²`` along the last axis, int8; the output has scale 1/128 and zero point 0.

Integer, with ``x = q - z_in``: ``clamp(requantize(x, 128 / √Σ x²))`` with two roundings, the inverse root by Newton's
method; a sum of 0 counts as 1.
Source: TFLite ``reference_integer_ops::L2Normalization`` and ``l2norm.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import requantize_double
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.activation import Activation
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.fixed_point_functions import inverse_square_root
from mcuq.ops.unary import same_shape

MAX_DEPTH = (2**31 - 1) // 255**2
"""So many squares of differences of int8 values stay within int32."""
OUTPUT_SHIFT = 7


@dataclass(frozen=True, slots=True)
class L2Normalization:
    """Attributes of L2_NORMALIZATION."""

    activation: Activation


def attributes(options: Mapping[str, Any], _layer: Layer) -> L2Normalization:
    return L2Normalization(Activation(options.get("fused_activation_function", 0)))


def no_activation(layer: Layer) -> str | None:
    """there is no fused activation"""
    found = layer.attributes.activation
    return None if found is Activation.NONE else f"fused activation {found.name}"


def output_is_128ths(layer: Layer) -> str | None:
    """the output has scale 1/128 and zero point 0"""
    y = layer.output.type
    if (y.scale, y.zero_point) == (1 / 128, 0):
        return None
    return f"the output has scale {y.scale:g} and zero point {y.zero_point}"


def rows_are_short(layer: Layer) -> str | None:
    """the last axis exists and has at most 33,025 elements, so that the sum of squares fits int32"""
    shape = layer.input(0).shape
    if not shape:
        return "the input has no axis"
    return None if shape[-1] <= MAX_DEPTH else f"the last axis has {shape[-1]} elements"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    rows = inputs[0].astype(np.int64).reshape(-1, layer.input(0).shape[-1]) - layer.input(0).type.zero_point
    roots = [inverse_square_root(int(total)) for total in (rows**2).sum(axis=1)]
    multipliers, shifts = np.array(roots, np.int64).T[:, :, np.newaxis]
    scaled = requantize_double(rows, multipliers, shifts + OUTPUT_SHIFT)
    return (np.clip(scaled, -128, 127).astype(np.int8).reshape(layer.output.shape),)


def _case(name: str, shape: tuple[int, ...], zero_point: int = -7) -> Case:
    return Case(name, (Operand(shape, 0.05, zero_point),), (Operand(shape, 1 / 128, 0),))


CASES = (
    _case("embedding", (1, 64)),
    _case("two_elements", (300, 2), 0),
    _case("one_element", (64, 1), 3),
    _case("rank_4", (1, 5, 3, 7), -128),
    _case("long_rows", (2, 999), 127),
)

OPERATORS = (
    Operator(
        "L2_NORMALIZATION",
        attributes,
        (
            rules.quantized_activations((0,)),
            same_shape,
            rules.rank(0, (1, 2, 3, 4), "the input"),
            no_activation,
            output_is_128ths,
            rows_are_short,
        ),
        reference,
        CASES,
    ),
)
