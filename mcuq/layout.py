"""What each part of a built model leaves in the arena, and which kernels it is linked with; kept in the build folder.

A part is what runs of a layer at a stretch: all of it, or a few of its rows. States lie elsewhere and are not told of.
Values and their JSON; nothing is run.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcuq.errors import UsageError
from mcuq.kernels.base import CMSIS_NN
from mcuq.planner.arena import Plan
from mcuq.planner.lower import Step
from mcuq.planner.stage import Stage

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Write:
    """When ``part`` parts of layers are done, ``bytes`` bytes of ``tensor``, an output of the layer numbered ``layer``,
    from its byte ``start`` on, stand at ``offset`` of the arena."""

    part: int
    layer: int
    tensor: str
    start: int
    bytes: int
    offset: int


@dataclass(frozen=True, slots=True)
class Layout:
    """``writes`` in the order in which they happen; C files of the image's kernels by the folder of their library."""

    writes: tuple[Write, ...]
    own_sources: tuple[str, ...]
    cmsis_nn_sources: tuple[str, ...]

    def as_json(self) -> str:
        """A JSON object with one line for each write."""
        rows = ",\n".join(f"    {json.dumps(list(dataclasses.astuple(write)))}" for write in self.writes)
        head = {"schema_version": SCHEMA_VERSION, "own_sources": self.own_sources,
                "cmsis_nn_sources": self.cmsis_nn_sources}  # fmt: skip
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
        return "\n".join(["{", *lines, '  "writes": [', rows, "  ]", "}"]) + "\n"

    @staticmethod
    def from_json(text: str) -> Layout:
        """What ``as_json`` wrote. Raises ``ValueError``, ``KeyError`` or ``TypeError`` for anything else."""
        values: dict[str, Any] = json.loads(text)
        if values["schema_version"] != SCHEMA_VERSION:
            raise ValueError("another schema_version")
        writes = tuple(Write(int(p), int(n), str(t), int(s), int(b), int(o)) for p, n, t, s, b, o in values["writes"])
        return Layout(writes, tuple(map(str, values["own_sources"])), tuple(map(str, values["cmsis_nn_sources"])))


def layout_of(plan: Plan, image: Iterable[Plan]) -> Layout:
    """The layout of a model as ``plan`` lays it out and its images, of all models of ``image``, are linked."""
    sources: dict[bool, set[str]] = {True: set(), False: set()}
    for step in (step for one in image for step in one.program.steps):
        sources[step.library == CMSIS_NN].update(step.lowering.sources)
    return Layout(tuple(_writes(plan)), tuple(sorted(sources[False])), tuple(sorted(sources[True])))


def _writes(plan: Plan) -> Iterator[Write]:
    part = 0
    for index, step in enumerate(plan.program.steps):
        stage = plan.program.stage_of(index)
        if stage is None:
            part += 1
            yield from _whole(plan, part, index, step)
        elif index == stage.first:
            yield from _of_stage(plan, part, stage)
            part += len(stage.written)


def _whole(plan: Plan, part: int, index: int, step: Step) -> Iterator[Write]:
    for tensor in step.layer.written:
        yield Write(part, index, tensor.name, 0, tensor.type.bytes, plan.offset(tensor.name))


def _of_stage(plan: Plan, before: int, stage: Stage) -> Iterator[Write]:
    for number, (index, written) in enumerate(zip(stage.parts(), stage.written, strict=True), 1):
        tensor = plan.program.steps[index].layer.output.name
        yield Write(
            before + number, index, tensor, written.start, written.bytes, plan.offset(tensor) + written.at
        )  # fmt: skip


def read_layout(file: Path) -> Layout:
    """The layout that a build wrote to ``file``. Raises ``UsageError`` when it is missing or damaged."""
    try:
        return Layout.from_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is missing or damaged", details=(str(error)[:200],), hint="build again") from error
