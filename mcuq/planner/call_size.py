"""What calling kernels takes in flash beside their code and tables: structs of parameters, and the calls themselves.

Structs are counted as a compiler lays them out, once for all layers that have them alike; code of calls is estimated.
"""

from __future__ import annotations

from collections.abc import Iterator

from mcuq.ir.kernel_call import ConstantPointer, Lowering, ScratchPointer, Struct, Value

ARGUMENT_BYTES = 5
CALL_BYTES = 6
"""Of Thumb code that loads an argument, half of them with a literal, and that calls and goes on."""

CHECK_BYTES = 28
"""Of code that checks a table of coded weights."""


def calling_bytes(lowering: Lowering) -> int:
    """Estimated code of the lowering's calls, and of the checks of its tables."""
    calls = sum(CALL_BYTES + ARGUMENT_BYTES * len(call.arguments) for call in lowering.calls)
    return calls + CHECK_BYTES * sum(constant.coded for constant in lowering.constants)


def structs_of(lowering: Lowering) -> Iterator[Struct]:
    """The structs that the lowering's calls are given."""
    return (argument for call in lowering.calls for argument in call.arguments if isinstance(argument, Struct))


def struct_bytes(struct: Struct) -> int:
    """Size of ``struct``: its members are words, bools and structs."""
    end = 0
    for size, alignment in (_layout(value) for _, value in struct.fields):
        end = -(-end // alignment) * alignment + size
    return -(-end // 4) * 4


def _layout(value: Value) -> tuple[int, int]:
    if isinstance(value, Struct):
        return struct_bytes(value), 4
    return (1, 1) if value in ("true", "false") else (4, 4)


def shared_name(struct: Struct) -> str | None:
    """The same for structs that layers share; None where pointers make it the layer's own."""
    return None if _points(struct) else f"{struct.c_type} {struct.fields}"


def _points(struct: Struct) -> bool:
    values = [value for _, value in struct.fields]
    return any(
        isinstance(v, ConstantPointer | ScratchPointer) or (isinstance(v, Struct) and _points(v)) for v in values
    )
