"""Layers of float32, and of float32 with int8 weights: those of integers with other types."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st

from mcuq.ir import DType
from mcuq.ops import operators
from mcuq.ops.base import Case, Operand
from mcuq.ops.floats import HYBRID, is_float, tflite_name
from tests.strategies import copies, elementwise, moving, products, reductions, weighted
from tests.strategies.drawing import broadcast_shapes, case_names, maybe_constants, shapes

_INTEGER = {
    operator: strategy
    for module in (copies, elementwise, moving, products, reductions, weighted)
    for operator, strategy in module.STRATEGIES.items()
}
_LEAST = {"DIV": (None, 1), "SQRT": (1,), "RSQRT": (1,), "LOG": (1,), "POW": (1,)}
"""What inputs must be so that there is an answer: the bytes of what is no number differ."""


def _real(operand: Operand | None, least: int | None, hybrid: bool) -> Operand | None:
    if (
        operand is None
        or operand.scale is None
        or (hybrid and operand.data is not None and operand.dtype is DType.INT8)
    ):
        return operand
    data = None if operand.data is None else "random"
    return Operand(operand.shape, dtype=DType.FLOAT32, data=data, least=least)


def _with_types(operator: str, case: Case) -> Case:
    least = _LEAST.get(tflite_name(operator), ())
    hybrid = operator.endswith(HYBRID)
    inputs = [_real(x, least[i] if i < len(least) else None, hybrid) for i, x in enumerate(case.inputs)]
    outputs = [
        y if y.dtype is DType.BOOL else dataclasses.replace(y, scale=None, dtype=DType.FLOAT32) for y in case.outputs
    ]
    return dataclasses.replace(case, inputs=tuple(inputs), outputs=tuple(outputs))


def _is_real(case: Case) -> bool:
    return any(operand is not None and operand.dtype is DType.FLOAT32 for operand in case.inputs)


@st.composite
def functions(draw: st.DrawFn, count: int) -> Case:
    """Of one tensor, or of two that are broadcast."""
    found = draw(broadcast_shapes(count)) if count > 1 else [draw(shapes())]
    operands = (
        draw(maybe_constants([Operand(shape, 0.1) for shape in found])) if count > 1 else (Operand(found[0], 0.1),)
    )
    output = Operand(elementwise.broadcast_shape(*found), 0.1)
    return Case(draw(case_names), operands, (output,))


def _strategy(operator: str) -> st.SearchStrategy[Case]:
    usual = functions(2 if tflite_name(operator) == "POW" else 1)
    made = _INTEGER.get(tflite_name(operator), usual)
    return made.map(lambda case: _with_types(operator, case)).filter(_is_real)


STRATEGIES = {name: _strategy(name) for name in operators() if is_float(name)}
