"""Samples from .csv files: a sample a line, flat in C order, the class in a last column when there is one more."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.data import InputSpec
from mcuq.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """``values`` (n, elements) float64; ``labels`` (n,) or None; ``class_names`` when the file names its classes."""

    values: npt.NDArray[np.float64]
    labels: npt.NDArray[Any] | None
    class_names: tuple[str, ...]


def load_csv(path: Path, spec: InputSpec) -> Table:
    """The table in ``path``: comma, semicolon or tab between the columns, a header line allowed.

    Raises ``DataError`` naming the line for cells that are no numbers and for the wrong number of columns.
    """
    rows = _rows(path)
    if rows and not all(_is_number(cell) for cell in rows[0][1][: spec.elements]):
        rows = rows[1:]
    if not rows:
        raise DataError(f"{path.name} holds no samples")
    columns = len(rows[0][1])
    if columns not in (spec.elements, spec.elements + 1):
        raise DataError(
            f"{path.name} has {columns} columns; input {spec.name!r} of shape {spec.shape} needs "
            f"{spec.elements}, or {spec.elements + 1} with the class in the last"
        )
    values = np.empty((len(rows), spec.elements))
    for index, (line, row) in enumerate(rows):
        if len(row) != columns:
            raise DataError(f"{path.name}, line {line}: {len(row)} columns, the lines before have {columns}")
        for column, cell in enumerate(row[: spec.elements]):
            if not _is_number(cell):
                raise DataError(f"{path.name}, line {line}, column {column + 1}: {cell!r} is not a number")
            values[index, column] = float(cell)
    if columns == spec.elements:
        return Table(values, None, ())
    labels, names = _labels([row[-1].strip() for _, row in rows])
    return Table(values, labels, names)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(text.splitlines(), delimiter=delimiter)
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read as .csv", details=(str(error)[:200],)) from error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _labels(cells: list[str]) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Class numbers as they are; class names numbered in sorted order."""
    if all(_is_number(cell) for cell in cells):
        return np.array([float(cell) for cell in cells]), ()
    names = tuple(sorted(set(cells)))
    return np.array([names.index(cell) for cell in cells]), names
