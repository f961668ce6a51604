"""A build folder, read back: the models, the board and the image that ``mcuq build`` left there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mcuq.board import Board
from mcuq.build import BOARD_FILE, FLOAT_FILE, MANIFEST, MODEL_FILE, REPORT
from mcuq.errors import MismatchError, UsageError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.model import Model, compiled
from mcuq.report import Report


@dataclass(frozen=True, slots=True)
class Built:
    """What a build folder holds of one of its models. ``image``, with all of them, runs on the board,
    ``simulated_image`` on the machine that stands in.

    ``number`` is the model's in the image, ``files`` the folder of what is its own. ``parts``: the layer of each part
    of the model, in the order in which they run; a layer run row by row has many.
    """

    folder: Path
    files: Path
    number: int
    board: Board
    model: Model
    report: Report
    image: Path
    simulated_image: Path | None
    parts: tuple[int, ...]

    @property
    def origin(self) -> int:
        """Where the image's first byte goes."""
        return self.board.bank(self.board.placement.code).origin


def load_built(folder: Path) -> Built:
    """Read the build folder ``folder`` of one model. Raises what ``load_models`` raises, or ``UsageError``."""
    models = load_models(folder)
    if len(models) > 1:
        raise UsageError(f"{folder} holds {len(models)} models", hint=_which(models))
    return models[0]


def load_models(folder: Path, only: str | None = None) -> tuple[Built, ...]:
    """Read the build folder ``folder``: every model of its image, or ``only`` that of this name.

    Raises ``UsageError`` when it is none, was damaged or has no such model, and ``MismatchError`` when a model is
    another than that of its image.
    """
    if not (folder / MANIFEST).is_file():
        why = f"it has no {MANIFEST}" if folder.is_dir() else "it is a file" if folder.exists() else "it does not exist"
        raise UsageError(
            f"{folder} is not a build folder: {why}",
            hint="`mcuq build MODEL --board BOARD -o DIR` makes one",
        )
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        # A manifest of version 1 is that of one model.
        entries = manifest.get("models", [{**manifest, "folder": "."}])
        found = tuple(_loaded(folder, manifest, number, entry) for number, entry in enumerate(entries))
        if not found:
            raise ValueError(f"{MANIFEST} has no models")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise UsageError(
            f"the build folder {folder} is damaged", details=(_reason(error)[:200],), hint="build again"
        ) from error
    wanted = tuple(one for one in found if only in (None, one.model.name))
    if not wanted:
        raise UsageError(f"{folder} has no model {only!r}", hint=_which(found))
    return wanted


def _which(models: Sequence[Built]) -> str:
    return f"models: {', '.join(one.model.name for one in models)}"


def _loaded(folder: Path, manifest: Mapping[str, Any], number: int, entry: Mapping[str, Any]) -> Built:
    files = folder / str(entry["folder"])
    report = Report.from_json((files / REPORT).read_text(encoding="utf-8"))
    board = Board.model_validate_json((folder / BOARD_FILE).read_text(encoding="utf-8"))
    tflite = (files / MODEL_FILE).read_bytes()
    float_file = files / FLOAT_FILE
    float_tflite = float_file.read_bytes() if float_file.is_file() else None
    image = folder / str(manifest["image"])
    simulated = manifest["simulated_image"]
    parts = tuple(int(part) for part in entry["parts"])
    built_from = str(manifest["files"][(files / MODEL_FILE).relative_to(folder).as_posix()])
    if not image.is_file() or not (simulated is None or (folder / str(simulated)).is_file()):
        raise ValueError("an image is missing")
    if set(parts) != set(range(len(report.layers))):
        raise ValueError(f"{MANIFEST} has parts of other layers than {REPORT}")
    if hashlib.sha256(tflite).hexdigest() != built_from:
        raise MismatchError(f"{files / MODEL_FILE} is not the model that the image was built from", hint="build again")
    file_graph = read_tflite(tflite, str(files / MODEL_FILE))
    graph, sliding = compiled(bind(file_graph), stream=bool(entry.get("stream", False)))
    model = Model(str(entry["model"]), tflite, float_tflite, file_graph, graph, None, sliding=sliding)
    where = None if simulated is None else folder / str(simulated)
    return Built(folder, files, number, board, model, report, image, where, parts)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{Path(str(error.filename)).name}: {error.strerror}"
    if isinstance(error, ValidationError):
        return f"{BOARD_FILE}: {error.error_count()} values are missing or wrong"
    return f"no {error} in one of its files" if isinstance(error, KeyError) else str(error)
