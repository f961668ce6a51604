"""RAM that is left, filled with decoded weights: those that save the most cycles a byte are decoded once, and stay."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcuq.ir.kernel_call import Lowering
from mcuq.kernels import kernels_of
from mcuq.planner.arena import Plan, plan
from mcuq.planner.lower import Step


@dataclass(frozen=True, slots=True)
class _Option:
    """A step, by model and place, whose weights can stay."""

    model: int
    place: int
    lowering: Lowering
    saved_cycles: int


def kept_bytes(lowerings: Sequence[Lowering]) -> int:
    """What a model keeps, layer after layer; while one's is made, it may need what those behind it have."""
    begins = itertools.accumulate((lowering.kept_bytes for lowering in lowerings), initial=0)
    return max((at + lowering.making_bytes for at, lowering in zip(begins, lowerings, strict=False)), default=0)


def keep(plans: Sequence[Plan], room_bytes: int) -> tuple[tuple[Plan, ...], str] | None:
    """``plans`` with decoded weights of some layers in up to ``room_bytes`` of RAM, and what that brings, in words."""
    options = sorted(
        (option for number, planned in enumerate(plans) for option in _options(number, planned)),
        key=lambda option: (-option.saved_cycles / option.lowering.kept_bytes, option.model, option.place),
    )
    steps = [list(planned.program.steps) for planned in plans]
    taken: list[_Option] = []
    for option in options:
        before = steps[option.model][option.place]
        steps[option.model][option.place] = dataclasses.replace(before, lowering=option.lowering)
        if _all_bytes(steps) > room_bytes:
            steps[option.model][option.place] = before
        else:
            taken.append(option)
    if not taken:
        return None
    saved = sum(option.saved_cycles for option in taken) / 1e6
    note = (
        f"the weights of {len(taken)} layer{'s' * (len(taken) > 1)} are decoded once and stay in RAM, "
        f"{_all_bytes(steps):,} B (counted): {saved:.2f} M cycles less by the kernels' own estimates"
    )
    made = (dataclasses.replace(one.program, steps=tuple(new)) for one, new in zip(plans, steps, strict=True))
    return tuple(plan(program) for program in made), note


def _all_bytes(steps: Sequence[Sequence[Step]]) -> int:
    return sum(kept_bytes([step.lowering for step in one]) for one in steps)


def _options(number: int, planned: Plan) -> Iterator[_Option]:
    program = planned.program
    for place, step in enumerate(program.steps):
        kernel = next((kernel for kernel in kernels_of(step.layer) if kernel.name == step.kernel), None)
        if kernel is None or kernel.kept is None or program.stage_of(place) is not None:
            continue
        saved = kernel.cycles(step.layer, program.target) - kernel.kept.cycles(step.layer, program.target)
        if saved > 0:
            yield _Option(number, place, kernel.kept.lower(step.layer, program.target), saved)
