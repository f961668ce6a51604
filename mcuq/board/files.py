"""Board files: read one, find one by its name."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

from pydantic import ValidationError

from mcuq.board.board import Board, placed
from mcuq.board.fields import told
from mcuq.board.memory import COPIED_ROLES
from mcuq.errors import BoardError, suggestion
from mcuq.paths import BOARDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BOARD_FILE_LIMIT_BYTES = 65536


def load_board(path: Path) -> Board:
    """The board in the file ``path``. ``BoardError`` names the file and each key that is wrong."""
    try:
        with path.open("rb") as file:
            raw = file.read(BOARD_FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise BoardError(f"board file {path} cannot be read: {error.strerror}") from error
    if len(raw) > BOARD_FILE_LIMIT_BYTES:
        raise BoardError(f"board file {path} is larger than {BOARD_FILE_LIMIT_BYTES} B")
    try:
        table = tomllib.loads(raw.decode())
        # Through JSON, since that is what pydantic's strict mode takes arrays and tables from.
        return Board.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        details = told(error)
        raise BoardError(f"board file {path} is wrong", details=details) from error
    except (ValueError, RecursionError) as error:
        reason = str(error) or "it is nested too deeply"
        raise BoardError(f"board file {path} is not TOML: {reason}") from error


@functools.cache
def all_boards() -> tuple[Board, ...]:
    """Every board of ``boards/``, sorted by name. ``BoardError`` when a file is wrong or a name is taken twice."""
    boards = tuple(sorted((load_board(path) for path in BOARDS.glob("*.toml")), key=lambda board: board.name))
    taken: set[str] = set()
    for board in boards:
        for name in (board.name, *board.aliases):
            if name in taken:
                raise BoardError(f"two boards are called {name!r}")
            taken.add(name)
    return boards


def board_named(name: str) -> Board:
    """The board with this name or alias; ``BoardError`` with the nearest name when there is none."""
    by_name = {alias: board for board in all_boards() for alias in (board.name, *board.aliases)}
    if name in by_name:
        return by_name[name]
    hint = suggestion(name.lower(), by_name, "`mcuq boards` lists them", cutoff=0.5)
    raise BoardError(f"no such board: {name!r}", hint=hint)


def simulated_board(board: Board) -> Board:
    """The board whose machine in QEMU runs ``board``'s models: what ``board`` copies to RAM lies in RAM there, too.

    ``BoardError``: there is none, or its core differs.
    """
    if board.qemu is not None:
        return board
    if board.simulate_on is None:
        raise BoardError(f"board {board.name} has no simulator", hint="run it on the board itself")
    other = board_named(board.simulate_on)
    if other.qemu is None or not other.core_with_fpu.runs_code_of(board.core_with_fpu):
        raise BoardError(f"board {board.name}: simulate_on names {other.name}, which has no machine or another core")
    return copying(other, board)


def copying(other: Board, board: Board) -> Board:
    """``other``, which copies to its RAM what ``board`` copies to RAM."""
    roles = [role for role in COPIED_ROLES if role in board.placement.banks()]
    return placed(other, dict.fromkeys(roles, other.placement.data)) if roles else other
