"""SUB: ``out = act(in1 - in2)`` with broadcasting.

Integer: as ADD, with the second input subtracted after it was brought to the common scale; rounding is not symmetric
about zero, so negating a multiplier instead would give other bytes.
Source: TFLite ``reference_ops::SubElementwise`` and ``sub.cc``.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcuq.ir import Layer
from mcuq.ops.add import CASES, CONSTRAINTS, requantized_output, scaled_inputs
from mcuq.ops.base import Array, Operator
from mcuq.ops.elementwise import attributes


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x1, x2 = scaled_inputs(layer, inputs)
    return (requantized_output(layer, x1 - x2),)


OPERATORS = (Operator("SUB", attributes, CONSTRAINTS, reference, CASES),)
