"""Calls of C kernels, as values: what lowering makes of a layer and what one template prints.

Names of tensors are graph names; names of constants and structs are suffixes that code generation puts the layer's
identifier before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class TensorPointer:
    """The address of an activation in the arena, or of a byte inside it: in round i of a loop that of
    ``offset_bytes + i * step_bytes``."""

    name: str
    offset_bytes: int = 0
    step_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ConstantPointer:
    """The address of one of the lowering's constants. ``mutable_c_type`` casts const away, where interfaces lack it."""

    name: str
    mutable_c_type: str | None = None


@dataclass(frozen=True, slots=True)
class ScratchPointer:
    """The address of the layer's scratch memory in the arena, or of a byte inside it; NULL when it has none."""

    offset_bytes: int = 0


@dataclass(frozen=True, slots=True)
class KeptPointer:
    """The address of the memory that the layer keeps from the first inference on, or of a byte inside it."""

    offset_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Struct:
    """A parameter struct, printed as ``static const`` with designated initialisers and passed by address."""

    c_type: str
    name: str
    fields: tuple[tuple[str, Value], ...]


Value = int | str | ConstantPointer | ScratchPointer | KeptPointer | Struct
Argument = int | str | TensorPointer | ConstantPointer | ScratchPointer | KeptPointer | Struct
"""An int is printed as a literal, a str as the C constant that it names (an enumerator, NULL)."""


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A table in flash: an array of integers or of float32 and what it holds, in words. ``coded``: bytes to be decoded,
    whose CRC is checked before the first inference.
    """

    name: str
    values: npt.NDArray[np.generic]
    comment: str = ""
    coded: bool = False


@dataclass(frozen=True, slots=True)
class KernelCall:
    """``function(arguments)``. ``success`` names the status that means success; None for a function returning void."""

    function: str
    arguments: tuple[Argument, ...]
    header: str
    success: str | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """The output may lie over the activation ``input`` that ends here, ``distance_bytes`` or more before its start.

    0: the output may take the input's very place. The kernel then writes no byte that it has yet to read. ``exact``: it
    may start at that distance only, as with kernels that go through one channel after another. ``after``: it starts
    that far after the input's start instead, as with kernels that go from the last pixel to the first.
    """

    input: str
    distance_bytes: int
    exact: bool = False
    after: bool = False

    def together_bytes(self, input_bytes: int, output_bytes: int) -> int:
        """The fewest bytes that hold both."""
        first, second = (input_bytes, output_bytes) if self.after else (output_bytes, input_bytes)
        return max(first, self.distance_bytes + second)


@dataclass(frozen=True, slots=True)
class Part:
    """The activation ``inner`` is bytes of the activation ``outer``, from ``offset_bytes`` on: nothing is copied.

    Of an input that is split, the outputs are the inner ones; of inputs that are joined, the output is the outer one.
    """

    inner: str
    outer: str
    offset_bytes: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """``calls`` calls from number ``first`` on run ``rounds`` times, one after the other."""

    first: int
    calls: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Lowering:
    """How a kernel runs one layer: its calls, the constants they read, scratch in the arena, and C sources to link.

    ``definitions`` are macros of the calls' headers that define functions which the calls need, specialised by
    literals; each is expanded once for the whole model. ``sources`` are relative to the kernel library's source folder.
    ``overlaps`` say which inputs the first output may lie over; it stays clear of all others. No call at all: ``parts``
    say which of inputs and outputs lie in which; where there are none, the output aliases the first input. ``repeat``:
    some of the calls are a loop. ``once``: calls before the first inference, which fill ``kept_bytes`` of memory that
    stays; meanwhile they need ``making_bytes`` from its start on, and none of the arena.
    """

    calls: tuple[KernelCall, ...]
    constants: tuple[Constant, ...] = ()
    scratch_bytes: int = 0
    sources: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    parts: tuple[Part, ...] = ()
    repeat: Repeat | None = None
    once: tuple[KernelCall, ...] = ()
    kept_bytes: int = 0
    making_bytes: int = 0

    @property
    def constant_bytes(self) -> int:
        return sum(constant.values.nbytes for constant in self.constants)
