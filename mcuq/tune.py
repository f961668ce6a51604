"""Try every kernel that runs a layer, for every layer, then where arena, weights and hot code may lie; keep the best.

A round is one image, in which each layer has its next kernel; so there are as many rounds as the layer with most
kernels has. Placements come after, one image each, with the kernels chosen. Nothing is written but images to try.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq.bench import Bench, DoesNotRunError
from mcuq.board import COPIED_ROLES, Board, placed
from mcuq.build import BuildOptions, Source, build, found_cmsis_nn
from mcuq.built import Built, load_built
from mcuq.errors import BudgetError, RunError
from mcuq.fit import NOTHING, Goals, Known
from mcuq.kernels.base import Target
from mcuq.model import Model, Progress
from mcuq.planner.choose import Choices, Cycles, Optimize, survey
from mcuq.report import Report
from mcuq.tuned import Tuned, TunedLayer

WORTH = 0.01
"""The share of the cycles that another placement must save: what is copied to RAM takes RAM."""


@dataclass(frozen=True, slots=True)
class Places:
    """``settled``: the banks of roles that are not to be tried; ``tried``: whether any other is."""

    settled: Mapping[str, str]
    tried: bool


@dataclass(frozen=True, slots=True)
class Move:
    """A role put into another memory bank, and the cycles of the whole model then, or why there are none."""

    role: str
    bank: str
    cycles: int | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Moves:
    """What was moved to try it, and the cycles of the whole model before and with the moves that were kept."""

    tried: tuple[Move, ...]
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class TuneResult:
    """What was found; the cycles of its kernels, and of those that a build without it would choose; what was moved
    (None: nothing was tried)."""

    tuned: Tuned
    tuned_cycles: int
    untuned_cycles: int
    moves: Moves | None


def tune(
    model: Model, board: Board, cmsis_nn: Path | None, goals: Goals, places: Places, bench: Bench, progress: Progress
) -> TuneResult:
    """``cmsis_nn`` as in ``BuildOptions``. The choice keeps ``goals`` as a build does.

    Raises ``BudgetError`` when nothing fits, ``MismatchError`` when a kernel computes other bytes than LiteRT, and
    ``RunError`` when an image does not run.
    """
    copy = found_cmsis_nn(goals.policy, cmsis_nn)
    target = Target(board.core_with_fpu, frozenset() if copy is None else copy.functions)
    surveyed = survey(model.graph, target, goals.policy)
    able = {one.layer.name: [option.kernel for option in one.options] for one in surveyed}
    start = placed(board, places.settled)
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        images = _Images(model, cmsis_nn, bench, Path(folder))
        first = {name: kernels[0] for name, kernels in able.items()}
        usual = {**first, **_kernels(images.built(start, goals).report, able)}
        trial, quick = bench.board_for(start), Goals(Optimize.SPEED, policy=goals.policy)
        cycles = try_kernels(able, usual, lambda choices: images.tried(trial, quick, Known(choices)), progress)
        tried = {name: list(_of(name, cycles)) for name in able}
        best = _kernels(images.built(start, goals, Known(cycles=cycles)).report, tried)
        roles = _roles(bench.roles(start), places, goals.optimize)
        where, moves = try_places(
            start, roles, lambda there: sum(images.tried(there, goals, Known(best)).values()), progress
        )
    own = board.placement.banks().items()
    tuned = Tuned(
        schema_version=1,
        model=model.name,
        board=board.name,
        core=board.core,
        kind=images.kind,
        optimize=goals.optimize.value,
        placement={role: bank for role, bank in where.placement.banks().items() if (role, bank) not in own},
        layer=[TunedLayer(name=name, kernel=kernel, cycles=_of(name, cycles)) for name, kernel in best.items()],
    )
    after, before = (sum(cycles[entry] for entry in choice.items()) for choice in (best, usual))
    return TuneResult(tuned, after, before, moves)


def _kernels(report: Report, able: Mapping[str, Sequence[str]]) -> Choices:
    """The kernels of a build by layer, but for those that run layers row by row alone: these are not chosen here."""
    return {layer.name: layer.kernel for layer in report.layers if layer.kernel in able.get(layer.name, ())}


def _of(layer: str, cycles: Cycles) -> dict[str, int]:
    """What each kernel of ``layer`` took."""
    return {kernel: spent for (name, kernel), spent in cycles.items() if name == layer}


def try_kernels(
    able: Mapping[str, Sequence[str]],
    usual: Choices,
    attempt: Callable[[Choices], Mapping[str, int]],
    progress: Progress,
) -> Cycles:
    """The cycles of every layer with each of its kernels, which ``able`` names, but for those that fit in no image.

    ``attempt`` gives the cycles by layer of an image with these kernels. Raises ``BudgetError`` when the ``usual``
    kernels do not fit.
    """
    others = {name: [kernel for kernel in kernels if kernel != usual[name]] for name, kernels in able.items()}
    rounds = max((len(kernels) for kernels in others.values()), default=0)
    found: dict[tuple[str, str], int] = {}
    for number in range(rounds + 1):
        progress("trying kernels", number, rounds + 1)
        changed = {name: kernels[number - 1] for name, kernels in others.items() if 0 < number <= len(kernels)}
        for part, cycles in _fitting(changed, usual, attempt):
            found.update(((name, kernel), cycles[name]) for name, kernel in (part or usual).items())
    progress("trying kernels", rounds + 1, rounds + 1)
    return found


def _fitting(
    changed: Choices, usual: Choices, attempt: Callable[[Choices], Mapping[str, int]]
) -> Iterator[tuple[Choices, Mapping[str, int]]]:
    """``changed`` kernels, all others being usual, in as few images as fit; one that fits in none is left out."""
    try:
        cycles = attempt({**usual, **changed})
    except BudgetError:
        if not changed:
            raise
        names = sorted(changed)
        halves = (names[: len(names) // 2], names[len(names) // 2 :]) if len(names) > 1 else ()
        for half in halves:
            yield from _fitting({name: changed[name] for name in half}, usual, attempt)
        return
    yield changed, cycles


def _roles(told: Sequence[str], places: Places, optimize: Optimize) -> tuple[str, ...]:
    """What to try in other banks, of what the bench can tell of. Where RAM is to be least, nothing is copied to it."""
    if not places.tried:
        return ()
    return tuple(
        role
        for role in told
        if role not in places.settled and (optimize is not Optimize.RAM or role not in COPIED_ROLES)
    )


def try_places(
    board: Board, roles: Sequence[str], attempt: Callable[[Board], int], progress: Progress
) -> tuple[Board, Moves | None]:
    """``board`` with each role, one after the other, where the model takes the fewest cycles, and all that was tried.

    ``attempt`` gives the cycles of an image for a board, or raises ``BudgetError`` or ``DoesNotRunError``. When a role
    is tried, those before are settled: a bank that the arena fills has no room for weights. So there is one image for
    each role and bank, not one for each way to place them all.
    """
    planned = [
        (role, bank.name)
        for role in roles
        for bank in board.memory
        if bank.kind == "ram" and board.placement.banks().get(role) != bank.name
    ]
    if not planned:
        return board, None
    images = len(planned) + 1
    progress("trying placements", 0, images)
    before = attempt(board)
    best, least = board, before
    moves: list[Move] = []
    for role in roles:
        for bank in (bank for moved, bank in planned if moved == role):
            progress("trying placements", 1 + len(moves), images)
            moves.append(_moved(best, role, bank, attempt))
        tried = ((move.cycles, move.bank) for move in moves if move.role == role and move.cycles is not None)
        cycles, bank = min(tried, default=(least, ""), key=lambda found: found[0])
        if cycles < (1 - WORTH) * least:
            best, least = placed(best, {role: bank}), cycles
    progress("trying placements", images, images)
    return best, Moves(tuple(moves), before, least)


def _moved(board: Board, role: str, bank: str, attempt: Callable[[Board], int]) -> Move:
    """A bank that is too small, or that no code runs from, is no choice."""
    try:
        return Move(role, bank, attempt(placed(board, {role: bank})))
    except (BudgetError, DoesNotRunError) as error:
        return Move(role, bank, None, error.message)


class _Images:
    """Images of one model, built one after the other into one folder, and tried. ``kind`` is that of their cycles."""

    def __init__(self, model: Model, cmsis_nn: Path | None, bench: Bench, folder: Path) -> None:
        self.kind = ""
        self._cmsis_nn = cmsis_nn
        self._bench = bench
        self._folder = folder / "build"
        self._file = folder / f"{model.name}.tflite"
        self._file.write_bytes(model.tflite)

    def built(self, board: Board, goals: Goals, known: Known = NOTHING) -> Built:
        """Raises ``BudgetError`` when it does not fit ``board`` or ``goals``."""
        source = Source(self._file, known=known)
        build(BuildOptions((source,), board, self._folder, goals, self._cmsis_nn), _quiet)
        return load_built(self._folder)

    def tried(self, board: Board, goals: Goals, known: Known) -> Mapping[str, int]:
        """Cycles by layer. Raises ``RunError`` when they are not of the ``kind`` of those before."""
        found = self._bench.tried(self.built(board, goals, known))
        if self.kind not in ("", found.kind):
            raise RunError(
                f"{board.name} does not run as it did in the rounds before",
                details=(f"before: {self.kind}", f"now:    {found.kind}"),
                hint="look at its crystal and its power, and tune again",
            )
        self.kind = found.kind
        return found.cycles


def _quiet(_stage: str, _done: int, _of: int) -> None:
    """No progress: an image is one step of it."""
