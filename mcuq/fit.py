"""Models into images that fit: kernels are chosen, memory is planned, and the result is linked; when it is larger than
the board or than what was asked for, again with less to spend. Works in a folder that it fills.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mcuq.board import Board, simulated_board
from mcuq.cmsis_nn import CmsisNN
from mcuq.codegen.image import generate_image
from mcuq.codegen.names import image_identifier
from mcuq.errors import UsageError
from mcuq.image import (
    DoesNotFitError,
    Image,
    board_toolchain,
    compile_kernels,
    compile_models,
    link_image,
    remove_objects,
)
from mcuq.ir import Graph
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels.base import Target
from mcuq.planner.arena import Plan, plan
from mcuq.planner.choose import (
    Budget,
    Choices,
    CodeOf,
    Cost,
    Cycles,
    LayerOptions,
    Optimize,
    Piece,
    arena_worth,
    choose,
    ram_levels,
    survey,
    with_cycles,
)
from mcuq.planner.joined import least_plan
from mcuq.planner.keep import keep
from mcuq.planner.lower import KernelPolicy, lower
from mcuq.planner.stream import stream

ATTEMPTS = 6
"""Linking that many times at most; each attempt spends what the one before was over."""

RAM_LEVELS = 6
"""Plans made at most when RAM is to be least; a plan takes up to half a second."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Goals:
    """What to make small, and the most bytes of flash and RAM that the whole image may take (None: the board's)."""

    optimize: Optimize = Optimize.BALANCED
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    policy: KernelPolicy = KernelPolicy.AUTO


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a model before kernels are chosen: ``choices`` are kernels that are settled, by layer;
    ``cycles`` are better known than the kernels' own estimates."""

    choices: Choices = field(default_factory=dict)
    cycles: Cycles = field(default_factory=dict)


NOTHING = Known()


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A model to fit, with what is known of it and the options of its layers."""

    graph: Graph
    known: Known
    layers: tuple[LayerOptions, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Images with the plans, by the models' names, and the generated files that they were made from."""

    plans: Mapping[str, Plan]
    files: Mapping[str, str]
    image: Image
    simulated: Image | None
    notes: tuple[str, ...] = ()


def fit(
    models: Mapping[str, tuple[Graph, Known]], board: Board, cmsis_nn: CmsisNN | None, goals: Goals, folder: Path
) -> Fitted:
    """Write sources and images of the ``models``, by name, for ``board`` into ``folder``.

    Raises ``DoesNotFitError`` with the numbers when no choice of kernels fits, ``UsageError`` for wrong ``choices`` and
    names that C cannot tell apart.
    """
    target = Target(board.core_with_fpu, frozenset() if cmsis_nn is None else cmsis_nn.functions)
    found = [
        surveyed(dataclasses.replace(graph, name=name), known, target, goals.policy)
        for name, (graph, known) in models.items()
    ]
    return search(
        found,
        target,
        goals,
        lambda: compile_kernels(_layers(found), cmsis_nn, board_toolchain(board), folder),
        lambda choice: _filled(choice, tuple(models), board, cmsis_nn, goals, folder),
    )


def surveyed(graph: Graph, known: Known, target: Target, policy: KernelPolicy) -> Surveyed:
    """``graph`` with its options, for ``search``. Raises ``UsageError`` when ``known.choices`` cannot be."""
    return Surveyed(graph, known, with_cycles(settled(survey(graph, target, policy), known.choices), known.cycles))


def _layers(models: Iterable[Surveyed]) -> tuple[LayerOptions, ...]:
    return tuple(layer for model in models for layer in model.layers)


def search(
    models: Sequence[Surveyed],
    target: Target,
    goals: Goals,
    code: Callable[[], CodeOf],
    attempt: Callable[[Choice], Result],
) -> Result:
    """What ``attempt`` makes of the best choice of kernels, or of another where it says that one does not fit.

    ``code`` is asked for when sizes of code matter. Raises ``DoesNotFitError`` when nothing fits.
    """
    layers = _layers(models)
    code_of: CodeOf = _no_code
    if goals.optimize is not Optimize.SPEED or goals.flash_bytes is not None:
        code_of = code()
    budget, streams = Budget(), goals.optimize is Optimize.RAM
    missed: list[tuple[DoesNotFitError, Choice]] = []
    for _ in range(ATTEMPTS):
        found = _chosen(models, target, goals, budget, code_of, streams)
        try:
            return attempt(found)
        except DoesNotFitError as error:
            over = error
        missed.append((over, found))
        if over.flash_excess and code_of is _no_code:
            code_of = code()
            found = _chosen(models, target, goals, budget, code_of, streams)
        budget = Budget(
            found.cost.flash_bytes - over.flash_excess if over.flash_excess else budget.flash_bytes,
            found.lower_bound_bytes - over.ram_excess if over.ram_excess else budget.ram_bytes,
        )
        if choose(layers, goals.optimize, budget, code_of)[0] == found.kernels:
            if streams or not over.ram_excess:
                break
            streams = True
    closest, tried = min(missed, key=lambda miss: miss[0].flash_excess + miss[0].ram_excess)
    details = (*closest.details, *_largest(tried))
    raise DoesNotFitError(closest.message, details, closest.hint, closest.flash_excess, closest.ram_excess) from closest


