"""A model into images that fit: kernels are chosen, memory is planned, and the result is linked; when it is larger than
the board or than what was asked for, again with less to spend. Works in a folder that it fills.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mcuq.board import Board, simulated_board
from mcuq.cmsis_nn import CmsisNN
from mcuq.codegen.model import generate
from mcuq.codegen.names import model_identifier
from mcuq.errors import BudgetError, UsageError
from mcuq.image import (
    DoesNotFitError,
    Image,
    board_toolchain,
    compile_kernels,
    compile_model,
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
from mcuq.planner.lower import KernelPolicy, lower
from mcuq.planner.stream import stream

ATTEMPTS = 6
"""Linking that many times at most; each attempt spends what the one before was over."""

RAM_LEVELS = 6
"""Plans made at most when RAM is to be least; a plan takes up to half a second."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Goals:
    """What to make small, and the most bytes of flash and RAM that the whole image may take (None: the board's).

    ``choices`` are kernels that are settled, by layer; ``cycles`` are better known than the kernels' own estimates.
    """

    optimize: Optimize = Optimize.BALANCED
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    policy: KernelPolicy = KernelPolicy.AUTO
    choices: Choices = field(default_factory=dict)
    cycles: Cycles = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Images with the plan and the generated files that they were made from."""

    plan: Plan
    files: Mapping[str, str]
    image: Image
    simulated: Image | None
    notes: tuple[str, ...] = ()


def fit(graph: Graph, name: str, board: Board, cmsis_nn: CmsisNN | None, goals: Goals, folder: Path) -> Fitted:
    """Write sources and images for ``board`` into ``folder``.

    Raises ``BudgetError`` with the numbers when no choice of kernels fits, ``UsageError`` for wrong ``choices``.
    """
    target = Target(board.core_with_fpu, frozenset() if cmsis_nn is None else cmsis_nn.functions)
    surveyed = with_cycles(settled(survey(graph, target, goals.policy), goals.choices), goals.cycles)
    return search(
        graph,
        target,
        surveyed,
        goals,
        lambda: compile_kernels(surveyed, cmsis_nn, board_toolchain(board), folder),
        lambda found: _linked(found, name, board, cmsis_nn, goals, folder),
    )


def search(
    graph: Graph,
    target: Target,
    surveyed: Sequence[LayerOptions],
    goals: Goals,
    code: Callable[[], CodeOf],
    attempt: Callable[[Choice], Result],
) -> Result:
    """What ``attempt`` makes of the best choice of kernels, or of another where it says that one does not fit.

    ``code`` is asked for when sizes of code matter. Raises ``BudgetError`` when nothing fits.
    """
    code_of: CodeOf = _no_code
    if goals.optimize is not Optimize.SPEED or goals.flash_bytes is not None:
        code_of = code()
    budget, streams = Budget(), goals.optimize is Optimize.RAM
    missed: list[tuple[DoesNotFitError, Plan]] = []
    for _ in range(ATTEMPTS):
        found = _chosen(graph, target, surveyed, goals, budget, code_of, streams)
        try:
            return attempt(found)
        except DoesNotFitError as error:
            over = error
        missed.append((over, found.plan))
        if over.flash_excess and code_of is _no_code:
            code_of = code()
            found = _chosen(graph, target, surveyed, goals, budget, code_of, streams)
        budget = Budget(
            found.cost.flash_bytes - over.flash_excess if over.flash_excess else budget.flash_bytes,
            found.plan.lower_bound_bytes - over.ram_excess if over.ram_excess else budget.ram_bytes,
        )
        if choose(surveyed, goals.optimize, budget, code_of)[0] == found.choices:
            if streams or not over.ram_excess:
                break
            streams = True
    closest, planned = min(missed, key=lambda miss: miss[0].flash_excess + miss[0].ram_excess)
    raise BudgetError(closest.message, details=(*closest.details, *_largest(planned)), hint=closest.hint) from closest


@dataclass(frozen=True, slots=True)
class Choice:
    """Kernels for all layers, what they cost, and their plan; ``notes`` say what was given up for it."""

    choices: Choices
    cost: Cost
    plan: Plan
    notes: tuple[str, ...] = ()


def _chosen(
    graph: Graph,
    target: Target,
    surveyed: Sequence[LayerOptions],
    goals: Goals,
    budget: Budget,
    code_of: CodeOf,
    streams: bool,
) -> Choice:
    """The best choice of kernels. For little RAM several are planned: bounds do not tell enough."""

    def planned(optimize: Optimize, one: Budget) -> Choice:
        choices, cost = choose(surveyed, optimize, one, code_of)
        return Choice(choices, cost, plan(lower(graph, target, goals.policy, choices)))

    if goals.optimize is not Optimize.RAM:
        first = planned(goals.optimize, budget)
        return _streamed(first, first, first, goals, budget) if streams else first
    first = planned(Optimize.SPEED, budget)
    limits = {min(level, budget.ram_bytes or level) for level in ram_levels(surveyed)[:RAM_LEVELS]}
    tried = [first, *(planned(Optimize.SPEED, Budget(budget.flash_bytes, limit)) for limit in sorted(limits))]
    best = min(tried, key=lambda choice: arena_worth(choice.plan.arena_bytes, choice.cost.cycles))
    return _streamed(best, first, planned(Optimize.BALANCED, Budget()), goals, budget)


def _streamed(best: Choice, quickest: Choice, usual: Choice, goals: Goals, budget: Budget) -> Choice:
    """``best``, or ``quickest`` with its first layers row by row where that needs less memory.

    What it saves and takes is told against the ``usual`` choice.
    """
    made = stream(quickest.plan, goals.policy, goals.choices, budget.ram_bytes)
    if made is None or made.plan.arena_bytes >= best.plan.arena_bytes:
        return best
    (stage,) = made.plan.program.stages
    first, last = (made.plan.program.steps[index].layer.name for index in (stage.first, stage.last))
    cycles = (quickest.cost.cycles + made.extra_cycles) / 1e6
    note = (
        f"layers {first} to {last} run a few rows at a time: an arena of {made.plan.arena_bytes:,} B instead of "
        f"{usual.plan.arena_bytes:,} B, for {cycles:.2f} M cycles instead of {usual.cost.cycles / 1e6:.2f} M by the "
        f"kernels' own estimates (`mcuq estimate` counts)"
    )
    cost = dataclasses.replace(quickest.cost, cycles=quickest.cost.cycles + made.extra_cycles)
    return Choice(quickest.choices, cost, made.plan, (note,))


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


def _linked(found: Choice, name: str, board: Board, cmsis_nn: CmsisNN | None, goals: Goals, folder: Path) -> Fitted:
    """The board's image, and the one for the machine that stands in for it, from the same model objects."""
    banks = ", ".join(f"{role} in {bank}" for role, bank in board.placement.banks().items())
    files = generate(found.plan, name, f"{name} for {board.name}: {banks}")
    (folder / "src").mkdir(exist_ok=True)
    for file, text in files.items():
        (folder / "src" / file).write_text(text, encoding="utf-8")
    sources = [file for file in files if file.endswith(".c")]
    objects = compile_model(found.plan, sources, cmsis_nn, board_toolchain(board), folder)
    identifier = model_identifier(name)
    image = link_image(board, objects, identifier, folder)
    _check_budget(image, goals)
    simulated = None
    if board.simulate_on is not None:
        simulated = link_image(simulated_board(board), objects, identifier, folder, "sim")
    remove_objects(folder)
    return Fitted(found.plan, files, image, simulated, found.notes)


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


def _largest(planned: Plan) -> tuple[str, ...]:
    """What takes the room: the arena with the layer that needs most of it, and the tables in flash."""
    alive = [
        (sum(p.buffer.bytes for p in planned.placements if p.buffer.first <= index <= p.buffer.last), step.layer.name)
        for index, step in enumerate(planned.program.steps)
    ]
    most, layer = max(alive)
    tables = [(step.lowering.constant_bytes, step.layer.name) for step in planned.program.steps]
    return (
        f"arena {planned.arena_bytes:,} B of RAM; most at layer {layer}, where {most:,} B are alive together",
        f"weights and tables {sum(size for size, _ in tables):,} B of flash; most, {max(tables)[0]:,} B, "
        f"at layer {max(tables)[1]}",
    )
