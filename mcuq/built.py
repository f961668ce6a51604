"""A build folder, read back: the model, the board and the image that ``mcuq build`` left there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mcuq.board import Board
from mcuq.build import BOARD_FILE, FLOAT_FILE, MANIFEST, MODEL_FILE, REPORT
from mcuq.errors import UsageError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.model import Model
from mcuq.passes import run_passes
from mcuq.report import Report


@dataclass(frozen=True, slots=True)
class Built:
    """What a build folder holds. ``image`` runs on the board; ``simulated_image`` on the machine that stands in for it."""

    folder: Path
    board: Board
    model: Model
    report: Report
    image: Path
    simulated_image: Path | None


def load_built(folder: Path) -> Built:
    """Read the build folder ``folder``. Raises ``UsageError`` when it is none, or was damaged."""
    if not folder.is_dir() or not (folder / MANIFEST).is_file():
        raise UsageError(
            f"{folder} is not a build folder: it has no {MANIFEST}", hint="`mcuq build MODEL --board BOARD -o DIR` makes one"
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
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise UsageError(
            f"the build folder {folder} is damaged", details=(f"{type(error).__name__}: {error}"[:200],), hint="build again"
        ) from error
    file_graph = read_tflite(tflite, f"{folder}/{MODEL_FILE}")
    model = Model(name, tflite, float_tflite, file_graph, run_passes(bind(file_graph)), None)
    return Built(folder, board, model, report, image, None if simulated is None else folder / simulated)