@dataclass(frozen=True, slots=True)
class Choice:
    """Kernels for all layers, what they cost, and the plan of each model; ``notes`` say what was given up for it."""

    kernels: tuple[str, ...]
    cost: Cost
    plans: tuple[Plan, ...]
    notes: tuple[str, ...] = ()

    @property
    def arena_bytes(self) -> int:
        """Of the arena that all models share."""
        return max(plan.arena_bytes for plan in self.plans)

    @property
    def lower_bound_bytes(self) -> int:
        return max(plan.lower_bound_bytes for plan in self.plans)


def _chosen(
    models: Sequence[Surveyed], target: Target, goals: Goals, budget: Budget, code_of: CodeOf, streams: bool
) -> Choice:
    """The best choice of kernels. For little RAM several are planned: bounds do not tell enough."""
    layers = _layers(models)

    def made(graph: Graph, chosen: Choices) -> Plan:
        if goals.optimize is Optimize.SPEED and budget.ram_bytes is None:
            return plan(lower(graph, target, goals.policy, chosen))
        return least_plan(graph, target, goals.policy, chosen)

    def planned(optimize: Optimize, one: Budget) -> Choice:
        kernels, cost = choose(layers, optimize, one, code_of)
        rest = iter(kernels)
        choices = [{layer.layer.name: next(rest) for layer in model.layers} for model in models]
        return Choice(kernels, cost, tuple(made(m.graph, chosen) for m, chosen in zip(models, choices, strict=True)))

    if goals.optimize is not Optimize.RAM:
        first = planned(goals.optimize, budget)
        return _streamed(first, first, first, models, goals, budget) if streams else first
    first = planned(Optimize.SPEED, budget)
    limits = {min(level, budget.ram_bytes or level) for level in ram_levels(layers)[:RAM_LEVELS]}
    tried = [first, *(planned(Optimize.SPEED, Budget(budget.flash_bytes, limit)) for limit in sorted(limits))]
    best = min(tried, key=lambda choice: arena_worth(choice.arena_bytes, choice.cost.cycles))
    return _streamed(best, first, planned(Optimize.BALANCED, Budget()), models, goals, budget)


def _streamed(
    best: Choice, quickest: Choice, usual: Choice, models: Sequence[Surveyed], goals: Goals, budget: Budget
) -> Choice:
    """``best``, or ``quickest`` with first layers row by row where that needs less memory: those of the model that
    needs most, then, while that saves more, of the next. What it saves and takes is told against the ``usual`` choice.
    """
    found = quickest
    ranges: list[str] = []
    while len(ranges) < len(models):
        largest = max(range(len(models)), key=lambda index: found.plans[index].arena_bytes)
        whole = found.plans[largest]
        if whole.program.stages or (ranges and budget.ram_bytes is not None and found.arena_bytes <= budget.ram_bytes):
            break
        made = stream(whole, goals.policy, models[largest].known.choices, budget.ram_bytes)
        if made is None or made.plan.arena_bytes >= whole.arena_bytes:
            break
        (stage,) = made.plan.program.stages
        first, last = (made.plan.program.steps[index].layer.name for index in (stage.first, stage.last))
        of = f" of {made.plan.program.graph.name}" if len(models) > 1 else ""
        ranges.append(f"{first} to {last}{of}")
        found = Choice(
            quickest.kernels,
            dataclasses.replace(found.cost, cycles=found.cost.cycles + made.extra_cycles),
            (*found.plans[:largest], made.plan, *found.plans[largest + 1 :]),
        )
    if not ranges or found.arena_bytes >= best.arena_bytes:
        return best
    note = (
        f"layers {', '.join(ranges)} run a few rows at a time: an arena of {found.arena_bytes:,} B instead of "
        f"{usual.arena_bytes:,} B, for {found.cost.cycles / 1e6:.2f} M cycles instead of "
        f"{usual.cost.cycles / 1e6:.2f} M by the kernels' own estimates (`mcuq estimate` counts)"
    )
    return dataclasses.replace(found, notes=(note,))


def _no_code(_lowering: Lowering) -> frozenset[Piece]:
    """For speed alone, nobody asks how large code is."""
    return frozenset()


