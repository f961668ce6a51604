"""Operators that make fewer values of many: over axes, along rows, or in windows."""

from __future__ import annotations

from hypothesis import strategies as st

from mcuq.ir import DType
from mcuq.ops.base import Case, Operand
from tests.strategies.drawing import activations, case_names, int8, ints, scales, shapes, usual_scales, zero_points
from tests.strategies.weighted import channels, window_options, windows


@st.composite
def reductions(draw: st.DrawFn, *, same_quantization: bool = False, dtype: DType = DType.INT8) -> Case:
    """Over some axes, given as they may be: negative, twice."""
    shape = draw(shapes((1, 5)))
    axes = draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=4))
    reduced, keep = {axis % len(shape) for axis in axes}, draw(st.booleans())
    output = tuple(1 if i in reduced else n for i, n in enumerate(shape) if keep or i not in reduced)
    x, y = draw(int8(shape)), draw(int8(output))
    if same_quantization:
        y = Operand(output, x.scale, x.zero_point)
    if dtype is not DType.INT8:
        x, y = Operand(shape, dtype=dtype), Operand(output, dtype=dtype)
    return Case(draw(case_names), (x, ints(axes, len(axes))), (y,), {"keep_dims": keep})


@st.composite
def places(draw: st.DrawFn) -> Case:
    """Of the greatest or least."""
    x = draw(int8(draw(shapes())))
    axis, dtype = draw(st.integers(-len(x.shape), len(x.shape) - 1)), draw(st.sampled_from([DType.INT32, DType.INT64]))
    output = tuple(n for i, n in enumerate(x.shape) if i != axis % len(x.shape))
    options = {"output_type": 2 if dtype is DType.INT32 else 4}
    return Case(draw(case_names), (x, ints(axis)), (Operand(output, dtype=dtype),), options)


@st.composite
def softmaxes(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    beta = draw(st.sampled_from([1.0, 1.0, 0.25, 3.5]))
    if draw(st.booleans()):
        x, y = (Operand(shape, scale, 0, DType.INT16) for scale in (draw(scales) / 256, 2**-15))
        return Case(draw(case_names), (x,), (y,), {"beta": beta})
    return Case(draw(case_names), (draw(int8(shape)),), (Operand(shape, 1 / 256, -128),), {"beta": beta})


@st.composite
def along_rows(draw: st.DrawFn, scale: float, zero_point: int) -> Case:
    """Along the last axis; the output's quantization is fixed."""
    shape = draw(shapes())
    return Case(draw(case_names), (draw(int8(shape)),), (Operand(shape, scale, zero_point),))


@st.composite
def poolings(draw: st.DrawFn) -> Case:
    made = draw(windows().filter(lambda w: w["dilation"] == (1, 1)))
    depth, scale, zero_point = draw(channels), draw(st.one_of(scales, usual_scales)), draw(zero_points)
    x, y = (Operand((1, *made[name], depth), scale, zero_point) for name in ("image", "output"))
    options = {"filter_height": made["window"][0], "filter_width": made["window"][1]}
    kept = ("stride_h", "stride_w", "padding", "fused_activation_function")
    options |= {name: value for name, value in window_options(made, draw(activations)).items() if name in kept}
    return Case(draw(case_names), (x,), (y,), options)


STRATEGIES = {
    "MEAN": reductions(),
    "SUM": reductions(),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN"), reductions(same_quantization=True)),
    **dict.fromkeys(("REDUCE_ANY", "REDUCE_ALL"), reductions(dtype=DType.BOOL)),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), places()),
    "SOFTMAX": softmaxes(),
    "LOG_SOFTMAX": along_rows(1 / 16, 127),
    "L2_NORMALIZATION": along_rows(1 / 128, 0),
    "AVERAGE_POOL_2D": poolings(),
    "MAX_POOL_2D": poolings(),
}
