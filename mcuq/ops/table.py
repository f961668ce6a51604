"""TABLE: ``out = values[in]``, any function of one byte. No TFLite operator: passes make it of several in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.ir import Layer, Tensor, TensorType
from mcuq.ops import operators, rules
from mcuq.ops.base import Array, Operator
from mcuq.ops.unary import same_shape


@dataclass(frozen=True, slots=True)
class Table:
    """Attributes of TABLE: the output byte for each input byte, both read as 0 .. 255."""

    values: bytes


def attributes(options: Mapping[str, Any], _layer: Layer) -> Table:
    return Table(options["values"])


def of_all_bytes(*layers: Layer) -> npt.NDArray[np.uint8]:
    """What ``layers``, functions of a byte one behind the other, make of each byte (256,), both read as 0 .. 255."""
    values = np.arange(256, dtype=np.uint8).view(layers[0].input(0).type.dtype.numpy)
    for layer in layers:
        x, y = (
            Tensor(tensor.name, TensorType((256,), tensor.type.dtype, tensor.type.quantization))
            for tensor in (layer.input(0), layer.output)
        )
        flat = Layer(layer.name, layer.op, layer.attributes, (x,), (y,))
        (values,) = operators()[layer.op].reference(flat, [values])
    return values.view(np.uint8)


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
