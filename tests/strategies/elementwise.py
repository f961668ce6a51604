"""Functions of one tensor, and of two tensors that are broadcast."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from hypothesis import strategies as st

from mcuq.ir import DType
from mcuq.ops.base import Case, Operand
from mcuq.ops.cast import WHOLE
from mcuq.ops.elementwise import broadcast_shape
from mcuq.ops.select import TYPES
from tests.strategies.drawing import (
    broadcast_shapes,
    case_names,
    clamps,
    int8,
    maybe_constants,
    scales,
    shapes,
    usual_scales,
    zero_points,
)


@st.composite
def functions(draw: st.DrawFn, output: tuple[float, int] | None = None) -> Case:
    """Of one int8 tensor; ``output`` is the quantization where it is fixed."""
    shape = draw(shapes())
    y = draw(int8(shape)) if output is None else Operand(shape, *output)
    return Case(draw(case_names), (draw(int8(shape)),), (y,))


@st.composite
def wide_functions(draw: st.DrawFn, output_scale: float | None = None) -> Case:
    """Of one int16 tensor."""
    shape = draw(shapes())
    x, y = (Operand(shape, draw(scales), 0, DType.INT16) for _ in range(2))
    if output_scale is not None:
        y = Operand(shape, output_scale, 0, DType.INT16)
    return Case(draw(case_names), (x,), (y,))


@st.composite
def leaky_relus(draw: st.DrawFn) -> Case:
    case = draw(st.one_of(functions(), functions(), wide_functions()))
    alpha = np.float32(draw(st.sampled_from([0.3, 0.2, 0.01, 0.0, 1.0, -0.7, 5.5])))
    return Case(case.name, case.inputs, case.outputs, {"alpha": float(alpha)})


@st.composite
def gelus(draw: st.DrawFn) -> Case:
    case = draw(functions())
    return Case(case.name, case.inputs, case.outputs, {"approximate": draw(st.booleans())})


@st.composite
def roots(draw: st.DrawFn) -> Case:
    """Their inputs are not negative."""
    case = draw(functions())
    x = case.inputs[0]
    assert x is not None
    return Case(case.name, (Operand(x.shape, x.scale, x.zero_point, least=x.zero_point),), case.outputs)


@st.composite
def binary(draw: st.DrawFn, *, fused: bool = True) -> Case:
    """Of two int8 tensors into a third."""
    inputs = [draw(int8(shape)) for shape in draw(broadcast_shapes())]
    output = draw(int8(broadcast_shape(inputs[0].shape, inputs[1].shape)))
    options: dict[str, Any] = {"fused_activation_function": int(draw(clamps))} if fused else {}
    return Case(draw(case_names), draw(maybe_constants(inputs)), (output,), options)


@st.composite
def extremes(draw: st.DrawFn) -> Case:
    """All of one quantization, as LiteRT's converter makes them."""
    case = draw(binary(fused=False))
    x = draw(int8(()))
    inputs, outputs = (
        tuple(dataclasses.replace(o, scale=x.scale, zero_point=x.zero_point) for o in found if o is not None)
        for found in (case.inputs, case.outputs)
    )
    return Case(case.name, inputs, outputs)


@st.composite
def prelus(draw: st.DrawFn) -> Case:
    """The input has the output's shape."""
    shape = draw(shapes())
    slopes = tuple(draw(st.sampled_from([1, size])) for size in shape)[draw(st.integers(0, len(shape))) :]
    alpha = draw(int8(slopes, data=draw(st.sampled_from([None, "random"]))))
    return Case(draw(case_names), (draw(int8(shape)), alpha), (draw(int8(shape)),))


@st.composite
def plain(draw: st.DrawFn, *dtypes: DType, output: DType = DType.BOOL) -> Case:
    """Of two tensors of one of ``dtypes``; int8 is quantized."""
    dtype = draw(st.sampled_from(dtypes))
    quantized = int8 if dtype is DType.INT8 else lambda shape: st.just(Operand(shape, dtype=dtype))
    inputs = [draw(quantized(shape)) for shape in draw(broadcast_shapes())]
    y = Operand(broadcast_shape(inputs[0].shape, inputs[1].shape), dtype=output)
    return Case(draw(case_names), draw(maybe_constants(inputs)), (y,))


@st.composite
def negations(draw: st.DrawFn) -> Case:
    x = Operand(draw(shapes()), dtype=DType.BOOL)
    return Case(draw(case_names), (x,), (x,))


