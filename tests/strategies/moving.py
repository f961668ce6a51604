"""Operators that move values without changing them."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from mcuq.ir import DType
from mcuq.ops.base import Case, Operand
from tests.strategies.drawing import case_names, int8, ints, scales, shapes, sizes


@st.composite
def paddings(draw: st.DrawFn, *, value: bool = False) -> Case:
    shape = draw(shapes())
    pairs = [(draw(st.integers(0, 2)), draw(st.integers(0, 3))) for _ in shape]
    x = draw(st.one_of(int8(shape), st.just(Operand(shape, 2e-4, 0, DType.INT16))))
    limits = np.iinfo(x.dtype.value)
    given = st.integers(int(limits.min), int(limits.max))
    output = Operand(tuple(b + n + a for n, (b, a) in zip(shape, pairs, strict=True)), x.scale, x.zero_point, x.dtype)
    fill = (Operand((1,), x.scale, x.zero_point, x.dtype, data=draw(given)),) if value else ()
    return Case(draw(case_names), (x, ints(pairs, len(shape), 2), *fill), (output,))


@st.composite
def concatenations(draw: st.DrawFn) -> Case:
    shape, first = draw(shapes((1, 4))), draw(int8(()))
    of_uint8 = draw(st.booleans())  # which may each have a quantization of its own
    axis = draw(st.integers(-len(shape), len(shape) - 1))

    def part(size: int) -> Operand:
        found = list(shape)
        found[axis] = size
        if of_uint8:
            return Operand(tuple(found), draw(scales), draw(st.sampled_from([0, 3, 128, 255])), DType.UINT8)
        return Operand(tuple(found), first.scale, first.zero_point)

    parts = draw(st.lists(sizes, min_size=1, max_size=5))
    inputs = tuple(part(size) for size in parts)
    return Case(draw(case_names), inputs, (part(sum(parts)),), {"axis": axis})


@st.composite
def reshapes(draw: st.DrawFn) -> Case:
    x = draw(int8(draw(shapes())))
    elements = math.prod(x.shape)
    size = draw(st.sampled_from([n for n in range(1, elements + 1) if elements % n == 0]))
    output = (size, elements // size)
    asked = draw(st.sampled_from([output, (-1, output[1]), (size, -1)]))
    return Case(draw(case_names), (x, ints(asked, 2)), (Operand(output, x.scale, x.zero_point),))


@st.composite
def squeezes(draw: st.DrawFn) -> Case:
    shape = draw(shapes((1, 5)))
    ones = [i for i, size in enumerate(shape) if size == 1]
    dropped = [i for i in ones if draw(st.booleans())] or ones
    x = draw(int8(shape))
    output = tuple(n for i, n in enumerate(shape) if i not in dropped)
    return Case(draw(case_names), (x,), (Operand(output, x.scale, x.zero_point),), {"squeeze_dims": dropped})


@st.composite
def expansions(draw: st.DrawFn) -> Case:
    x = draw(int8(draw(shapes())))
    axis = draw(st.integers(-len(x.shape) - 1, len(x.shape)))
    at = axis % (len(x.shape) + 1)
    output = (*x.shape[:at], 1, *x.shape[at:])
    return Case(draw(case_names), (x, ints([axis], 1)), (Operand(output, x.scale, x.zero_point),))


STRATEGIES = {
    "PAD": paddings(),
    "PADV2": paddings(value=True),
    "CONCATENATION": concatenations(),
    "RESHAPE": reshapes(),
    "SQUEEZE": squeezes(),
    "EXPAND_DIMS": expansions(),
}
