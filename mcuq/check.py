"""What stands between a model and a board, told before building and without a toolchain: layers that mcuq does not
compile, the kernels that the others run on, and how much memory and time they take.

The arena and the constants are exact for these kernels; code, stack and cycles are estimated. No file is written.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq.board import Bank, Board
from mcuq.cmsis_nn import CmsisNN
from mcuq.code_estimate import code_estimates
from mcuq.core import core_named
from mcuq.errors import BudgetError, McuqError, UnsupportedError
from mcuq.fit import NOTHING, Choice, Goals, search, surveyed
from mcuq.frontend.blockers import BlockedError, Blocker
from mcuq.image import DoesNotFitError
from mcuq.kernels.base import Target
from mcuq.model import Model, Progress, float_note, load_model, model_name
from mcuq.planner.choose import CodeOf, LayerOptions
from mcuq.quantize.request import Request
from mcuq.reference import Reference
from mcuq.report import Count

SCHEMA_VERSION = 1
CORE = "cortex-m4"
"""Kernels are chosen for it where no board is given."""
SAMPLES = 2
"""Random ones that a float model is quantized with: sizes do not depend on them."""
FIRMWARE_CODE_BYTES = 5_600
LAYER_CODE_BYTES = 150
"""For a layer's calls and parameters."""
BESIDE_BYTES = 250
"""Variables of the firmware beside its two buffers for frames."""
STACK_BYTES = 800
UNKNOWN = Count()


@dataclass(frozen=True, slots=True)
class CheckedLayer:
    """A layer with its kernel and what it brings: bytes of constants (counted) and cycles (estimated)."""

    name: str
    op: str
    kernel: str
    constant_bytes: int
    cycles: int


@dataclass(frozen=True, slots=True)
class Check:
    """What was found. Numbers are None where blockers or another error keep them from being known.

    ``fits`` is None with neither a board nor a budget. Cycles are by the kernels' own cost functions, for memory
    without wait states.
    """

    model: str
    board: str | None
    core: str
    error: McuqError | None = None
    blockers: tuple[Blocker, ...] = ()
    layers: tuple[CheckedLayer, ...] = ()
    arena: Count = UNKNOWN
    state: Count = UNKNOWN
    constants: Count = UNKNOWN
    code: Count = UNKNOWN
    flash: Count = UNKNOWN
    ram: Count = UNKNOWN
    cycles: Count = UNKNOWN
    flash_limit_bytes: int | None = None
    ram_limit_bytes: int | None = None
    fits: bool | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> str:
        """One JSON object, keys in a fixed order."""
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("error", "blockers", "layers")
        }
        values = {name: dataclasses.asdict(v) if isinstance(v, Count) else v for name, v in values.items()}
        return json.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "command": "check",
                **values,
                "error": None if self.error is None else self.error.message,
                "blockers": [dataclasses.asdict(blocker) for blocker in self.blockers],
                "layers": [dataclasses.asdict(layer) for layer in self.layers],
            },
            indent=2,
        )


def check(
    path: Path,
    data: str | None,
    board: Board | None,
    cmsis_nn: CmsisNN | None,
    goals: Goals,
    progress: Progress,
    request: Request | None = None,
    *,
    stream: bool = False,
) -> Check:
    """Check the model at ``path``. What keeps it from being compiled is told in the result's ``error``, not raised.

    Raises ``UsageError`` when there is no such model or data, ``ToolError`` when TensorFlow or the quantizer is needed
    and missing.
    """
    core = core_named(CORE) if board is None else board.core_with_fpu
    found = Check(model_name(path), None if board is None else board.name, core.name)
    try:
        model = load_model(path, data, progress, SAMPLES, request, stream=stream)
        Reference(model.tflite)  # the referee must take the model, as for a build
        target = Target(core, frozenset() if cmsis_nn is None else cmsis_nn.functions)
        checked = surveyed(model.graph, NOTHING, target, goals.policy)
    except BlockedError as error:
        return dataclasses.replace(found, error=error, blockers=error.blockers)
    except UnsupportedError as error:
        return dataclasses.replace(found, error=error)
    code_of = code_estimates(cmsis_nn)
    tried: list[Check] = []

    def attempt(choice: Choice) -> Check:
        tried.append(_described(found, model, choice, checked.layers, code_of, board))
        _check_fits(tried[-1], board, goals)
        return tried[-1]

    try:
        best = search([checked], target, goals, lambda: code_of, attempt)
    except BudgetError as error:
        closest = min(tried, key=lambda one: (one.ram.value or 0) + (one.flash.value or 0))
        return dataclasses.replace(closest, error=error, fits=False)
    limited = board is not None or goals.flash_bytes is not None or goals.ram_bytes is not None
    return dataclasses.replace(best, fits=True if limited else None)


