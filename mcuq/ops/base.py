"""What an operator is: attributes, rules, integer reference and test cases, in one file of this folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.ir import DType, Layer, Quantization, TensorType

Array = npt.NDArray[Any]
Constraint = Callable[[Layer], str | None]
"""A rule: returns None where the layer keeps it, else what was found. Its docstring is the rule, in words."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor of a test case: type, and for constants the values (``random`` draws them from the case's seed)."""

    shape: tuple[int, ...]
    scale: float | tuple[float, ...] | None = None
    zero_point: int = 0
    dtype: DType = DType.INT8
    axis: int = 0
    data: Any = None
    """None: an activation. Otherwise the values of a constant; a string has them drawn from the case's seed:
    ``"random"``, for weights also ``"-8 .. 7"``, ``"16 values"``, ``"16 values each"`` (of each output channel), or
    ``"bell"`` (a normal distribution)."""
    least: int | None = None
    """The least value that tests give an activation, where LiteRT stops on lesser ones."""
    most: int | None = None
    """The greatest one."""

    @property
    def type(self) -> TensorType:
        if self.scale is None:
            return TensorType(self.shape, self.dtype)
        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,)
        scales = tuple(float(np.float32(scale)) for scale in scales)
        return TensorType(self.shape, self.dtype, Quantization(scales, (self.zero_point,) * len(scales), self.axis))


@dataclass(frozen=True, slots=True)
class Case:
    """One layer that the whole ladder of proof is climbed for; ``options`` are fields of its TFLite options table."""

    name: str
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand, ...]
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule, in its own words, and what was found instead."""

    rule: str
    found: str


def in_words(rule: Constraint) -> str:
    """What ``rule`` asks for, on one line."""
    return " ".join((rule.__doc__ or "").split())


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator.

    ``name`` is TFLite's (``CONV_2D``). ``attributes`` makes the operator's attributes from the TFLite options (by
    field name; empty when the file has none) and the layer's tensors, which no rule has been asked about yet: a
    layer that makes no sense may raise ``ValueError``, ``IndexError`` or ``ZeroDivisionError``.
    ``reference`` computes the outputs from all inputs (constants included), byte for byte like LiteRT's reference
    kernel. ``aliases`` is true where the output is the input's bytes in another shape: no kernel runs. ``of_a_byte``
    is true where each element of the output is a function of the input's element in its place alone, which may be a
    byte: one kernel runs all of them by a table, and passes treat them alike. ``in_files`` is false for what only
    passes make: TFLite has no such operator, and so there are no cases. ``moves`` lists what an operator copies that
    only copies (``moves.py``). ``of_shapes``: the outputs follow from the inputs' shapes alone. ``keeps_state`` is
    true where tensors that live from one inference to the next are read or written: a state is then an output too.
    ``ulps``: for functions that LiteRT leaves to a library, by how many units in the last place its answer may differ
    from the reference's, which the kernels give; ``ulps_of_input``: units of the input's last place, where that is
    greater.
    """

    name: str
    attributes: Callable[[Mapping[str, Any], Layer], Any]
    constraints: tuple[Constraint, ...]
    reference: Callable[[Layer, Sequence[Array | None]], tuple[Array, ...]]
    cases: tuple[Case, ...]
    aliases: bool = False
    of_a_byte: bool = False
    in_files: bool = True
    moves: Callable[[Layer, Sequence[Array], Sequence[Array]], Iterable[tuple[Array, Array]]] | None = None
    of_shapes: bool = False
    keeps_state: bool = False
    ulps: int = 0
    ulps_of_input: bool = False

    def broken(self, layer: Layer) -> Broken | None:
        """What is wrong with ``layer``, from the first rule that it breaks; None when mcuq compiles it.

        Rules are asked in order, so a rule may rely on those before it.
        """
        states = [t.name for t in (*layer.inputs, *layer.outputs) if t is not None and t.state]
        if states and not self.keeps_state:
            return Broken("no variables", f"{states[0]!r} is a variable, which this operator does not take")
        found = ((rule, rule(layer)) for rule in self.constraints)
        return next((Broken(in_words(rule), broken) for rule, broken in found if broken is not None), None)

    def broken_rule(self, layer: Layer) -> str | None:
        """What ``broken`` found."""
        broken = self.broken(layer)
        return None if broken is None else broken.found
