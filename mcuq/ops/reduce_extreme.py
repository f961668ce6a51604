"""REDUCE_MAX and REDUCE_MIN of int8, REDUCE_ANY and REDUCE_ALL of bool: the greatest or least over some axes.

Integer: the greatest (MAX, ANY) or least (MIN, ALL) byte; input and output have the same quantization.
Source: TFLite ``reduce.cc`` and ``reference_ops::ReduceGeneric``.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.mean import attributes, axes_are_int32, shapes_agree

OF_INT8 = ("REDUCE_MAX", "REDUCE_MIN")
OF_BOOL = ("REDUCE_ANY", "REDUCE_ALL")
GREATEST = ("REDUCE_MAX", "REDUCE_ANY")


def same_quantization(layer: Layer) -> str | None:
    """input and output have the same scale and zero point"""
    x, y = layer.input(0).type, layer.output.type
    if x.quantization == y.quantization:
        return None
    return f"the input has scale {x.scale:g} and zero point {x.zero_point}, the output {y.scale:g} and {y.zero_point}"


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    axes = layer.attributes.axes
    found: Array = inputs[0].max(axis=axes) if layer.op in GREATEST else inputs[0].min(axis=axes)
    return (found.reshape(layer.output.shape),)


def _case(
    name: str, operand: Operand, shape: tuple[int, ...], axes: tuple[int, ...], output: tuple[int, ...], keep: bool
) -> Case:
    x, y = (Operand(found, operand.scale, operand.zero_point, operand.dtype) for found in (shape, output))
    return Case(name, (x, Operand((len(axes),), dtype=DType.INT32, data=axes)), (y,), {"keep_dims": keep})


def _cases(operand: Operand) -> tuple[Case, ...]:
    return (
        _case("spatial", operand, (1, 7, 5, 9), (1, 2), (1, 9), keep=False),
        _case("spatial_keeps_dims", operand, (1, 7, 5, 9), (1, 2), (1, 1, 1, 9), keep=True),
        _case("channels", operand, (1, 6, 4, 5), (-1,), (1, 6, 4), keep=False),
        _case("alternating_and_repeated", operand, (3, 4, 2, 5), (1, 3, -1), (3, 2), keep=False),
        _case("everything", operand, (2, 3, 4, 5), (0, 1, 2, 3), (), keep=False),
        _case("rank_6_alternating", operand, (2, 3, 2, 3, 2, 3), (0, 2, 4), (3, 3, 3), keep=False),
    )


OPERATORS = (
    *(
        Operator(
            name,
            attributes,
            (
                rules.quantized_activations((0,)),
                same_quantization,
                rules.constant_input(1, "the axes"),
                axes_are_int32,
                rules.rank(0, (1, 2, 3, 4, 5, 6), "the input"),
                shapes_agree,
            ),
            reference,
            _cases(Operand((), 0.05, -7)),
        )
        for name in OF_INT8
    ),
    *(
        Operator(
            name,
            attributes,
            (
                rules.element_types((0,), (DType.BOOL,), (DType.BOOL,)),
                rules.constant_input(1, "the axes"),
                axes_are_int32,
                rules.rank(0, (1, 2, 3, 4, 5, 6), "the input"),
                shapes_agree,
            ),
            reference,
            _cases(Operand((), dtype=DType.BOOL)),
        )
        for name in OF_BOOL
    ),
)
