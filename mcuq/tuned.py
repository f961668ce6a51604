"""The file that ``mcuq tune`` leaves and ``mcuq build --tuned`` reads: which kernel runs each layer, what each kernel
took, and what lies in which memory bank. TOML, to be committed beside the model; it names things, and holds no code.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from mcuq.board import Board
from mcuq.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class TunedLayer(BaseModel):
    """One layer: its best kernel, and the cycles that each kernel took."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    kernel: str
    cycles: dict[str, int]


class Tuned(BaseModel):
    """A whole model on a board. ``kind`` says how the cycles were got: estimated or measured, or that nobody knows.

    ``placement`` are the roles that were moved to another memory bank than the board's file says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_version: int
    model: str
    board: str
    core: str
    kind: str
    optimize: str
    placement: dict[str, str] = {}
    layer: list[TunedLayer]

    @property
    def unit(self) -> str:
        """What ``cycles`` are: behind a program's port they are ticks."""
        return "ticks" if self.kind.startswith("unknown") else "cycles"

    @property
    def choices(self) -> Mapping[str, str]:
        return {layer.name: layer.kernel for layer in self.layer}

    def as_toml(self) -> str:
        """The file's text; the same for the same values."""
        lines = ["# What `mcuq tune` found best. Use with: mcuq build --tuned FILE"]
        keys = ("schema_version", "model", "board", "core", "kind", "optimize")
        lines += [f"{key} = {_toml(getattr(self, key))}" for key in keys]
        if self.placement:
            lines += ["", "[placement]", *(f"{role} = {_toml(bank)}" for role, bank in self.placement.items())]
        for layer in self.layer:
            took = ", ".join(f"{kernel} = {cycles}" for kernel, cycles in sorted(layer.cycles.items()))
            lines += ["", "[[layer]]", f"name = {_toml(layer.name)}", f"kernel = {_toml(layer.kernel)}"]
            lines.append(f"cycles = {{ {took} }}")
        return "\n".join(lines) + "\n"


def _toml(value: str | int) -> str:
    """A JSON string is a TOML basic string, but for DEL, which TOML wants escaped."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def tuned_by_model(found: Sequence[Tuned], names: Sequence[str]) -> dict[str, Tuned]:
    """Files of ``mcuq tune`` by the models that they are for: an only one is for an only model, whatever its name.

    Raises ``UsageError`` for a file of another model.
    """
    if len(names) == len(found) == 1:
        return {names[0]: found[0]}
    if other := next((tuned.model for tuned in found if tuned.model not in names), None):
        raise UsageError(f"a file of `mcuq tune` is for a model {other!r}", hint=f"models here: {', '.join(names)}")
    return {tuned.model: tuned for tuned in found}


def placement_of(found: Iterable[Tuned]) -> dict[str, str]:
    """The memory banks that files of one build ask for. Raises ``UsageError`` where they ask for different ones."""
    places: dict[str, str] = {}
    for tuned in found:
        for role, bank in tuned.placement.items():
            if places.setdefault(role, bank) != bank:
                raise UsageError(
                    f"{role} was tuned to lie in {places[role]} for one model, in {bank} for {tuned.model}",
                    hint="take [placement] out of one of the files",
                )
    return places


def read_tuned(path: Path, board: Board) -> Tuned:
    """Raises ``UsageError`` when ``path`` is no such file, is for another core, or places things on another board."""
    try:
        tuned = Tuned.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        problems = tuple(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise UsageError(f"{path} was not made by `mcuq tune`", details=problems) from error
    if tuned.core != board.core:
        raise UsageError(
            f"{path} was tuned for {tuned.core}, {board.name} has a {board.core}", hint="`mcuq tune` for this board"
        )
    if tuned.placement and tuned.board != board.name:
        raise UsageError(
            f"{path} says what lies in which memory bank of {tuned.board}, and this is {board.name}",
            hint="`mcuq tune` for this board, or take [placement] out of the file and keep its kernels",
        )
    return tuned