def settled(surveyed: Sequence[LayerOptions], choices: Choices) -> tuple[LayerOptions, ...]:
    """``surveyed`` with one option left for each layer that ``choices`` names.

    Raises ``UsageError`` when such a layer does not exist, or the kernel does not run it.
    """
    names = {layer.layer.name for layer in surveyed}
    if unknown := sorted(set(choices) - names):
        raise UsageError(
            f"a kernel is chosen for a layer that the model does not have: {unknown[0]!r}",
            hint="`mcuq tune` again: the model has changed",
        )
    found = []
    for layer in surveyed:
        name = choices.get(layer.layer.name)
        options = layer.options if name is None else tuple(o for o in layer.options if o.kernel == name)
        if not options:
            raise UsageError(
                f"kernel {name!r} does not run layer {layer.layer.name} ({layer.layer.op}) exactly on this core",
                hint=f"kernels that do: {', '.join(option.kernel for option in layer.options)}",
            )
        found.append(LayerOptions(layer.layer, options))
    return tuple(found)


def _filled(
    found: Choice, names: Sequence[str], board: Board, cmsis_nn: CmsisNN | None, goals: Goals, folder: Path
) -> Fitted:
    """What ``_linked`` makes, with decoded weights in the RAM that is left where that was said to be there for it: by
    ``--ram``, or by asking for speed alone.
    """
    fitted = _linked(found, names, board, cmsis_nn, goals, folder)
    given = goals.optimize is Optimize.SPEED or (goals.ram_bytes is not None and goals.optimize is not Optimize.RAM)
    if not given:
        return fitted
    kept = keep(found.plans, (goals.ram_bytes or board.ram_bytes) - fitted.image.ram_bytes)
    if kept is None:
        return fitted
    plans, note = kept
    try:
        more = dataclasses.replace(found, plans=plans, notes=(*found.notes, note))
        return _linked(more, names, board, cmsis_nn, goals, folder)
    except DoesNotFitError:  # the RAM that is left is in another bank, or the flash is all taken
        return _linked(found, names, board, cmsis_nn, goals, folder)


def _linked(
    found: Choice, names: Sequence[str], board: Board, cmsis_nn: CmsisNN | None, goals: Goals, folder: Path
) -> Fitted:
    """The board's image, and the one for the machine that stands in for it, from the same objects of the models."""
    banks = ", ".join(f"{role} in {bank}" for role, bank in board.placement.banks().items())
    plans = dict(zip(names, found.plans, strict=True))
    files = generate_image(plans, f"{board.name}: {banks}")
    (folder / "src").mkdir(exist_ok=True)
    for file, text in files.items():
        (folder / "src" / file).write_text(text, encoding="utf-8")
    sources = [file for file in files if file.endswith(".c")]
    objects = compile_models(found.plans, sources, cmsis_nn, board_toolchain(board), folder)
    identifier = image_identifier(names)
    image = link_image(board, objects, identifier, folder)
    _check_budget(image, goals)
    simulated = None
    if board.simulate_on is not None:
        simulated = link_image(simulated_board(board), objects, identifier, folder, "sim")
    remove_objects(folder)
    return Fitted(plans, files, image, simulated, found.notes)


def _check_budget(image: Image, goals: Goals) -> None:
    """Raises ``DoesNotFitError`` for an image that fits its board, but not what the user allows."""
    flash = max(0, image.sizes.flash_bytes - (goals.flash_bytes or image.sizes.flash_bytes))
    ram = max(0, image.ram_bytes - (goals.ram_bytes or image.ram_bytes))
    if not flash and not ram:
        return
    lines = []
    if flash:
        lines.append(f"flash: needs {image.sizes.flash_bytes:,} B, --flash allows {goals.flash_bytes:,} B")
    if ram:
        lines.append(f"RAM: needs {image.ram_bytes:,} B with its stack, --ram allows {goals.ram_bytes:,} B")
    raise DoesNotFitError("the model does not fit the budget", tuple(lines), "allow more", flash, ram)


def _largest(found: Choice) -> tuple[str, ...]:
    """What takes the room: the arena with the layer that needs most of it, and the tables in flash."""

    def of(planned: Plan) -> str:
        return f" of {planned.program.graph.name}" if len(found.plans) > 1 else ""

    largest = max(found.plans, key=lambda planned: planned.arena_bytes)
    alive = [
        (sum(p.buffer.bytes for p in largest.placements if p.buffer.first <= index <= p.buffer.last), step.layer.name)
        for index, step in enumerate(largest.program.steps)
    ]
    most, layer = max(alive)
    tables = [
        (step.lowering.constant_bytes, f"{step.layer.name}{of(planned)}")
        for planned in found.plans
        for step in planned.program.steps
    ]
    return (
        f"arena {largest.arena_bytes:,} B of RAM; most at layer {layer}{of(largest)}, where {most:,} B are alive "
        "together",
        f"weights and tables {sum(size for size, _ in tables):,} B of flash; most, {max(tables)[0]:,} B, "
        f"at layer {max(tables)[1]}",
    )
