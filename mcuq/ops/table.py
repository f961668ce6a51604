"""TABLE: ``out = values[in]``, any function of one byte. No TFLite operator: passes make it of several in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Operator
from mcuq.ops.unary import same_shape


@dataclass(frozen=True, slots=True)
class Table:
    """Attributes of TABLE: the output byte for each input byte, both read as 0 .. 255."""

    values: bytes


def attributes(options: Mapping[str, Any], _layer: Layer) -> Table:
    return Table(options["values"])


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    x = inputs[0]
    assert x is not None
    values = np.frombuffer(layer.attributes.values, np.uint8)[np.ascontiguousarray(x).view(np.uint8)]
    return (values.view(layer.output.type.dtype.numpy),)


OPERATORS = (
    Operator(
        "TABLE",
        attributes,
        (rules.quantized_activations((0,), rules.BYTE), same_shape),
        reference,
        cases=(),
        of_a_byte=True,
        in_files=False,
    ),
)
