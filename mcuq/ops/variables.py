"""READ_VARIABLE: the value of a variable, as a tensor. ASSIGN_VARIABLE: a tensor becomes the value of a variable.

Integer: the same bytes. A variable is a state: before the first inference it has the value that the model's CALL_ONCE
gives it, and from one inference to the next it keeps what it was assigned.
Source: TFLite ``read_variable.cc``, ``assign_variable.cc``, ``var_handle.cc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcuq.ir import Layer
from mcuq.ops.base import Array, Operator


def attributes(_options: Mapping[str, Any], _layer: Layer) -> None:
    """They have none."""


def alike(layer: Layer) -> str | None:
    """the tensor has the variable's type and shape"""
    x, y = layer.input(0).type, layer.output.type
    return None if (x.dtype, x.shape) == (y.dtype, y.shape) else f"{x} cannot become {y}"


def reference(_layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    assert inputs[0] is not None
    return (inputs[0],)


OPERATORS = tuple(
    Operator(name, attributes, (alike,), reference, cases=(), keeps_state=True)
    for name in ("READ_VARIABLE", "ASSIGN_VARIABLE")
)
