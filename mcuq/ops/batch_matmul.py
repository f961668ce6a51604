"""BATCH_MATMUL: ``out[b,r,c] = Σ_i left[b,r,i] · right[b,i,c]``, matrices of the last two axes, batches broadcast.

``adj_x`` and ``adj_y``: the matrices on the left, on the right, lie transposed in memory.

Integer: accumulator ``a = Σ (q_left - z_left) · (q_right - z_right)`` in int32, then
``clamp(z_out + requantize(a, m, s))`` with two roundings, and
``m · 2**(s-31) = (s_left · s_right) / s_out``, the product in single precision.
Source: TFLite ``batch_matmul.cc`` and ``reference_ops::BatchMatMul``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.elementwise import Loop, broadcast_loops, broadcast_shape

MAX_BATCH_LOOPS = 3


@dataclass(frozen=True, slots=True)
class BatchMatmul:
    """Attributes of BATCH_MATMUL: ``rows`` x ``depth`` times ``depth`` x ``columns``; ``batches`` step in matrices."""

    rows: int
    depth: int
    columns: int
    transposed_left: bool
    transposed_right: bool
    batches: tuple[Loop, ...]
    shape: tuple[int, ...]


def attributes(options: Mapping[str, Any], layer: Layer) -> BatchMatmul:
    left, right = layer.input(0).shape, layer.input(1).shape
    adj_x, adj_y = bool(options.get("adj_x", False)), bool(options.get("adj_y", False))
    depth, rows = left[-2:] if adj_x else left[:-3:-1]
    columns, of_right = right[-2:] if adj_y else right[:-3:-1]
    if depth != of_right:
        raise ValueError(f"a depth of {depth} on the left, of {of_right} on the right")
    shape = (*broadcast_shape(left[:-2], right[:-2]), rows, columns)
    return BatchMatmul(rows, depth, columns, adj_x, adj_y, broadcast_loops(left[:-2], right[:-2]), shape)


def shapes_agree(layer: Layer) -> str | None:
    """the output has the batches that broadcasting gives, the left's rows and the right's columns"""
    a: BatchMatmul = layer.attributes
    if layer.output.shape != a.shape:
        return f"the output is {layer.output.shape}, the inputs give {a.shape}"
    found = len(a.batches)
    return None if found <= MAX_BATCH_LOOPS else f"broadcasting batches takes {found} loops, {MAX_BATCH_LOOPS} at most"


def requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift."""
    with np.errstate(over="ignore"):  # an infinite factor is refused
        product = np.float32(layer.input(0).type.scale) * np.float32(layer.input(1).type.scale)
    return quantize_multiplier(float(product) / layer.output.type.scale)


def accumulator_fits_int32(layer: Layer) -> str | None:
    """the depth is at most 33,025, less where the sum is shifted left for its scaling: it stays within int32"""
    _, shift = requantization(layer)
    reach = 255 * 255 * layer.attributes.depth * 2.0 ** max(shift, 0)
    return None if reach < 2**31 else f"the accumulator may reach {reach:.0f} before its scaling, past int32"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: BatchMatmul = layer.attributes
    left, right = inputs[0], inputs[1]
    assert left is not None and right is not None
    wide = left.astype(np.int64) - layer.input(0).type.zero_point
    other = right.astype(np.int64) - layer.input(1).type.zero_point
    wide = np.swapaxes(wide, -1, -2) if a.transposed_left else wide
    other = np.swapaxes(other, -1, -2) if a.transposed_right else other
    scaled = requantize_double(np.matmul(wide, other), *requantization(layer)) + layer.output.type.zero_point
    return (np.clip(scaled, -128, 127).astype(np.int8),)


def case(
    name: str,
    left: tuple[int, ...],
    right: tuple[int, ...],
    *,
    adj_x: bool = False,
    adj_y: bool = False,
    zero_points: tuple[int, int, int] = (-7, 5, 3),
    scales: tuple[float, float, float] = (0.0513, 0.0297, 0.11),
    constant: bool = False,
) -> Case:
    rows, columns = left[-1 if adj_x else -2], right[-2 if adj_y else -1]
    shape = (*broadcast_shape(left[:-2], right[:-2]), rows, columns)
    return Case(
        name,
        (
            Operand(left, scales[0], zero_points[0]),
            Operand(right, scales[1], zero_points[1], data="random" if constant else None),
        ),
        (Operand(shape, scales[2], zero_points[2]),),
        {"adj_x": adj_x, "adj_y": adj_y},
    )


CASES = (
    case("two_matrices", (5, 7), (7, 3)),
    case("heads", (1, 2, 6, 8), (1, 2, 8, 6)),
    case("adj_y", (1, 3, 5, 9), (1, 3, 4, 9), adj_y=True, zero_points=(-128, 127, -128)),
    case("adj_x", (2, 9, 5), (2, 9, 4), adj_x=True),
    case("both_adjoint_constant", (2, 9, 5), (4, 9), adj_x=True, adj_y=True, constant=True),
    case("constant", (1, 4, 16), (1, 16, 5), constant=True, zero_points=(127, 0, 5)),
    case("broadcast", (2, 1, 3, 4), (3, 4, 5), scales=(0.05, 0.03, 1e-5)),
    case("ties", (16, 1), (1, 40), scales=(0.03, 0.00207, float(np.float32(0.03) * np.float32(0.00207)) * 64)),
    case("coarse", (16, 2), (2, 40), scales=(0.0513, 0.00207, 2.5), zero_points=(0, 0, 0)),
)

OPERATORS = (
    Operator(
        "BATCH_MATMUL",
        attributes,
        (rules.quantized_activations((0, 1)), shapes_agree, accumulator_fits_int32),
        reference,
        CASES,
    ),
)
