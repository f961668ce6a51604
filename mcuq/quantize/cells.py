"""The cells of GRU and SimpleRNN layers: what one step makes of an input and of the hidden state, in TFLite operators.

In float32, or with int16 between int8 weights. Then nothing has to be calibrated: sigmoid and tanh bound the hidden
state, the weights' sizes bound the rest, and what lies beyond ``MOST`` saturates, where gates are shut or open anyway.
No loop is written here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.subgraph import Writer

Array = npt.NDArray[Any]
UNIT = 2.0**-15
"""The scale of int16 in -1 .. 1, which LOGISTIC and TANH write."""
MOST = 64.0
AXIS = 1


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Weights as FULLY_CONNECTED has them, (outputs, inputs), float32; gates one after the other: of a GRU update,
    reset and candidate. ``kind`` is a key of ``CELLS``."""

    kind: str
    kernel: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array
    stateful: bool

    @property
    def units(self) -> int:
        return int(self.recurrent.shape[1])


class Steps:
    """Operators over vectors [1, n] in the subgraph of ``writer``: int16 if ``whole``, else float32."""

    def __init__(self, writer: Writer, whole: bool) -> None:
        self.writer = writer
        self.whole = whole
        self._bounds: dict[int, float] = {}

    def vector(self, name: str, size: int, bound: float, scale: float | None = None) -> int:
        """A vector of numbers between ``-bound`` and ``bound``; int16 has the least scale that is enough."""
        bound = min(bound, MOST)
        scale = int16_scale(bound) if scale is None else scale
        dtype = np.int16 if self.whole else np.float32
        made = self.writer.tensor(name, (1, size), dtype, (scale,) if self.whole else ())
        self._bounds[made] = bound
        return made

    def given(self, vector: int, bound: float) -> int:
        """A vector that is there already."""
        self._bounds[vector] = bound
        return vector

    def unit(self, name: str, size: int) -> int:
        """A vector of numbers between -1 and 1."""
        return self.vector(name, size, 1.0, UNIT)

    def dense(self, x: int, name: str, weights: Array, bias: Array | None = None) -> int:
        sums = np.abs(weights).sum(axis=1, dtype=np.float64) * self._bounds[x]
        sums += 0 if bias is None else np.abs(bias)
        output = self.vector(f"{name}/sums", len(weights), float(sums.max(initial=2.0**-8)))
        inputs = [x, *self._constants(x, name, weights, bias)]
        options = schema.FullyConnectedOptionsT()
        self.writer.operator("FULLY_CONNECTED", inputs, [output], options)
        return output

    def _constants(self, x: int, name: str, weights: Array, bias: Array | None) -> tuple[int, int]:
        if not self.whole:
            added = -1 if bias is None else self.writer.constant(f"{name}/bias", bias)
            return self.writer.constant(name, weights), added
        scales = np.maximum(np.abs(weights).max(axis=1), 2.0**-16).astype(np.float64) / 127
        steps = np.clip(np.rint(weights / scales[:, np.newaxis]), -127, 127).astype(np.int8)
        stored = self.writer.constant(name, steps, scales.tolist())
        if bias is None:
            return stored, -1
        of_sums = scales * float(self.writer.subgraph.tensors[x].quantization.scale[0])
        return stored, self.writer.constant(f"{name}/bias", np.rint(bias / of_sums).astype(np.int64), of_sums.tolist())

    def split(self, x: int, sizes: Sequence[int]) -> list[int]:
        tensor = self.writer.subgraph.tensors[x]
        parts = [self.writer.like(f"{tensor.name.decode()}/part_{i}", tensor, (1, n)) for i, n in enumerate(sizes)]
        self._bounds.update(dict.fromkeys(parts, self._bounds[x]))
        options = schema.SplitVOptionsT()
        options.numSplits = len(parts)
        constants = [
            self.writer.constant(f"{tensor.name.decode()}/{name}", np.array(values, np.int32))
            for name, values in (("sizes", sizes), ("axis", AXIS))
        ]
        self.writer.operator("SPLIT_V", [x, *constants], parts, options)
        return parts

    def together(self, op: str, x: int, y: int, output: int) -> int:
        options = getattr(schema, f"{op.title()}OptionsT")()
        self.writer.operator(op, [x, y], [output], options)
        return output

    def sum(self, name: str, x: int, y: int) -> int:
        return self.together("ADD", x, y, self.vector(name, self._size(x), self._bounds[x] + self._bounds[y]))

    def product(self, name: str, x: int, y: int) -> int:
        """Of a vector ``x`` between -1 and 1."""
        scale = float(self.writer.subgraph.tensors[y].quantization.scale[0]) if self.whole else None
        return self.together("MUL", x, y, self.vector(name, self._size(x), self._bounds[y], scale))

    def squashed(self, op: str, x: int, name: str) -> int:
        output = self.unit(name, self._size(x))
        self.writer.operator(op, [x], [output])
        return output

    def _size(self, x: int) -> int:
        return int(self.writer.subgraph.tensors[x].shape[-1])


