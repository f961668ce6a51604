"""What operators on float32 tensors share: their names, their rule on types, their clamp. No operator.

An operator that has a form for float32 beside its integer one is two in mcuq: ``ADD`` and ``ADD float32``. A layer of a
file gets the second when it reads real values (``form_of``), so that what knows only integers never meets a float.
"""

from __future__ import annotations

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops.activation import REAL_RANGE, Activation, RealRange
from mcuq.ops.base import Array, Constraint

FLOAT32 = "float32"
HYBRID = "hybrid"
"""Of layers with real activations and int8 weights."""
MOST = float(np.finfo(np.float32).max)
Ends = tuple[float, float]


def named(op: str, form: str = FLOAT32) -> str:
    """The name of the form of TFLite's operator ``op``."""
    return f"{op} {form}"


_NARROW = (DType.INT8, DType.UINT8, DType.INT16)


def form_of(layer: Layer) -> str:
    """The operator, by name, that a layer of TFLite's ``layer.op`` would be for its element types.

    One for float32 where nothing but constant weights is narrower.
    """
    weights = layer.optional_input(1)
    hybrid = weights is not None and weights.constant and weights.type.dtype is DType.INT8
    others = [t for t in (*layer.inputs, *layer.outputs) if t is not None and not (hybrid and t is weights)]
    types = {tensor.type.dtype for tensor in others}
    if DType.FLOAT32 not in types or not types.isdisjoint(_NARROW):
        return layer.op
    return named(layer.op, HYBRID if hybrid else FLOAT32)


def tflite_name(op: str) -> str:
    """TFLite's name of an operator, without what tells its form."""
    return op.removesuffix(f" {FLOAT32}").removesuffix(f" {HYBRID}")


def is_float(op: str) -> bool:
    """Does the operator of this name compute on real values?"""
    return op.endswith((f" {FLOAT32}", f" {HYBRID}"))


def ulps_between(one: Array, other: Array, of: Array | None = None) -> float:
    """The greatest distance of two elements in the same place, in units in the last place of the greater one (or of the
    element of ``of`` there, where that is greater); infinite where only one is a number.
    """
    number = np.isfinite(one) & np.isfinite(other)
    if not np.array_equal(one[~number], other[~number], equal_nan=True):
        return float("inf")
    size = np.maximum(np.abs(one), np.abs(other))
    if of is not None and of.shape == one.shape:
        size = np.maximum(size, np.abs(of))
    distance = np.abs(one[number].astype(np.float64) - other[number].astype(np.float64))
    return float((distance / np.spacing(size[number])).max(initial=0.0))


def real_tensors(*inputs: int, outputs: tuple[DType, ...] = (DType.FLOAT32,)) -> Constraint:
    """The inputs of the given indices are float32."""

    def rule(layer: Layer) -> str | None:
        for index in inputs:
            tensor = layer.optional_input(index)
            if tensor is None:
                return f"input {index} is missing"
            if tensor.type.dtype is not DType.FLOAT32:
                return f"input {index} is {tensor.type.dtype.value}"
        wrong = [t.type.dtype for t in layer.outputs if t.type.dtype not in outputs]
        return f"the output is {wrong[0].value}" if wrong else None

    made = "/".join(dtype.value for dtype in outputs)
    rule.__doc__ = f"inputs {inputs} are float32, the output is {made}"
    return rule


def bias_is_real(layer: Layer) -> str | None:
    """the bias is absent, or constant float32 with one value for each output channel"""
    bias = layer.optional_input(2)
    if bias is None:
        return None
    if bias.data is None or bias.type.dtype is not DType.FLOAT32 or bias.type.elements != layer.output.shape[-1]:
        return f"bias is {bias.type}, a constant float32 for each of {layer.output.shape[-1]} channels is needed"
    return None


def bias_of(layer: Layer) -> Array:
    """The bias, zeros where there is none: adding them changes no sum, which is never -0."""
    bias = layer.optional_input(2)
    if bias is None or bias.data is None:
        return np.zeros(layer.output.shape[-1], np.float32)
    return bias.data.astype(np.float32).reshape(-1)


def ends_of(activation: Activation) -> Ends:
    """The clamp of a fused activation: LiteRT clamps to the finite numbers where it fuses none."""
    return clamp_ends(REAL_RANGE[activation])


def clamp_ends(ends: RealRange) -> Ends:
    low, high = ends
    return -MOST if low is None else low, MOST if high is None else high


def clamped(values: Array, ends: Ends) -> Array:
    """``values`` between ``ends``; not-a-number stays."""
    low, high = np.float32(ends[0]), np.float32(ends[1])
    above = np.where(values < low, low, values)
    return np.asarray(np.where(high < above, high, above), np.float32)
