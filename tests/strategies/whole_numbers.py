"""Operators of whole numbers beside int8."""

from __future__ import annotations

from hypothesis import strategies as st

from mcuq.ir import DType
from mcuq.ops.base import Case, Operand
from tests.strategies.drawing import case_names, int8, ints, shapes


@st.composite
def sums(draw: st.DrawFn) -> Case:
    x = Operand(draw(shapes()), dtype=DType.INT32)
    return Case(draw(case_names), (x,) * draw(st.integers(2, 5)), (x,))


@st.composite
def cumulative_sums(draw: st.DrawFn) -> Case:
    x = Operand(draw(shapes()), dtype=DType.INT32)
    axis = ints(draw(st.integers(-len(x.shape), len(x.shape) - 1)))
    options = {name: draw(st.booleans()) for name in ("exclusive", "reverse")}
    return Case(draw(case_names), (x, axis), (x,), options)


@st.composite
def fills(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    value = draw(st.one_of(int8(()), st.sampled_from([Operand((), dtype=DType.INT32), Operand((), dtype=DType.BOOL)])))
    output = Operand(shape, value.scale, value.zero_point, value.dtype)
    return Case(draw(case_names), (ints(shape, len(shape)), value), (output,))


@st.composite
def zeros(draw: st.DrawFn) -> Case:
    x = Operand(draw(shapes()), dtype=draw(st.sampled_from([DType.INT32, DType.INT64])))
    return Case(draw(case_names), (x,), (x,))


STRATEGIES = {"ADD_N": sums(), "CUMSUM": cumulative_sums(), "FILL": fills(), "ZEROS_LIKE": zeros()}
