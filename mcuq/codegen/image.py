"""The models of an image into C: the files of each, the arena that several share, and the firmware's view of them all.

Text only: nothing is compiled or written here. The same plans give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcuq import __version__
from mcuq.codegen.model import arena_bytes, generate
from mcuq.codegen.names import check_distinct, image_identifier, model_identifier
from mcuq.codegen.render import render
from mcuq.planner.arena import Plan

FIRMWARE_VIEW = "mcuq_model.c"


@dataclass(frozen=True, slots=True)
class BufferView:
    """An input or output: where its bytes lie in the arena. ``fed``: an input that is read while the model runs."""

    offset: int
    bytes: int
    fed: bool


@dataclass(frozen=True, slots=True)
class ModelView:
    """What the firmware knows of a model. ``checks``: it has coded weights, whose CRCs are checked once. A run of the
    step of a sliding window takes ``steps``, and has one input, of all of them; before each, the buffers ``taken`` are
    written.
    """

    number: int
    name: str
    inputs: tuple[BufferView, ...]
    outputs: tuple[BufferView, ...]
    states: bool
    checks: bool
    fed: bool
    steps: int
    taken: tuple[BufferView, ...]

    @property
    def resets(self) -> bool:
        """Is there anything to do before a run?"""
        return self.states or self.checks


def generate_image(plans: Mapping[str, Plan], place: str) -> Mapping[str, str]:
    """The generated files by name for models by name, in this order; ``place`` says in a line where they run.

    Raises ``UsageError`` when the names of two models cannot be told apart in C.
    """
    check_distinct(plans)
    several = len(plans) > 1
    arena = f"{image_identifier(plans)}_arena"
    files: dict[str, str] = {}
    for name, plan in plans.items():
        files |= generate(plan, name, f"{name} for {place}", arena if several else None)
    most = max(map(arena_bytes, plans.values()))
    models = [model_identifier(name) for name in plans]
    if several:
        values = {"arena": arena, "ARENA": arena.upper(), "arena_bytes": most, "models": models, "version": __version__}
        files |= {f"{arena}.{kind}": render(f"arena.{kind}.j2", **values) for kind in "hc"}
    view = render(
        "mcuq_model.c.j2",
        arena=arena,
        layers=max(len(plan.program.steps) for plan in plans.values()),
        models=[_view(number, *one) for number, one in enumerate(plans.items())],
        build_id=", ".join(f"0x{byte:02x}U" for byte in build_id(files)),
        version=__version__,
    )
    return {**files, FIRMWARE_VIEW: view}


def build_id(files: Mapping[str, str]) -> bytes:
    """16 bytes that tell generated code from all other: the device reports them, the host compares."""
    texts = "".join(text for name, text in sorted(files.items()) if name != FIRMWARE_VIEW)
    return hashlib.sha256(texts.encode()).digest()[:16]


def _view(number: int, name: str, plan: Plan) -> ModelView:
    graph, fed = plan.program.graph, plan.program.fed_input

    def buffers(tensors: Sequence[str]) -> tuple[BufferView, ...]:
        return tuple(BufferView(plan.offset(one), graph.tensors[one].type.bytes, one == fed) for one in tensors)

    inputs, outputs = buffers(graph.inputs), buffers(graph.outputs)
    checks = any(constant.coded for step in plan.program.steps for constant in step.lowering.constants)
    taken = tuple(one for one in inputs if not one.fed)
    if graph.steps:
        inputs = (BufferView(0, graph.steps * sum(one.bytes for one in inputs), True),)
    return ModelView(
        number, model_identifier(name), inputs, outputs, bool(graph.states), checks, fed is not None, graph.steps, taken
    )
