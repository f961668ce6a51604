"""mcuq's copying kernel: runs every layer of every operator that only moves elements, from the operator's moves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mcuq.ir import Layer, Tensor
from mcuq.ir.kernel_call import Argument, Constant, ConstantPointer, KernelCall, Lowering, Part, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, table
from mcuq.kernels.work import per_output
from mcuq.ops import operators
from mcuq.ops.base import Array
from mcuq.ops.concatenation import requantizes

WIDTHS = (4, 2, 1)
COPY = "mcuq_copy"
ALIGNMENT = 8
"""Bytes: parts of a tensor that stay where they are begin at multiples, as tensors of their own do."""

BLOCK_BYTES = 24
"""Runs from this length on are worth a call of memcpy."""


@dataclass(frozen=True, slots=True)
class Loop:
    """``size`` steps of so many bytes in the input and in the output."""

    size: int
    input_step: int
    output_step: int


@dataclass(frozen=True, slots=True)
class Walk:
    """A move as loops, outermost first, around runs of bytes that lie together in input and output."""

    run_bytes: int
    loops: tuple[Loop, ...]


def walk(to: Array, source: Array) -> Walk:
    """The fewest loops that copy ``source`` to ``to``, in an order that is quick."""
    loops: list[Loop] = []
    for size, input_step, output_step in zip(to.shape, source.strides, to.strides, strict=True):
        if size == 1:
            continue
        if loops and (loops[-1].input_step, loops[-1].output_step) == (size * input_step, size * output_step):
            loops.append(Loop(loops.pop().size * size, input_step, output_step))
        else:
            loops.append(Loop(size, input_step, output_step))
    run_bytes = to.itemsize
    if loops and loops[-1].input_step == loops[-1].output_step == run_bytes:
        run_bytes *= loops.pop().size
    # Loops may run in any order: the longest is the innermost, whose rounds cost least.
    if loops:
        longest = max(loops, key=lambda loop: loop.size)
        loops.remove(longest)
        loops.append(longest)
    return Walk(run_bytes, tuple(loops))


def jumps(loops: Sequence[Loop]) -> Iterator[Loop]:
    """The same loops with their steps counted from where the loops within them have ended."""
    for index, loop in enumerate(loops):
        within = loops[index + 1 :]
        back_in = sum((inner.size - 1) * inner.input_step for inner in within)
        back_out = sum((inner.size - 1) * inner.output_step for inner in within)
        yield Loop(loop.size, loop.input_step - back_in, loop.output_step - back_out)


def address(view: Array) -> int:
    """Where the first element lies."""
    found: int = view.__array_interface__["data"][0]
    return found


def _offset(pointer: TensorPointer | ConstantPointer) -> int:
    return pointer.offset_bytes if isinstance(pointer, TensorPointer) else 0


class _Calls:
    """The calls and constants of one layer, made move by move."""

    def __init__(self, layer: Layer) -> None:
        self.constants: dict[tuple[bytes, str], Constant] = {}
        self.calls: list[KernelCall] = []
        self.activations: list[tuple[Tensor, Array]] = []
        inputs = [self._array(tensor) for tensor in layer.inputs if tensor is not None]
        outputs = [self._array(tensor) for tensor in layer.outputs]
        moves = operators()[layer.op].moves
        assert moves is not None
        for to, source in moves(layer, inputs, outputs):
            if to.size:
                self._add(to, source)

    def _array(self, tensor: Tensor) -> Array:
        """An array like ``tensor``: a constant's values, or the place of an activation."""
        if tensor.data is not None:
            return tensor.data
        array: Array = np.empty(tensor.shape, tensor.type.dtype.numpy)
        self.activations.append((tensor, array))
        return array

    def _add(self, to: Array, source: Array) -> None:
        output = self._pointer(to)
        assert output is not None
        given: TensorPointer | ConstantPointer | None = self._pointer(source)
        if given is None:
            # A constant: its values in the order in which they are read, repeated ones once.
            once = source[tuple(slice(0, 1) if step == 0 else slice(None) for step in source.strides)]
            values = np.ascontiguousarray(once)
            source = np.broadcast_to(values, source.shape)
            given = self._constant("values", values.view(np.uint8) if values.dtype == bool else values)
        taken = walk(to, source)
        loop = taken.loops[-1] if taken.loops else Loop(1, 0, 0)
        steps = [step for one in taken.loops for step in (one.input_step, one.output_step)]
        common = math.gcd(taken.run_bytes, output.offset_bytes, _offset(given), *steps)
        width = 0 if taken.run_bytes >= BLOCK_BYTES else next(width for width in WIDTHS if common % width == 0)
        outer = tuple(jumps(taken.loops[:-1]))
        params = Struct(
            "mcuq_copy_params",
            f"params_{len(self.calls)}",
            (
                ("width", width),
                ("run", taken.run_bytes // max(width, 1)),
                ("count", loop.size),
                ("input_step", loop.input_step),
                ("output_step", loop.output_step),
                ("depth", len(outer)),
            ),
        )
        rows = [(one.size, one.input_step, one.output_step) for one in outer]
        loops: Argument = self._constant("loops", table(rows, "int32")) if rows else "NULL"
        self.calls.append(KernelCall("mcuq_copy", (params, loops, given, output), header="mcuq_copy.h"))

    def _pointer(self, view: Array) -> TensorPointer | None:
        """Where in an activation ``view`` begins; None for constants."""
        for tensor, array in self.activations:
            offset = address(view) - address(array)
            if 0 <= offset < array.nbytes:
                return TensorPointer(tensor.name, offset)
        return None

    def _constant(self, role: str, values: Array) -> ConstantPointer:
        """A pointer to the constant; the same values are kept once."""
        key = values.tobytes(), values.dtype.name
        if key not in self.constants:
            self.constants[key] = Constant(f"{role}_{len(self.constants)}", values)
        return ConstantPointer(self.constants[key].name)


def lower(layer: Layer, _target: Target) -> Lowering:
    made = _Calls(layer)
    return Lowering(
        calls=tuple(made.calls),
        constants=tuple(made.constants.values()),
        sources=("mcuq_copy.c",),
    )


def parts_of_input(layer: Layer) -> tuple[Part, ...]:
    """The outputs as bytes of the one activation that is read, where they are all of it, one after the other (SPLIT
    and UNPACK along the outermost axis); none where they are not. Parts are aligned like buffers.
    """
    moves = operators()[layer.op].moves
    read = [tensor for tensor in layer.inputs if tensor is not None and not tensor.constant]
    written = sum(tensor.type.bytes for tensor in layer.outputs)
    if moves is None or len(read) != 1 or not all(tensor.in_arena for tensor in (*read, *layer.outputs)):
        return ()
    if written != read[0].type.bytes:
        return ()
    place = np.empty(read[0].shape, read[0].type.dtype.numpy)
    inputs = [place if t is read[0] else t.data for t in layer.inputs if t is not None]
    outputs = [np.empty(tensor.shape, tensor.type.dtype.numpy) for tensor in layer.outputs]
    made = list(moves(layer, [array for array in inputs if array is not None], outputs))
    parts = []
    for (to, source), tensor, array in zip(made, layer.outputs, outputs, strict=False):
        offset = address(source) - address(place)
        is_whole = address(to) == address(array) and walk(to, source) == Walk(array.nbytes, ())
        if not is_whole or not 0 <= offset < place.nbytes or offset % ALIGNMENT:
            return ()
        parts.append(Part(tensor.name, read[0].name, offset))
    return tuple(parts) if len(made) == len(outputs) else ()


def parts_of_output(layer: Layer) -> tuple[Part, ...]:
    """The activations that are read as bytes of the output, where they are all of it, one after the other (PACK and
    CONCATENATION along the outermost axis); none where they are not. Parts are aligned like buffers.
    """
    moves = operators()[layer.op].moves
    read = [tensor for tensor in layer.inputs if tensor is not None]
    if moves is None or len(read) < 2 or len({tensor.name for tensor in read}) < len(read) or refuses(layer, None):
        return ()
    if not all(tensor.in_arena for tensor in (*read, *layer.outputs)) or len(layer.outputs) != 1:
        return ()
    place = np.empty(layer.output.shape, layer.output.type.dtype.numpy)
    inputs = [np.empty(tensor.shape, tensor.type.dtype.numpy) for tensor in read]
    made = list(moves(layer, inputs, [place]))
    parts = []
    for (to, source), tensor, array in zip(made, read, inputs, strict=False):
        offset = address(to) - address(place)
        is_whole = address(source) == address(array) and walk(to, source) == Walk(array.nbytes, ())
        if not is_whole or offset % ALIGNMENT:
            return ()
        parts.append(Part(tensor.name, layer.output.name, offset))
    return tuple(parts) if len(made) == len(read) and sum(x.nbytes for x in inputs) == place.nbytes else ()


def refuses(layer: Layer, _target: Target | None) -> str | None:
    requantized = layer.op == "CONCATENATION" and requantizes(layer)
    return "inputs and output are quantized differently" if requantized else None


KERNELS = tuple(
    Kernel(COPY, MCUQ, operator.name, refuses, lower, per_output(3))
    for operator in operators().values()
    if operator.moves is not None
)
