"""SUM: the sum over some axes, int8, as LiteRT's reference kernel has it, which reads int8 as uint8.

Integer, all bytes read as 0 .. 255: ``clamp(z_out + requantize(Σ q_in - z_in · count, s_in / s_out))`` to 0 .. 255 with
two roundings, the factor in double precision. That is the sum only where every byte, and the result, is at least 0
(seen in LiteRT 2.3; its other kernels read int8). MEAN has no such defect.
Source: TFLite ``reduce.cc`` (``EvalSum``) and ``reference_ops::QuantizedMeanOrSum``; bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.mean import attributes, axes_are_int32, count, shapes_agree


def requantization(layer: Layer) -> tuple[int, int]:
    """Multiplier and shift from the input's scale to the output's."""
    return quantize_multiplier(layer.input(0).type.scale / layer.output.type.scale)


def accumulator_fits_int32(layer: Layer) -> str | None:
    """the sum stays within int32 for every input, also when shifted left for its scaling"""
    reach = (383 * count(layer)) << max(0, requantization(layer)[1])
    return None if reach < 2**31 else f"the sum may reach {reach} before its scaling, past int32"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    total = np.ascontiguousarray(inputs[0]).view(np.uint8).astype(np.int64).sum(axis=layer.attributes.axes)
    total = total - layer.input(0).type.zero_point * count(layer)
    scaled = requantize_double(total, *requantization(layer)) + layer.output.type.zero_point
    return (np.clip(scaled, 0, 255).astype(np.uint8).view(np.int8).reshape(layer.output.shape),)


def _case(
    name: str,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    output: tuple[int, ...],
    *,
    keep: bool = False,
    scales: tuple[float, float] = (0.03, 0.5),
    zero_points: tuple[int, int] = (-7, 5),
) -> Case:
    x, y = Operand(shape, scales[0], zero_points[0]), Operand(output, scales[1], zero_points[1])
    return Case(name, (x, Operand((len(axes),), dtype=DType.INT32, data=axes)), (y,), {"keep_dims": keep})


CASES = (
    _case("spatial", (1, 7, 5, 9), (1, 2), (1, 9), scales=(0.03, 1.0)),
    _case("channels_keep_dims", (1, 6, 4, 5), (-1,), (1, 6, 4, 1), keep=True),
    _case("alternating", (3, 4, 2, 5), (1, 3), (3, 2), zero_points=(-128, -128)),
    _case("everything", (2, 3, 4, 5), (0, 1, 2, 3), (), scales=(0.03, 3.0)),
    _case("same_quantization", (2, 3, 4), (2,), (2, 3), scales=(0.05, 0.05), zero_points=(3, 3)),
    _case("finer_output", (20, 2), (1,), (20,), scales=(0.05, 0.031), zero_points=(127, 127)),
)

OPERATORS = (
    Operator(
        "SUM",
        attributes,
        (
            rules.quantized_activations((0,)),
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