@st.composite
def quotients(draw: st.DrawFn) -> Case:
    """Divisors are above zero, numbers or activations; scales are such that most quotients are defined."""
    shape1, shape2 = draw(broadcast_shapes())
    x, d = draw(int8(shape1)), draw(int8(shape2))
    values = draw(st.lists(st.integers(d.zero_point + 1, 127), min_size=1, max_size=9)) if d.zero_point < 127 else [0]
    constant = draw(st.booleans()) or d.zero_point == 127
    data = np.resize(np.array(values), shape2) if constant else None
    d = dataclasses.replace(d, data=data, least=d.zero_point + 1)
    factor = draw(st.sampled_from([150.0, 300.0, 2000.0, 2.0**17, 2.0**22]))
    output = Operand(broadcast_shape(shape1, shape2), x.scale / d.scale / factor, draw(zero_points))
    return Case(draw(case_names), (x, d), (output,), {"fused_activation_function": int(draw(clamps))})


@st.composite
def whole_quotients(draw: st.DrawFn) -> Case:
    """Of bytes: constant divisors are not 0, other divisors positive."""
    shape1, shape2 = draw(broadcast_shapes())
    values = draw(st.lists(st.integers(-128, 127).filter(bool), min_size=1, max_size=9))
    data = np.resize(np.array(values), shape2) if draw(st.booleans()) else None
    d = dataclasses.replace(draw(int8(shape2)), data=data, least=1)
    output = draw(int8(broadcast_shape(shape1, shape2)))
    return Case(draw(case_names), (draw(int8(shape1)), d), (output,))


@st.composite
def casts(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    x, y = (Operand(shape, dtype=draw(st.sampled_from(dtypes))) for dtypes in (WHOLE, (*WHOLE, DType.FLOAT32)))
    return Case(draw(case_names), (x,), (y,))


@st.composite
def selections(draw: st.DrawFn, *, broadcast: bool) -> Case:
    dtype = draw(st.sampled_from([DType.INT8, DType.INT8, *TYPES]))
    found = draw(broadcast_shapes(3))
    if not broadcast:
        shape = broadcast_shape(*found)
        found = [draw(st.sampled_from([shape, (), shape[:1]])), shape, shape]
    inputs = [Operand(found[0], dtype=DType.BOOL), *(Operand(shape, dtype=dtype) for shape in found[1:])]
    output = Operand(broadcast_shape(*found[1 - broadcast :]), dtype=dtype)
    return Case(draw(case_names), tuple(inputs), (output,))


@st.composite
def quantized(draw: st.DrawFn, shape: tuple[int, ...], dtypes: st.SearchStrategy[DType]) -> Operand:
    """Of one of ``dtypes``; int16 has zero point 0."""
    dtype = draw(dtypes)
    return Operand(shape, draw(scales), 0 if dtype is DType.INT16 else draw(st.integers(0, 127)), dtype)


@st.composite
def quantizations(draw: st.DrawFn) -> Case:
    """Real or quantized values into quantized ones."""
    shape = draw(shapes())
    dtypes = draw(st.sampled_from([(DType.INT8, DType.UINT8), (DType.INT8, DType.INT16)]))
    x, y = (draw(quantized(shape, st.sampled_from(dtypes))) for _ in range(2))
    if draw(st.booleans()):  # LiteRT leaves reals past 2**31 steps undefined
        x, y = Operand(shape, dtype=DType.FLOAT32), Operand(shape, draw(usual_scales), y.zero_point, y.dtype)
    return Case(draw(case_names), (x,), (y,))


@st.composite
def dequantizations(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    x = draw(quantized(shape, st.sampled_from([DType.INT8, DType.UINT8, DType.INT16])))
    return Case(draw(case_names), (x,), (Operand(shape, dtype=DType.FLOAT32),))


STRATEGIES = {
    **dict.fromkeys(("RELU_N1_TO_1", "RELU_0_TO_1", "HARD_SWISH"), functions()),
    **dict.fromkeys(("RELU", "RELU6"), st.one_of(functions(), functions(), wide_functions())),
    **dict.fromkeys(("ABS", "EXP", "LOG", "NEG"), functions()),
    **dict.fromkeys(("SQRT", "RSQRT"), roots()),
    "LEAKY_RELU": leaky_relus(),
    "GELU": gelus(),
    "LOGISTIC": st.one_of(functions((1 / 256, -128)), wide_functions(2**-15)),
    "TANH": st.one_of(functions(), wide_functions(2**-15)),
    **dict.fromkeys(("ADD", "SUB", "MUL"), binary()),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), extremes()),
    "SQUARED_DIFFERENCE": binary(fused=False),
    "PRELU": prelus(),
    **dict.fromkeys(("EQUAL", "NOT_EQUAL"), plain(DType.INT8, DType.INT8, DType.INT32, DType.BOOL)),
    **dict.fromkeys(("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"), plain(DType.INT8, DType.INT8, DType.INT32)),
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_OR"), plain(DType.BOOL)),
    "LOGICAL_NOT": negations(),
    "DIV": quotients(),
    **dict.fromkeys(("FLOOR_DIV", "FLOOR_MOD"), whole_quotients()),
    "CAST": casts(),
    "SELECT": selections(broadcast=False),
    "SELECT_V2": selections(broadcast=True),
    "QUANTIZE": quantizations(),
    "DEQUANTIZE": dequantizations(),
}
