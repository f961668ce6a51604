"""Which kernel runs each layer: the least cycles, flash or RAM, or a balance of them, within budgets. Pure: code sizes
are handed in.

Layers may be those of several models, which share kernels and an arena. Flash is counted for the models alone: the
constants of every layer, and the code of the kernels, each piece once however many layers share it. RAM is counted
layer by layer: what is alive while a layer runs, its scratch memory with it.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mcuq.ir import Graph, Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels.base import Target
from mcuq.planner.arena import lower_bound_at
from mcuq.planner.lower import KernelPolicy, Program, Step, candidates, lower


class Optimize(enum.Enum):
    """What a choice of kernels is to make small. BALANCED weighs all: one per cent of cycles is worth
    ``CYCLES_WEIGHT`` per cent of flash or of RAM.
    """

    SPEED = "speed"
    BALANCED = "balanced"
    SIZE = "size"
    RAM = "ram"


@dataclass(frozen=True, slots=True)
class Piece:
    """A section of code or of its tables, which is linked once."""

    name: str
    bytes: int


CodeOf = Callable[[Lowering], frozenset[Piece]]
"""The pieces of code that a lowering's calls need."""


@dataclass(frozen=True, slots=True)
class Option:
    """A kernel that runs a layer exactly. ``cycles`` are estimated; ``ram_bytes`` counts all that is then alive."""

    kernel: str
    library: str
    cycles: int
    lowering: Lowering
    ram_bytes: int


@dataclass(frozen=True, slots=True)
class LayerOptions:
    """A layer that some kernel runs, with all its options, quickest first."""

    layer: Layer
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of all models: estimated cycles, flash for constants and kernels, and the RAM of its hungriest layer."""

    cycles: int
    flash_bytes: int
    ram_bytes: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The most bytes that constants and kernels, and the arena, may take; None: as many as they need."""

    flash_bytes: int | None = None
    ram_bytes: int | None = None


Choices = Mapping[str, str]
"""Layer name → kernel."""

Cycles = Mapping[tuple[str, str], int]
"""(layer name, kernel) → cycles."""


def survey(graph: Graph, target: Target, policy: KernelPolicy) -> tuple[LayerOptions, ...]:
    """The options of every layer that has to run.

    Under the policy that prefers CMSIS-NN a layer has options of one library only.
    """
    program = lower(graph, target, policy)
    found: list[LayerOptions] = []
    for index, step in enumerate(program.steps):
        layer = step.layer
        if step.aliases:
            continue
        able, _ = candidates(layer, target, policy)
        if policy is KernelPolicy.CMSIS_NN:
            able = tuple(c for c in able if c.kernel.library == able[0].kernel.library)
        options = []
        for candidate in able:
            name, library = candidate.kernel.name, candidate.kernel.library
            lowering = step.lowering if name == step.kernel else candidate.kernel.lower(layer, target)
            alive = lower_bound_at(index, _replaced(program, index, Step(layer, name, library, lowering)))
            options.append(Option(name, library, candidate.cycles, lowering, alive))
        found.append(LayerOptions(layer, tuple(options)))
    return tuple(found)


def with_cycles(surveyed: Sequence[LayerOptions], cycles: Cycles) -> tuple[LayerOptions, ...]:
    """``surveyed`` with better known ``cycles`` in place of the kernels' estimates.

    Of a layer that ``cycles`` know, kernels that they do not know are left out: these were found not to fit.
    """
    known = {name for name, _ in cycles}
    return tuple(_with_cycles(entry, cycles) if entry.layer.name in known else entry for entry in surveyed)


def _with_cycles(entry: LayerOptions, cycles: Cycles) -> LayerOptions:
    name = entry.layer.name
    options = (
        dataclasses.replace(o, cycles=cycles[name, o.kernel]) for o in entry.options if (name, o.kernel) in cycles
    )
    return LayerOptions(entry.layer, tuple(sorted(options, key=lambda option: (option.cycles, option.kernel))))


