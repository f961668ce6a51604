"""A build folder, read back: the model, the board and the image that ``mcuq build`` left there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mcuq.board import Board
from mcuq.build import BOARD_FILE, FLOAT_FILE, MANIFEST, MODEL_FILE, REPORT
from mcuq.errors import MismatchError, UsageError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.model import Model
from mcuq.passes import run_passes
from mcuq.report import Report


@dataclass(frozen=True, slots=True)
class Built:
    """What a build folder holds. ``image`` runs on the board, ``simulated_image`` on the machine that stands in.

    ``parts``: the layer of each part of the model, in the order in which they run; a layer run row by row has many.
    """

    folder: Path
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
    """Read the build folder ``folder``. Raises ``UsageError`` when it is none, or was damaged,
    and ``MismatchError`` when its model is another than that of its image.
    """
    if not (folder / MANIFEST).is_file():
        why = f"it has no {MANIFEST}" if folder.is_dir() else "it is a file" if folder.exists() else "it does not exist"
        raise UsageError(
            f"{folder} is not a build folder: {why}",
            hint="`mcuq build MODEL --board BOARD -o DIR` makes one",
        )
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        report = Report.from_json((folder / REPORT).read_text(encoding="utf-8"))
        board = Board.model_validate_json((folder / BOARD_FILE).read_text(encoding="utf-8"))
        tflite = (folder / MODEL_FILE).read_bytes()
        float_file = folder / FLOAT_FILE
        float_tflite = float_file.read_bytes() if float_file.is_file() else None
        image = folder / str(manifest["image"])
        simulated = manifest["simulated_image"]
        name = str(manifest["model"])
        parts = tuple(int(part) for part in manifest["parts"])
        built_from = str(manifest["files"][MODEL_FILE])
        if not image.is_file() or not (simulated is None or (folder / str(simulated)).is_file()):
            raise ValueError("an image is missing")
        if set(parts) != set(range(len(report.layers))):
            raise ValueError(f"{MANIFEST} has parts of other layers than {REPORT}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise UsageError(
            f"the build folder {folder} is damaged", details=(_reason(error)[:200],), hint="build again"
        ) from error
    if hashlib.sha256(tflite).hexdigest() != built_from:
        raise MismatchError(f"{folder / MODEL_FILE} is not the model that the image was built from", hint="build again")
    file_graph = read_tflite(tflite, f"{folder}/{MODEL_FILE}")
    model = Model(name, tflite, float_tflite, file_graph, run_passes(bind(file_graph)), None)
    return Built(folder, board, model, report, image, None if simulated is None else folder / simulated, parts)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{Path(str(error.filename)).name}: {error.strerror}"
    if isinstance(error, ValidationError):
        return f"{BOARD_FILE}: {error.error_count()} values are missing or wrong"
    return f"no {error} in one of its files" if isinstance(error, KeyError) else str(error)
