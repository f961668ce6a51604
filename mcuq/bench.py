"""Where ``mcuq tune`` tries images: in the simulator, which counts and estimates, or on the board, which measures.

Both hold an image's bytes to LiteRT's. Nothing is chosen here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mcuq.board import COPIED_ROLES, Board, all_boards, copying, simulated_board
from mcuq.built import Built
from mcuq.errors import LinkError, MismatchError, RunError
from mcuq.estimate.estimate import estimate
from mcuq.measurement import Measurement
from mcuq.on_target import MeasureOptions, measure
from mcuq.simulate import SimulationOptions, simulate

ESTIMATED = "estimated from instructions counted in QEMU"
SAMPLES = 1
"""Random inputs of which each image's bytes are compared: each runs all code."""

WARMUP = 2


@dataclass(frozen=True, slots=True)
class Tried:
    """What an image took, by model and layer; ``kind`` says how that is known."""

    cycles: Mapping[tuple[str, str], int]
    kind: str


class DoesNotRunError(RunError):
    """An image was flashed, started, and failed."""


class Bench(ABC):
    """A place to try images."""

    @abstractmethod
    def board_for(self, board: Board) -> Board:
        """What images with any kernels for ``board`` are built for."""

    @abstractmethod
    def roles(self, board: Board) -> tuple[str, ...]:
        """What it can tell of, when it lies in another memory bank of ``board``."""

    @abstractmethod
    def tried(self, models: Sequence[Built]) -> Tried:
        """Run the ``models`` of an image. ``MismatchError``: bytes are not LiteRT's; ``RunError``: it did not run."""


@dataclass(frozen=True, slots=True)
class Simulator(Bench):
    """QEMU, and the core's timings. ``timeout_s`` bounds one inference."""

    timeout_s: float

    def board_for(self, board: Board) -> Board:
        """A machine with room for any choice: that with most RAM, of those that run the core's code.

        The code of a Cortex-M0 runs on a Cortex-M3. What data from flash cost is the board's.
        """
        core = board.core_with_fpu
        able = [other for other in all_boards() if other.qemu is not None and other.core_with_fpu.runs_code_of(core)]
        if not able:
            return simulated_board(board)
        roomy = copying(max(able, key=lambda other: other.ram_bytes), board)
        return roomy.model_copy(update={"core": board.core, "flash_stream": board.flash_stream})

    def roles(self, board: Board) -> tuple[str, ...]:
        simulated = board.qemu is not None or board.simulate_on is not None
        return COPIED_ROLES if simulated and board.flash_stream is not None else ()

    def tried(self, models: Sequence[Built]) -> Tried:
        cycles: dict[tuple[str, str], int] = {}
        for built in models:
            report = simulate(built, None, SimulationOptions(self.timeout_s, limit=SAMPLES), _quiet)
            _check_bytes(built, report.mismatched_bytes or 0)
            found = estimate(built, self.timeout_s, _quiet)
            cycles |= {(built.model.name, layer.name): layer.cycles for layer in found.layers}
        return Tried(cycles, ESTIMATED)


@dataclass(frozen=True, slots=True)
class OnBoard(Bench):
    """The board itself. ``flash`` writes an image; the others are ``MeasureOptions``."""

    flash: Callable[[Built], None]
    port: str
    runs: int
    timeout_s: float
    reconnect_s: float

    def board_for(self, board: Board) -> Board:
        return board

    def roles(self, board: Board) -> tuple[str, ...]:
        return ("arena", *COPIED_ROLES)

    def tried(self, models: Sequence[Built]) -> Tried:
        self.flash(models[0])  # the image of all of them
        found = [self._tried(built) for built in models]
        return Tried({layer: spent for one in found for layer, spent in one.cycles.items()}, found[0].kind)

    def _tried(self, built: Built) -> Tried:
        found = self._measured(built)
        _check_bytes(built, found.mismatched_bytes)
        real = found.timing.kind == "measured"
        spent = {layer.name: layer.cycles if real else layer.ticks for layer in found.layers}
        if not spent:
            raise RunError(f"{built.board.name} counts no time, so no two kernels can be compared on it")
        cycles: dict[tuple[str, str], int] = {}
        for layer, value in spent.items():
            if value is None:
                raise RunError(f"layer {layer} takes longer than {built.board.name} can count")
            cycles[built.model.name, layer] = round(value)
        return Tried(cycles, _kind(found, built.board.name, real))

    def _measured(self, built: Built) -> Measurement:
        """Errors speak of the board: the folder of a trial is gone when somebody reads of it."""
        board = built.board.name
        options = MeasureOptions(
            self.port,
            self.runs,
            WARMUP,
            layers=True,
            limit=SAMPLES,
            timeout_s=self.timeout_s,
            reconnect_s=self.reconnect_s,
            starting_s=self.reconnect_s,
        )
        try:
            return measure(built, None, options, _quiet)
        except MismatchError as error:
            raise MismatchError(
                f"after flashing, {board} does not run what was flashed",
                details=error.details,
                hint="is --port the port of the board that was flashed, and does the tool reset it?",
            ) from error
        except LinkError as error:
            raise LinkError(
                error.message, details=error.details, hint=f"is {board} still connected, and --port its port?"
            ) from error
        except RunError as error:
            raise DoesNotRunError(error.message, details=error.details, hint=error.hint) from error


def _kind(found: Measurement, board: str, real: bool) -> str:
    if not real:
        return f"unknown: ticks of a program behind the port, which is no {board}"
    fallback = ", its own clock having failed" if found.clock.fallback else ""
    return f"measured on {board} at {found.clock.core_hz / 1e6:g} MHz{fallback}"


def _check_bytes(built: Built, mismatched_bytes: int) -> None:
    if mismatched_bytes:
        raise MismatchError(
            f"{mismatched_bytes} bytes differ from LiteRT's",
            details=tuple(f"{layer.name}: {layer.kernel}" for layer in built.report.layers),
            hint="report this as a defect of mcuq",
        )


def _quiet(_stage: str, _done: int, _of: int) -> None:
    """No progress: an image is one step of it."""