def _replaced(program: Program, index: int, step: Step) -> Program:
    return Program(program.graph, program.target, (*program.steps[:index], step, *program.steps[index + 1 :]))


def choose(
    surveyed: Sequence[LayerOptions], optimize: Optimize, budget: Budget, code_of: CodeOf
) -> tuple[tuple[str, ...], Cost]:
    """The best kernel of each layer within ``budget``, and their cost; where none is, those that come closest (linking
    will tell).

    Exact for RAM, which layers do not share. For flash and cycles together a price of a byte in cycles is varied, and
    for each price the layers are settled one by one until nothing changes: near the best, not proven to be.
    """
    picks: list[_Picks] = []
    for limit in _ram_limits(surveyed, optimize, budget.ram_bytes):
        within = _within_ram(surveyed, limit)
        picks.append(_Picks(within, code_of))
        if optimize is not Optimize.SPEED or budget.flash_bytes is not None:
            picks += _front(within, code_of)
    best = min(picks, key=lambda p: _rank(p.cost(), optimize, budget.flash_bytes))
    return best.chosen(), best.cost()


def ram_levels(surveyed: Sequence[LayerOptions]) -> tuple[int, ...]:
    """Budgets of RAM that lead to different choices, the least first: what the hungriest layer may need."""
    least = _least_ram(surveyed)
    return tuple(sorted({max(least, option.ram_bytes) for layer in surveyed for option in layer.options}))


def _ram_limits(surveyed: Sequence[LayerOptions], optimize: Optimize, limit: int | None) -> tuple[int | None, ...]:
    """The budgets of RAM to look for choices within, where RAM counts: a few below what is allowed."""
    if optimize not in (Optimize.BALANCED, Optimize.RAM):
        return (limit,)
    most = max((layer.options[0].ram_bytes for layer in surveyed), default=0)
    below = [level for level in ram_levels(surveyed) if level < min(most, limit or most)]
    return (limit, *(below[:LEVELS] if optimize is Optimize.RAM else below[-LEVELS:]))


def _least_ram(surveyed: Sequence[LayerOptions]) -> int:
    return max((min(option.ram_bytes for option in layer.options) for layer in surveyed), default=0)


def _within_ram(surveyed: Sequence[LayerOptions], limit: int | None) -> tuple[LayerOptions, ...]:
    """The options that ``limit`` allows, or the least that can be if that is more."""
    if limit is None:
        return tuple(surveyed)
    most = max(limit, _least_ram(surveyed))
    return tuple(LayerOptions(s.layer, tuple(o for o in s.options if o.ram_bytes <= most)) for s in surveyed)


def _rank(found: Cost, optimize: Optimize, flash_limit: int | None) -> tuple[float, ...]:
    """Less is better; what is over the flash budget comes last."""
    excess = 0 if flash_limit is None else max(0, found.flash_bytes - flash_limit)
    if optimize is Optimize.SIZE:
        return (excess, found.flash_bytes, found.cycles)
    if optimize is Optimize.BALANCED:
        sizes = (found.cycles, found.flash_bytes, found.ram_bytes + RAM_BESIDE_BYTES)
        cycles, flash, ram = (math.log(1 + n) for n in sizes)
        return (excess, CYCLES_WEIGHT * cycles + flash + ram)
    if optimize is Optimize.RAM:
        return (excess, arena_worth(found.ram_bytes, found.cycles))
    return (excess, found.cycles, found.flash_bytes)


def arena_worth(arena_bytes: int, cycles: int) -> float:
    """What is to be least where RAM is short and nobody said how short: one per cent of the arena is worth
    ``ARENA_WEIGHT`` per cent of cycles.
    """
    return ARENA_WEIGHT * math.log(1 + arena_bytes) + math.log(1 + cycles)


ARENA_WEIGHT = 1.5

CYCLES_WEIGHT = 1.5