def int16_scale(bound: float) -> float:
    """Three times a power of two: LiteRT adds int16 of scales that are powers of two in a way of its own."""
    return float(3 * 2.0 ** math.ceil(math.log2(bound / 32767 / 3)))


def _gru_reset_after(to: Steps, x: int, h: int, cell: Cell) -> int:
    n = cell.units
    x_gates, x_new = to.split(to.dense(x, "kernel", cell.kernel, cell.bias), (2 * n, n))
    h_gates, h_new = to.split(to.dense(h, "recurrent", cell.recurrent, cell.recurrent_bias), (2 * n, n))
    update, reset = to.split(to.squashed("LOGISTIC", to.sum("sums", x_gates, h_gates), "gates"), (n, n))
    remembered = to.product("remembered", reset, h_new)
    return _mixed(to, h, update, to.squashed("TANH", to.sum("new_sums", x_new, remembered), "new"))


def _gru(to: Steps, x: int, h: int, cell: Cell) -> int:
    n = cell.units
    x_gates, x_new = to.split(to.dense(x, "kernel", cell.kernel, cell.bias), (2 * n, n))
    h_gates = to.dense(h, "recurrent", cell.recurrent[: 2 * n])
    update, reset = to.split(to.squashed("LOGISTIC", to.sum("sums", x_gates, h_gates), "gates"), (n, n))
    h_new = to.dense(to.product("remembered", reset, h), "candidate", cell.recurrent[2 * n :])
    return _mixed(to, h, update, to.squashed("TANH", to.sum("new_sums", x_new, h_new), "new"))


def _mixed(to: Steps, h: int, update: int, new: int) -> int:
    """``update · h + (1 - update) · new``."""
    size = int(to.writer.subgraph.tensors[h].shape[-1])
    away = to.together("SUB", h, new, to.vector("away", size, 2.0))
    return to.together("ADD", new, to.product("kept", update, away), to.unit("hidden_next", size))


def _simple_rnn(to: Steps, x: int, h: int, cell: Cell) -> int:
    x_sums, h_sums = to.dense(x, "kernel", cell.kernel, cell.bias), to.dense(h, "recurrent", cell.recurrent)
    return to.squashed("TANH", to.sum("sums", x_sums, h_sums), "hidden_next")


CELLS: Mapping[str, Callable[[Steps, int, int, Cell], int]] = MappingProxyType(
    {"GRU": _gru, "GRU, reset after": _gru_reset_after, "SimpleRNN": _simple_rnn}
)
"""By kind: writes a cell's operators and returns the next hidden state."""


def read_cell(kind: str, constants: Mapping[str, Array], stateful: bool) -> Cell:
    """The cell whose float32 operators have these ``constants``, by name. Raises ``KeyError`` for other constants."""
    recurrent = constants["recurrent"]
    if "candidate" in constants:
        recurrent = np.concatenate([recurrent, constants["candidate"]])
    none = np.zeros(len(recurrent), np.float32)
    bias, recurrent_bias = (constants.get(name, none) for name in ("kernel/bias", "recurrent/bias"))
    return Cell(kind, constants["kernel"], recurrent, bias, recurrent_bias, stateful)
