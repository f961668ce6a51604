"""What a search for schemes is for: a board with goals and budgets. No search."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcuq.board import Board
from mcuq.check import CORE
from mcuq.cmsis_nn import CmsisNN
from mcuq.core import core_named
from mcuq.data import Dataset
from mcuq.errors import UsageError
from mcuq.fit import Goals
from mcuq.kernels.base import Target
from mcuq.model import Chooser, Progress
from mcuq.quantize.request import Request

if TYPE_CHECKING:
    from mcuq.mixed.search import Mixed


@dataclass(frozen=True, slots=True)
class Latency:
    """The longest that an inference may take: ``seconds``, or ``cycles``."""

    seconds: float | None = None
    cycles: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What a model is to run on, and with what goals; a Cortex-M4 where no board is given.

    Raises ``UsageError`` for a time without a clock.
    """

    board: Board | None
    cmsis_nn: CmsisNN | None
    goals: Goals
    latency: Latency | None = None

    def __post_init__(self) -> None:
        if self.board is None and self.latency is not None and self.latency.cycles is None:
            raise UsageError("a time is no number of cycles without a board", hint="give --board, or cycles as 2M")

    @property
    def target(self) -> Target:
        core = core_named(CORE) if self.board is None else self.board.core_with_fpu
        return Target(core, frozenset() if self.cmsis_nn is None else self.cmsis_nn.functions)

    @property
    def cycles(self) -> int | None:
        """The most cycles of an inference."""
        if self.latency is None:
            return None
        if self.latency.cycles is not None or self.board is None:
            return self.latency.cycles
        return round((self.latency.seconds or 0.0) * self.board.clock.hz)

    def with_less(self, flash_bytes: int, ram_bytes: int) -> Machine:
        """The same with so many bytes fewer to spend than the goals allow, or else the board."""

        def left(goal: int | None, of_board: int | None, less: int) -> int | None:
            limit = of_board if goal is None and less else goal
            return None if limit is None else max(0, limit - less)

        board, goals = self.board, self.goals
        flash = left(goals.flash_bytes, None if board is None else board.flash_bytes, flash_bytes)
        ram = left(goals.ram_bytes, None if board is None else board.ram_bytes, ram_bytes)
        return dataclasses.replace(self, goals=dataclasses.replace(goals, flash_bytes=flash, ram_bytes=ram))

    @property
    def budgets(self) -> bool:
        """Does the user limit anything?"""
        return any(limit is not None for limit in (self.goals.flash_bytes, self.goals.ram_bytes, self.latency))


def choosing(machine: Machine, most_drop: float | None) -> Chooser:
    """The search for ``machine``, which loses ``most_drop`` points against int8 at most."""

    def chosen(content: bytes, samples: Dataset, request: Request, progress: Progress) -> Mixed:
        from mcuq.mixed.search import search  # noqa: PLC0415 - imports the quantizer

        return search(content, samples, request, machine, most_drop, progress)

    return chosen
