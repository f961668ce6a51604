"""LOOP: a WHILE of a known number of steps, as recurrent layers are: ``h[i+1], y[i] = body(h[i], x[i])``.

The counter of the WHILE goes from 0 on by one to a constant; a GATHER of it slices sequences x, a DYNAMIC_UPDATE_SLICE
at it writes sequences y. The body's operators compute what they compute elsewhere; it becomes one loop in C, whose code
is there once. GRU and SimpleRNN layers come so, with int16 between their int8 weights.
Source: TFLite ``while.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.loop import Loop
from mcuq.ops import operators
from mcuq.ops.base import Array, Operator


def attributes(options: Mapping[str, Any], _layer: Layer) -> Loop:
    loop: Loop = options["loop"]
    return loop


def variables_fit(layer: Layer) -> str | None:
    """carried values have the same type before, in and after the body; slices and rows divide their sequences"""
    loop: Loop = layer.attributes
    body, n = loop.body, loop.carried
    for outer, inner in zip((*layer.inputs, *layer.outputs), (*body.input_tensors, *body.output_tensors), strict=True):
        if outer is None or outer.type.dtype is not inner.type.dtype:
            return f"{inner.name!r} has another type outside the body"
    pairs = zip(layer.inputs[:n], body.input_tensors[:n], body.output_tensors[:n], layer.outputs[:n], strict=True)
    for four in pairs:
        if len({tensor.shape for tensor in four if tensor is not None}) != 1:
            return f"{four[1].name!r} changes its shape"
    of_sequences = zip(
        (*layer.inputs[n:], *layer.outputs[n:]), (*body.input_tensors[n:], *body.output_tensors[n:]), strict=True
    )
    for outer, inner in of_sequences:
        if outer is not None and outer.type.bytes != loop.steps * inner.type.bytes:
            return f"{inner.name!r} is no {loop.steps}th part of {outer.name!r}"
    return None


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    loop: Loop = layer.attributes
    n = loop.carried
    carried, sequences = list(inputs[:n]), inputs[n:]
    rows: list[tuple[Array, ...]] = []
    for step in range(loop.steps):
        slices = [
            None if values is None else values.reshape(loop.steps, -1)[step].reshape(tensor.shape)
            for values, tensor in zip(sequences, loop.body.input_tensors[n:], strict=True)
        ]
        outputs = _run(loop, [*carried, *slices])
        carried = list(outputs[:n])
        rows.append(outputs[n:])
    stacked = (
        np.stack(of_one).reshape(tensor.shape)
        for of_one, tensor in zip(zip(*rows, strict=True), layer.outputs[n:], strict=True)
    )
    return (*(values for values in carried if values is not None), *stacked)


def _run(loop: Loop, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    """One step."""
    values: dict[str, Array | None] = dict(zip(loop.body.inputs, inputs, strict=True))
    values.update({name: tensor.data for name, tensor in loop.body.tensors.items() if tensor.data is not None})
    for layer in loop.body.layers():
        given = [None if tensor is None else values[tensor.name] for tensor in layer.inputs]
        outputs = operators()[layer.op].reference(layer, given)
        values.update(zip((tensor.name for tensor in layer.outputs), outputs, strict=True))
    found = [values[name] for name in loop.body.outputs]
    return tuple(array for array in found if array is not None)


OPERATORS = (Operator("LOOP", attributes, (variables_fit,), reference, cases=()),)
