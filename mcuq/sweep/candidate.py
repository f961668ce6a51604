"""A candidate: one build of a sweep, and what came of it. Values only, plain enough for JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcuq import __version__
from mcuq.board import Board, board_named, load_board
from mcuq.build import digest
from mcuq.data import check_data_exists
from mcuq.frontend.model_file import model_kind
from mcuq.quantize.request import Request


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model (a path) for a board (a name, or a path to its .toml), with a scheme and what to make small.

    ``digests`` are of the files that it is made from. ``samples`` is how many of the test data the simulator runs;
    0: nothing is simulated.
    """

    model: str
    board: str
    scheme: str
    optimize: str
    kernels: str
    data: str | None
    test_data: str | None
    samples: int
    digests: Mapping[str, str]

    @property
    def key(self) -> str:
        """The same for candidates that give the same result, wherever their files lie."""
        known = {**dataclasses.asdict(self), "model": Path(self.model).name, "mcuq": __version__}
        known |= dict.fromkeys(("data", "test_data")) | {"board": Path(self.board).name}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> str:
        return f"{Path(self.model).name} {self.scheme} on {Path(self.board).stem} for {self.optimize}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a candidate: figures, or the ``error`` that ended it.

    Sizes are counted from the image, instructions counted in the simulator, shares measured in LiteRT.
    """

    error: str | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    instructions: int | None = None
    accuracy: float | None = None
    float_accuracy: float | None = None
    agreement: float | None = None
    mismatched_bytes: int | None = None
    seconds: float = 0.0


def candidates(
    models: Sequence[str],
    boards: Sequence[str],
    schemes: Sequence[str],
    optimize: Sequence[str],
    kernels: str,
    data: Mapping[str, str] | str | None,
    test_data: Mapping[str, str] | str | None,
    samples: int,
) -> tuple[Candidate, ...]:
    """All combinations. ``data`` may be given by model. Raises ``UsageError`` for what is misspelt or missing."""
    for name in schemes:
        Request(name)
    for name in boards:
        board_of(name)
    found = []
    for model in dict.fromkeys(models):
        model_kind(Path(model))
        own, test = (given.get(model) if isinstance(given, Mapping) else given for given in (data, test_data))
        files = {"model": Path(model)}
        files |= {what: check_data_exists(spec)[0] for what, spec in (("data", own), ("test", test)) if spec}
        digests = {what: digest(path) for what, path in files.items()}
        found += [
            Candidate(model, board, scheme, goal, kernels, own, test, samples, digests | _board_digest(board))
            for board, scheme, goal in itertools.product(*map(dict.fromkeys, (boards, schemes, optimize)))
        ]
    return tuple(found)


def board_of(name: str) -> Board:
    """A board by its name, or by the path of its file."""
    return load_board(Path(name)) if name.endswith(".toml") else board_named(name)


def _board_digest(board: str) -> dict[str, str]:
    return {"board": digest(Path(board))} if board.endswith(".toml") else {}


def candidate_from(values: Mapping[str, Any]) -> Candidate:
    """The candidate that ``dataclasses.asdict`` gave ``values`` of."""
    return Candidate(**values)
