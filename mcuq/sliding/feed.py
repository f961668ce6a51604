"""A whole window as the inputs of its steps, and a step's part of the window's tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from mcuq.ir import Graph, TensorType
from mcuq.ops.base import Array


def silence(type_: TensorType) -> Array:
    """Values that stand for nothing: zero points."""
    value = 0 if type_.quantization is None else type_.zero_point
    return np.full(type_.shape, value, type_.dtype.numpy)


def steps_of(graph: Graph, inputs: Sequence[Array]) -> Iterator[tuple[Array, ...]]:
    """The inputs of each step of ``graph`` that takes in the window ``inputs``; silence where it is no whole number of
    steps long. Inputs without time are given to each step."""
    cut = [_cut(values, tensor.type, graph.steps) for values, tensor in zip(inputs, graph.input_tensors, strict=True)]
    return zip(*cut, strict=True)


def fed_bytes(graph: Graph, inputs: Sequence[Array]) -> npt.NDArray[np.uint8]:
    """The window ``inputs`` as the firmware takes them: step by step, in each step input by input."""
    content = b"".join(values.tobytes() for step in steps_of(graph, inputs) for values in step)
    return np.frombuffer(content, np.uint8)


def newest(values: Array, axis: int, count: int) -> Array:
    """The last ``count`` frames of ``values``."""
    index = (*(slice(None),) * axis, slice(values.shape[axis] - count, None))
    return values[index]


def _cut(values: Array, step: TensorType, steps: int) -> list[Array]:
    axis = next((i for i, (whole, new) in enumerate(zip(values.shape, step.shape, strict=True)) if whole != new), None)
    if axis is None:
        return [values] * steps
    padded = np.concatenate((*[silence(step)] * steps, values), axis)
    return np.split(newest(padded, axis, step.shape[axis] * steps), steps, axis)
