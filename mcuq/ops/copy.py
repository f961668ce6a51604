"""COPY: elements of the input by strides, in the output's order. No TFLite operator: passes make it of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import Layer
from mcuq.ops.base import Array, Operator
from mcuq.ops.moves import Move, reference, same_type


@dataclass(frozen=True, slots=True)
class Copy:
    """Attributes of COPY: ``shape`` has the output's elements in their order; ``offset`` and ``strides`` are elements
    of the input."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def attributes(options: Mapping[str, Any], _layer: Layer) -> Copy:
    return Copy(options["offset"], options["shape"], options["strides"])


def moves(layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> Iterable[Move]:
    a: Copy = layer.attributes
    first = np.ascontiguousarray(inputs[0]).reshape(-1)[a.offset :]
    strides = tuple(step * first.itemsize for step in a.strides)
    source = np.lib.stride_tricks.as_strided(first, a.shape, strides, writeable=False)
    return ((outputs[0].reshape(a.shape), source),)


OPERATORS = (Operator("COPY", attributes, (same_type(),), reference(moves), cases=(), in_files=False, moves=moves),)
