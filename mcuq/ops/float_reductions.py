"""AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, SUM, REDUCE_MAX and REDUCE_MIN of float32.

Sums in single precision, each rounded once, in the order of memory; a mean divides the sum. Poolings clamp, between the
finite numbers where no activation is fused. Source: TFLite ``reference_ops``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import mean, pooling, rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.float_weighted import cases_like
from mcuq.ops.floats import MOST, clamped, ends_of, named, real_tensors, tflite_name

Fold = Callable[[Array, Array], Array]
_FOLDS: dict[str, tuple[float, Fold]] = {
    "sum": (0.0, np.add),
    "trailing_sum": (-0.0, np.add),
    "mean": (0.0, np.add),
    "max": (-MOST, lambda found, x: np.where(x > found, x, found)),
    "min": (MOST, lambda found, x: np.where(x < found, x, found)),
}
"""What a reduction begins with, and how it takes in an element."""


def _in_order(name: str, x: Array) -> Array:
    """The elements of the last axis taken in, one after the other."""
    first, fold = _FOLDS[name]
    found = np.full(x.shape[:-1], first, np.float32)
    with np.errstate(all="ignore"):
        for i in range(x.shape[-1]):
            found = np.asarray(fold(found, x[..., i]), np.float32)
    return found


def _pooled(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a, x = layer.attributes, inputs[0]
    assert x is not None
    y = np.empty(layer.output.shape, np.float32)
    average = tflite_name(layer.op) == "AVERAGE_POOL_2D"
    for row, column, window in pooling.windows(a, x):
        taps = np.moveaxis(window.reshape(window.shape[0], -1, window.shape[3]), 1, -1)
        found = _in_order("sum", taps) / np.float32(taps.shape[-1]) if average else _in_order("max", taps)
        y[:, row, column] = clamped(found, ends_of(a.activation))
    return (y,)


def fold_of(layer: Layer) -> str:
    """How a reduction takes in elements: sums begin with 0, that of SUM over the last axes with -0."""
    op, axes, rank = tflite_name(layer.op), layer.attributes.axes, len(layer.input(0).shape)
    if op == "SUM" and axes == tuple(range(rank - len(axes), rank)) and axes:
        return "trailing_sum"
    return _FUNCTIONS[op]


def _reduced(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    axes, x = layer.attributes.axes, inputs[0]
    assert x is not None
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows = x.transpose(*kept, *axes).reshape(*(x.shape[axis] for axis in kept), -1)
    found = _in_order(fold_of(layer), rows)
    if tflite_name(layer.op) == "MEAN":
        found = found / np.float32(mean.count(layer))
    return (np.asarray(found, np.float32).reshape(layer.output.shape),)


_FUNCTIONS = {"MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "max", "REDUCE_MIN": "min"}
_POOLING = (
    real_tensors(0),
    rules.rank(0, (4,), "the input"),
    pooling.windows_are_positive,
    pooling.shapes_agree,
    rules.fused_activation_is_a_clamp,
)
_REDUCTION = (
    real_tensors(0),
    rules.constant_input(1, "the axes"),
    mean.axes_are_int32,
    mean.shapes_agree,
)
_POOLINGS = ("3x2_valid_stride_2x1", "3x3_same_stride_2", "window_larger_than_input", "batch_2", "relu6")


def _case(name: str, shape: tuple[int, ...], axes: tuple[int, ...], output: tuple[int, ...], *, keep: bool) -> Case:
    x, y = (Operand(found, dtype=DType.FLOAT32) for found in (shape, output))
    return Case(name, (x, Operand((len(axes),), dtype=DType.INT32, data=axes)), (y,), {"keep_dims": keep})


_CASES = (
    _case("spatial", (1, 7, 5, 9), (1, 2), (1, 9), keep=False),
    _case("spatial_keeps_dims", (2, 4, 3, 5), (1, 2), (2, 1, 1, 5), keep=True),
    _case("channels", (1, 6, 4, 5), (-1,), (1, 6, 4), keep=False),
    _case("alternating", (3, 4, 2, 5), (1, 3), (3, 2), keep=False),
    _case("everything", (2, 3, 4, 5), (0, 1, 2, 3), (), keep=False),
)

OPERATORS = (
    *(
        Operator(named(op), pooling.attributes, _POOLING, _pooled, cases_like(pooling.CASES, _POOLINGS))
        for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D")
    ),
    *(Operator(named(op), mean.attributes, _REDUCTION, _reduced, _CASES) for op in _FUNCTIONS),
)
