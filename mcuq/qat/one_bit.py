"""Activations of two values, 0 and a, in int8: a ReLU cuts off below zero, and int8 ends one step above it.

The zero point is 126, so 127, one step of the trained scale a, is all that is left. A layer with weights of -1 and 1
that reads such a tensor counts bits. Which tensors can have two values is decided here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.qat.network import HIGHEST, Layer, Range
from mcuq.qat.program import Program, Step
from mcuq.quantize.histogram import Histogram

WORD = 32
"""Channels come in so many: the bits of a word."""

_RELU = (schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.RELU6)
_ROUNDS = 20


def has_two_values(known: Range, program: Program, layers: Sequence[Layer]) -> bool:
    """Are the tensors of a range written by ReLUs, and read by none but layers whose scheme wants two values?"""
    tied = set(known.tensors)
    wanting = {layer.step.output for layer in layers if layer.rounded.scheme.two_valued}
    writers = [step for step in program.steps if step.output in tied and not tied & set(step.inputs)]
    readers = [step for step in program.steps if step.output not in tied and tied & set(step.inputs)]
    return bool(
        known.trained
        and readers
        and not tied & set(program.outputs)
        and all(_cuts_off(step) for step in writers)
        and all(step.output in wanting and program.constants[step.inputs[1]].shape[-1] % WORD == 0 for step in readers)
    )


def _cuts_off(step: Step) -> bool:
    return step.op == "RELU" or getattr(step.options, "fusedActivationFunction", None) in _RELU


def two_valued(known: Range, spread: Histogram) -> Range:
    """The range of 0 and the value a that are nearest to what is ``spread``, by Lloyd's method."""
    values, counts = spread.centres[spread.centres > 0.0], spread.counts[spread.centres > 0.0]
    if not counts.any():
        return known
    upper = float(np.average(values, weights=counts))
    for _ in range(_ROUNDS):
        above = np.where(values > upper / 2, counts, 0)
        upper = float(np.average(values, weights=above))
    return dataclasses.replace(known, scale=upper, zero_point=int(HIGHEST) - 1)
