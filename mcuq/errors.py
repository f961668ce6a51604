"""The errors that mcuq raises on purpose, each with the exit code that the command line returns for it.

An error says what was wanted and what was found, where, and one thing to do next. Anything that is not a
``McuqError`` is a defect in mcuq.
"""

from __future__ import annotations

from collections.abc import Iterable


class McuqError(Exception):
    """Work failed.

    ``message`` says what was wanted and what was found (numbers with units), ``details`` are further lines that
    say where, ``hint`` is one thing to do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, details: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.message, *(f"  {line}" for line in self.details)]
        if self.hint:
            lines.append(f"Hint: {self.hint}")
        return "\n".join(lines)


class UsageError(McuqError):
    """A flag, a configuration file or the data given are wrong."""

    exit_code = 2


class DataError(UsageError):
    """Data for calibration or testing are missing, malformed or do not fit the model."""


class BoardError(UsageError):
    """A board is unknown or its file is wrong."""


class UnsupportedError(McuqError):
    """The model cannot be read, or holds something that mcuq does not compile."""

    exit_code = 3


class BudgetError(McuqError):
    """The model does not fit the board's flash or RAM, or a budget given."""

    exit_code = 4


class MismatchError(McuqError):
    """The target computed other bytes than the reference."""

    exit_code = 5


class ToolError(McuqError):
    """A tool or device that is needed was not found."""

    exit_code = 6


class RunError(McuqError):
    """A tool was found and started, and failed, died or did not answer in time."""


class LinkError(RunError):
    """The serial link to the target failed: no answer, or an answer that breaks the protocol."""


class PortError(LinkError):
    """A serial port cannot be opened: there is none of that name, or it is not for this user."""

    exit_code = ToolError.exit_code


def suggestion(name: str, known: Iterable[str], otherwise: str, cutoff: float = 0.6) -> str:
    """The hint for a ``name`` that does not exist: the closest one ``known``, ``otherwise`` where none is close."""
    import difflib  # noqa: PLC0415 - keeps `mcuq --help` instant

    close = difflib.get_close_matches(name, list(known), 1, cutoff)
    return f"did you mean {close[0]}?" if close else otherwise
