"""Loops: rounds of a stage that call the same functions with pointers that go on evenly become one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from mcuq.ir.kernel_call import Argument, KernelCall, TensorPointer
from mcuq.planner.stage import Round, StageCall


def rolled(rounds: Sequence[Round]) -> tuple[Round, ...]:
    """Rounds of the same calls, whose pointers go on evenly, as one."""
    result: list[Round] = []
    for one in rounds:
        longer = _continued(result[-1], one) if result else None
        if longer is None:
            result.append(one)
        else:
            result[-1] = longer
    return tuple(result)


def _continued(run: Round, following: Round) -> Round | None:
    """``run`` and ``following`` as one, or None."""
    if len(run.calls) != len(following.calls):
        return None
    calls: list[StageCall] = []
    for before, after in zip(run.calls, following.calls, strict=True):
        call = _same_call(run.count, before.call, after.call)
        if call is None or before.step != after.step:
            return None
        calls.append(StageCall(before.step, call))
    return Round(run.count + 1, tuple(calls))


def _same_call(count: int, before: KernelCall, after: KernelCall) -> KernelCall | None:
    if before.function != after.function or len(before.arguments) != len(after.arguments):
        return None
    arguments: list[Argument] = []
    for one, other in zip(before.arguments, after.arguments, strict=True):
        if isinstance(one, TensorPointer) and isinstance(other, TensorPointer) and one.name == other.name:
            step = one.step_bytes if count > 1 else other.offset_bytes - one.offset_bytes
            if one.offset_bytes + count * step != other.offset_bytes or step < 0:
                return None
            arguments.append(dataclasses.replace(one, step_bytes=step))
        elif one == other:
            arguments.append(one)
        else:
            return None
    return dataclasses.replace(before, arguments=tuple(arguments))