def _described(
    found: Check, model: Model, choice: Choice, surveyed: Sequence[LayerOptions], code_of: CodeOf, board: Board | None
) -> Check:
    """``found`` with the layers and the sizes of ``choice``."""
    (plan,) = choice.plans
    steps, core = plan.program.steps, plan.program.target.core
    cycles = {(one.layer.name, option.kernel): option.cycles for one in surveyed for option in one.options}
    pieces = {piece for step in steps for piece in code_of(step.lowering)}
    constants = sum(step.lowering.constant_bytes for step in steps)
    hot = LAYER_CODE_BYTES * len(steps) + sum(piece.bytes for piece in pieces)
    state = sum(tensor.type.bytes for tensor in plan.program.graph.states)
    beside = STACK_BYTES + BESIDE_BYTES + state + (0 if board is None else 2 * board.link.payload_bytes)
    copied = _copied(board, constants, hot)
    return dataclasses.replace(
        found,
        layers=tuple(
            CheckedLayer(
                step.layer.name,
                step.layer.op,
                step.kernel,
                step.lowering.constant_bytes,
                cycles.get((step.layer.name, step.kernel), 0),
            )
            for step in steps
        ),
        arena=Count("counted", plan.arena_bytes),
        state=Count("counted", state),
        constants=Count("counted", constants),
        code=Count("estimated", FIRMWARE_CODE_BYTES + hot),
        flash=Count("estimated", FIRMWARE_CODE_BYTES + hot + constants),
        ram=Count("estimated", plan.arena_bytes + beside + sum(copied.values())),
        cycles=Count("estimated", choice.cost.cycles),
        flash_limit_bytes=None if board is None else board.flash_bytes,
        ram_limit_bytes=None if board is None else board.ram_bytes,
        notes=(*model.notes, *float_note(model.graph, None if board is None else core), *choice.notes),
    )


def _copied(board: Board | None, constants: int, hot: int) -> Counter[str]:
    """Bytes by RAM bank of what start-up copies there, where the board's placement wants it."""
    copied: Counter[str] = Counter()
    for role, size in (("weights", constants), ("hot", hot)):
        bank = None if board is None else board.placement.banks().get(role)
        if bank is not None:
            copied[bank] += size
    return copied


def _check_fits(found: Check, board: Board | None, goals: Goals) -> None:
    """Raises ``DoesNotFitError`` for more than a bank of the board holds, or than ``goals`` allow."""
    flash, ram = (count.value or 0 for count in (found.flash, found.ram))
    over = {} if board is None else _over(found, board)
    lines = [
        f"{bank.kind} {bank.name!r}: about {bank.size + excess:,} B needed (estimated), the board has {bank.size:,} B"
        for bank, excess in over.items()
    ]
    excesses = {kind: sum(excess for bank, excess in over.items() if bank.kind == kind) for kind in ("flash", "ram")}
    for kind, needed, limit in (("flash", flash, goals.flash_bytes), ("ram", ram, goals.ram_bytes)):
        if limit is not None and needed > limit:
            lines.append(f"{kind}: about {needed:,} B needed (estimated), --{kind} allows {limit:,} B")
            excesses[kind] = max(excesses[kind], needed - limit)
    if lines:
        raise DoesNotFitError(
            f"the model does not fit {'the budget' if board is None else board.name}",
            tuple(lines),
            "`mcuq boards` lists larger ones",
            excesses["flash"],
            excesses["ram"],
        )


def _over(found: Check, board: Board) -> dict[Bank, int]:
    """The bytes by which banks of ``board`` are too small, those that are."""
    place = board.placement
    arena, flash, ram = (count.value or 0 for count in (found.arena, found.flash, found.ram))
    needs = Counter(_copied(board, found.constants.value or 0, (found.code.value or 0) - FIRMWARE_CODE_BYTES))
    needs[place.data] += ram - arena - sum(needs.values())
    needs[place.arena] += arena
    needs[place.code] += flash
    return {
        board.bank(name): needed - board.bank(name).size
        for name, needed in needs.items()
        if needed > board.bank(name).size
    }
