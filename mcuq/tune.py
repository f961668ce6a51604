"""Try every kernel that runs a layer, for every layer, then where arena, weights and hot code may lie; keep the best.

A round is one image, in which each layer has its next kernel; so there are as many rounds as the layer with most
kernels has. Placements come after, one image each, with the kernels chosen. Nothing is written but images to try.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from mcuq.bench import Bench, DoesNotRunError
from mcuq.board import COPIED_ROLES, Board, placed
from mcuq.build import BuildOptions, Source, build, found_cmsis_nn
from mcuq.built import Built, load_models
from mcuq.errors import BudgetError, RunError
from mcuq.fit import NOTHING, Goals, Known
from mcuq.kernels.base import Target
from mcuq.model import Model, Progress
from mcuq.planner.choose import Optimize, survey
from mcuq.tuned import Tuned, TunedLayer

NO_NEWS: Mapping[str, Known] = MappingProxyType({})
WORTH = 0.01
"""The share of the cycles that another placement must save: what is copied to RAM takes RAM."""


@dataclass(frozen=True, slots=True)
class Places:
    """``settled``: the banks of roles that are not to be tried; ``tried``: whether any other is."""

    settled: Mapping[str, str]
    tried: bool


@dataclass(frozen=True, slots=True)
class Move:
    """A role put into another memory bank, and the cycles of all layers then, or why there are none."""

    role: str
    bank: str
    cycles: int | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Moves:
    """What was moved to try it, and the cycles of all layers before and with the moves that were kept."""

    tried: tuple[Move, ...]
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class TuneResult:
    """What was found, a file a model; the cycles of the kernels of all, and of those that a build without them would
    choose; what was moved (None: nothing was tried)."""

    tuned: tuple[Tuned, ...]
    tuned_cycles: int
    untuned_cycles: int
    moves: Moves | None


def tune(
    models: Sequence[Model],
    board: Board,
    cmsis_nn: Path | None,
    goals: Goals,
    places: Places,
    bench: Bench,
    progress: Progress,
) -> TuneResult:
    """``models`` in one image; ``cmsis_nn`` as in ``BuildOptions``. The choice keeps ``goals`` as a build does.

    Raises ``BudgetError`` when nothing fits, ``MismatchError`` when a kernel computes other bytes than LiteRT, and
    ``RunError`` when an image does not run.
    """
    copy = found_cmsis_nn(goals.policy, cmsis_nn)
    target = Target(board.core_with_fpu, frozenset() if copy is None else copy.functions)
    able = {
        (model.name, one.layer.name): [option.kernel for option in one.options]
        for model in models
        for one in survey(model.graph, target, goals.policy)
    }
    start = placed(board, places.settled)
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        images = _Images(models, cmsis_nn, bench, Path(folder))
        first = {layer: kernels[0] for layer, kernels in able.items()}
        usual = {**first, **_kernels(images.built(start, goals), able)}
        trial, quick = bench.board_for(start), Goals(Optimize.SPEED, policy=goals.policy)
        cycles = try_kernels(able, usual, lambda choices: images.tried(trial, quick, _settled(choices)), progress)
        tried = {layer: list(_of(layer, cycles)) for layer in able}
        best = _kernels(images.built(start, goals, _with_cycles(cycles)), tried)
        roles = _roles(bench.roles(start), places, goals.optimize)
        where, moves = try_places(
            start, roles, lambda there: sum(images.tried(there, goals, _settled(best)).values()), progress
        )
    own = board.placement.banks().items()
    moved = {role: bank for role, bank in where.placement.banks().items() if (role, bank) not in own}
    tuned = tuple(
        Tuned(
            schema_version=1,
            model=model.name,
            board=board.name,
            core=board.core,
            kind=images.kind,
            optimize=goals.optimize.value,
            placement=moved,
            layer=[
                TunedLayer(name=layer, kernel=kernel, cycles=_of((name, layer), cycles))
                for (name, layer), kernel in best.items()
                if name == model.name
            ],
        )
        for model in models
    )
    after, before = (sum(cycles[entry] for entry in choice.items()) for choice in (best, usual))
    return TuneResult(tuned, after, before, moves)


Layer = tuple[str, str]
"""A model's name and one of its layers'."""

Key = TypeVar("Key", str, tuple[str, str])


def _settled(choices: Mapping[Layer, str]) -> Mapping[str, Known]:
    """What is known of each model with the kernels of ``choices``."""
    names = dict.fromkeys(model for model, _ in choices)
    return {name: Known({layer: k for (model, layer), k in choices.items() if model == name}) for name in names}


def _with_cycles(cycles: Mapping[tuple[Layer, str], int]) -> Mapping[str, Known]:
    """What is known of each model from ``cycles``."""
    names = dict.fromkeys(model for (model, _), _ in cycles)
    return {
        name: Known(cycles={(layer, k): spent for ((model, layer), k), spent in cycles.items() if model == name})
        for name in names
    }


def _kernels(models: Sequence[Built], able: Mapping[Layer, Sequence[str]]) -> dict[Layer, str]:
    """The kernels of a build by layer, but for those that run layers row by row alone: these are not chosen here."""
    found = {(built.model.name, layer.name): layer.kernel for built in models for layer in built.report.layers}
    return {layer: kernel for layer, kernel in found.items() if kernel in able.get(layer, ())}


def _of(layer: Key, cycles: Mapping[tuple[Key, str], int]) -> dict[str, int]:
    """What each kernel of ``layer`` took."""
    return {kernel: spent for (name, kernel), spent in cycles.items() if name == layer}


def try_kernels(
    able: Mapping[Key, Sequence[str]],
    usual: Mapping[Key, str],
    attempt: Callable[[Mapping[Key, str]], Mapping[Key, int]],
    progress: Progress,
) -> Mapping[tuple[Key, str], int]:
    """The cycles of every layer with each of its kernels, which ``able`` names, but for those that fit in no image.

    ``attempt`` gives the cycles by layer of an image with these kernels. Raises ``BudgetError`` when the ``usual``
    kernels do not fit.
    """
    others = {name: [kernel for kernel in kernels if kernel != usual[name]] for name, kernels in able.items()}
    rounds = max((len(kernels) for kernels in others.values()), default=0)
    found: dict[tuple[Key, str], int] = {}
    for number in range(rounds + 1):
        progress("trying kernels", number, rounds + 1)
        changed = {name: kernels[number - 1] for name, kernels in others.items() if 0 < number <= len(kernels)}
        for part, cycles in _fitting(changed, usual, attempt):
            found.update(((name, kernel), cycles[name]) for name, kernel in (part or usual).items())
    progress("trying kernels", rounds + 1, rounds + 1)
    return found


def _fitting(
    changed: Mapping[Key, str], usual: Mapping[Key, str], attempt: Callable[[Mapping[Key, str]], Mapping[Key, int]]
) -> Iterator[tuple[Mapping[Key, str], Mapping[Key, int]]]:
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
    """Images of the models, built one after the other into one folder, and tried. ``kind`` is that of their cycles."""

    def __init__(self, models: Sequence[Model], cmsis_nn: Path | None, bench: Bench, folder: Path) -> None:
        self.kind = ""
        self._cmsis_nn = cmsis_nn
        self._bench = bench
        self._folder = folder / "build"
        self._files = {model.name: folder / f"{model.name}.tflite" for model in models}
        for model in models:
            self._files[model.name].write_bytes(model.tflite)
        self._steps = frozenset(model.name for model in models if model.sliding is not None)

    def built(self, board: Board, goals: Goals, known: Mapping[str, Known] = NO_NEWS) -> tuple[Built, ...]:
        """Raises ``BudgetError`` when it does not fit ``board`` or ``goals``."""
        sources = tuple(
            Source(file, name, known=known.get(name, NOTHING), stream=name in self._steps)
            for name, file in self._files.items()
        )
        build(BuildOptions(sources, board, self._folder, goals, self._cmsis_nn), _quiet)
        return load_models(self._folder)

    def tried(self, board: Board, goals: Goals, known: Mapping[str, Known]) -> Mapping[Layer, int]:
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
