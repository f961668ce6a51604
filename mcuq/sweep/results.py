"""The results of sweeps in one SQLite file: a row for each candidate, written as soon as its outcome is there."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcuq.errors import RunError, UsageError
from mcuq.sweep.candidate import Candidate, Outcome

APPLICATION_ID = 0x6D637571
"""What SQLite keeps in the file's header: mcuq."""

_CANDIDATE = ("model", "board", "scheme", "optimize", "kernels", "data", "test_data", "samples")
_OUTCOME = tuple(field.name for field in dataclasses.fields(Outcome))
_COLUMNS = ("key", *_CANDIDATE, *_OUTCOME)


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate as it was when it ran, and its outcome. ``best``: no other of its model on its board beats it."""

    key: str
    model: str
    board: str
    scheme: str
    optimize: str
    kernels: str
    data: str | None
    test_data: str | None
    samples: int
    outcome: Outcome
    best: bool = False


class Results:
    """The file at ``path``, made where there is none. Raises ``UsageError`` for a file that is something else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._told():
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            try:
                self._check()
                columns = ", ".join(_COLUMNS)
                self._connection.execute(f"CREATE TABLE IF NOT EXISTS candidates ({columns}, PRIMARY KEY (key))")
                self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _check(self) -> None:
        (identity,) = self._connection.execute("PRAGMA application_id").fetchone()
        tables = self._connection.execute("SELECT name FROM sqlite_master").fetchall()
        if tables and identity != APPLICATION_ID:
            raise UsageError(f"{self._path} is a database, but not of `mcuq sweep`", hint="give another file with -o")

    def keys(self, *, failed: bool) -> frozenset[str]:
        """Of the candidates that are done; those that ``failed`` among them or not."""
        with self._told():
            rows = self._connection.execute("SELECT key, error FROM candidates").fetchall()
        return frozenset(key for key, error in rows if failed or error is None)

    def add(self, candidate: Candidate, outcome: Outcome) -> None:
        """Whole or not at all, in place of an earlier outcome."""
        values = [candidate.key, *(getattr(candidate, name) for name in _CANDIDATE)]
        values += [getattr(outcome, name) for name in _OUTCOME]
        marks = ", ".join("?" * len(_COLUMNS))
        with self._told():
            self._connection.execute(f"INSERT OR REPLACE INTO candidates VALUES ({marks})", values)  # noqa: S608

    def rows(self) -> tuple[Row, ...]:
        """All, by model, board, scheme and goal, with the best marked."""
        columns = ", ".join(_COLUMNS)
        query = f"SELECT {columns} FROM candidates ORDER BY model, board, scheme, optimize, key"  # noqa: S608 - constants
        with self._told():
            found = self._connection.execute(query).fetchall()
        return with_best([_row(dict(zip(_COLUMNS, values, strict=True))) for values in found])

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise RunError(f"cannot use {self._path}: {error}", hint="give another file with -o") from error
            raise UsageError(f"{self._path} is no results file: {error}", hint="give another file with -o") from error


def _row(values: dict[str, Any]) -> Row:
    outcome = Outcome(**{name: values.pop(name) for name in _OUTCOME})
    return Row(**values, outcome=outcome)


def with_best(rows: Sequence[Row]) -> tuple[Row, ...]:
    """``rows`` with those marked that no other of the same model and board beats: smaller, quicker, or more exact."""
    worth = [_worth(row.outcome) for row in rows]

    def beaten(place: int) -> bool:
        return any(
            (other.model, other.board) == (rows[place].model, rows[place].board)
            and worth[number] != worth[place]
            and all(one <= mine for one, mine in zip(worth[number], worth[place], strict=True))
            for number, other in enumerate(rows)
            if other.outcome.error is None
        )

    return tuple(
        dataclasses.replace(row, best=row.outcome.error is None and not beaten(place)) for place, row in enumerate(rows)
    )


def _worth(outcome: Outcome) -> tuple[float, ...]:
    """Less is better; what is not known is no reason for anything."""
    loss = next((1 - share for share in (outcome.accuracy, outcome.agreement) if share is not None), 0.0)
    return (outcome.flash_bytes or 0, outcome.ram_bytes or 0, outcome.instructions or 0, loss)