RAM_BESIDE_BYTES = 4096
"""Stack, buffers and an application: what any image has beside its arena, so that half of a small one is no half."""

LEVELS = 5
"""Budgets of RAM that a choice is looked for in where RAM counts: a tenth of a second for each."""

PRICES = (0.0, *(2.0**power for power in range(-4, 15)), 1e9)
"""Cycles that a byte of flash is worth, tried in this order; at the last, bytes alone count."""


def _front(layers: Sequence[LayerOptions], code_of: CodeOf) -> list[_Picks]:
    """Choices from the quickest to the smallest."""
    found: list[_Picks] = []
    for price in PRICES:
        starts = [_Picks(layers, code_of), *found[-1:]]
        found.append(min((_settled(start.copy(), price) for start in starts), key=lambda p: p.priced(price)))
    return found


def _settled(picks: _Picks, price: float) -> _Picks:
    """``picks`` bettered, layer by layer and then kernel by kernel, until nothing more is gained at ``price``."""
    while True:
        before = picks.priced(price)
        picks.settle_layers(price)
        for kernel in sorted(set(picks.chosen())):
            without = picks.copy()
            if without.drop(kernel, price) and without.priced(price) < picks.priced(price):
                picks = without
        for kernel in picks.kernels if price == PRICES[-1] else ():
            wherever = picks.copy()
            wherever.adopt(kernel)
            if wherever.priced(price) < picks.priced(price):
                picks = wherever
        if picks.priced(price) >= before:
            return picks


class _Picks:
    """One option for each layer, with a running count of the layers that need each piece of code."""

    def __init__(self, layers: Sequence[LayerOptions], code_of: CodeOf) -> None:
        self.layers = layers
        self.code_of = code_of
        self.kernels = sorted({option.kernel for layer in layers for option in layer.options})
        self.picked = [layer.options[0] for layer in layers]
        self.users = Counter(piece for option in self.picked for piece in code_of(option.lowering))

    def copy(self) -> _Picks:
        other = copy.copy(self)
        other.picked = list(self.picked)
        other.users = self.users.copy()
        return other

    def chosen(self) -> tuple[str, ...]:
        return tuple(option.kernel for option in self.picked)

    def cost(self) -> Cost:
        return Cost(
            sum(option.cycles for option in self.picked),
            sum(option.lowering.constant_bytes for option in self.picked)
            + sum(piece.bytes for piece, users in self.users.items() if users),
            max((option.ram_bytes for option in self.picked), default=0),
        )

    def priced(self, price: float) -> float:
        found = self.cost()
        return found.cycles + price * found.flash_bytes

    def settle_layers(self, price: float) -> None:
        """Each layer, in turn, to its best option given all others'."""
        for index, layer in enumerate(self.layers):
            self.pick(index, layer.options, price)

    def drop(self, kernel: str, price: float) -> bool:
        """All layers off ``kernel``; False where it is the only option of one."""
        for index, layer in enumerate(self.layers):
            if self.picked[index].kernel == kernel:
                rest = [option for option in layer.options if option.kernel != kernel]
                if not rest:
                    return False
                self.pick(index, rest, price)
        return True

    def adopt(self, kernel: str) -> None:
        """``kernel`` wherever it is an option: what no layer alone would go to, for code they all share."""
        for index, layer in enumerate(self.layers):
            if option := next((option for option in layer.options if option.kernel == kernel), None):
                self.pick(index, (option,), 0.0)

    def pick(self, index: int, options: Sequence[Option], price: float) -> None:
        """The best of ``options`` for layer ``index``, code that other layers need anyway being free."""
        self.users.subtract(self.code_of(self.picked[index].lowering))

        def marginal(option: Option) -> float:
            new = sum(piece.bytes for piece in self.code_of(option.lowering) if not self.users[piece])
            return option.cycles + price * (option.lowering.constant_bytes + new)

        self.picked[index] = min(options, key=marginal)
        self.users.update(self.code_of(self.picked[index].lowering))
