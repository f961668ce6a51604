"""What strategies of layers draw: scales, zero points, shapes, quantized tensors. No strategy of an operator."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

from mcuq.ir import DType
from mcuq.ops.activation import Activation
from mcuq.ops.base import Operand

MOST_ELEMENTS = 700

zero_points = st.sampled_from([-128, -127, -31, 0, 6, 126, 127])
activations = st.sampled_from([Activation.NONE, Activation.NONE, Activation.RELU, Activation.RELU6])
clamps = st.sampled_from([*Activation][:4])
sizes = st.sampled_from([1, 1, 2, 3, 5, 7, 8, 11, 13, 16])
usual_scales = st.sampled_from([0.003, 0.02, 0.0511, 0.11, 0.5, 1 / 256])
mantissas = st.sampled_from([1.0, 1.27, 1.999])
far_scales = st.builds(lambda mantissa, exponent: mantissa * 2.0**exponent, mantissas, st.integers(-30, 8))
scales = st.one_of(usual_scales, usual_scales, usual_scales, far_scales)
case_names = st.integers(0, 999).map(lambda number: f"made_{number}")
"""The name decides what constants and inputs are."""


@st.composite
def shapes(draw: st.DrawFn, ranks: tuple[int, int] = (1, 4)) -> tuple[int, ...]:
    """Sizes with ones and primes; the last ones are cut where the tensor would grow too large."""
    left, found = MOST_ELEMENTS, []
    for _ in range(draw(st.integers(*ranks))):
        found.append(min(draw(sizes), left))
        left //= found[-1]
    return tuple(found)


@st.composite
def broadcast_shapes(draw: st.DrawFn, count: int = 2, ranks: tuple[int, int] = (1, 4)) -> list[tuple[int, ...]]:
    """Shapes that broadcast to one: often equal, otherwise with axes of one element, or without the first axes."""
    whole = draw(shapes(ranks))
    if draw(st.booleans()):
        return [whole] * count
    found = []
    for _ in range(count):
        repeated = [draw(st.booleans()) for _ in whole]
        shape = tuple(1 if r else size for size, r in zip(whole, repeated, strict=True))
        found.append(shape[draw(st.integers(0, len(shape))) :])
    return found


@st.composite
def int8(draw: st.DrawFn, shape: tuple[int, ...], **rest: Any) -> Operand:
    """A quantized tensor."""
    return Operand(shape, draw(scales), draw(zero_points), **rest)


@st.composite
def maybe_constants(draw: st.DrawFn, operands: list[Operand]) -> tuple[Operand, ...]:
    """``operands``, at most one of them a constant."""
    constant = draw(st.sampled_from([None, None, *range(len(operands))])) if len(operands) > 1 else None
    return tuple(dataclasses.replace(o, data="random") if i == constant else o for i, o in enumerate(operands))


def ints(values: Any, *shape: int, dtype: DType = DType.INT32) -> Operand:
    """A constant without quantization."""
    return Operand(shape, dtype=dtype, data=values)
