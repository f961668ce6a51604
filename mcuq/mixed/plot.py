"""The choices between size and error, drawn; the only importer of matplotlib."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

from mcuq.errors import ToolError, UsageError
from mcuq.mixed.search import Mixed, Point

FORMATS = (".svg", ".png")


def check_plot(path: Path) -> None:
    """Before the work, not after. Raises ``UsageError`` for another kind of file, ``ToolError`` without matplotlib."""
    if path.suffix not in FORMATS:
        raise UsageError(f"a plot is an .svg or a .png file, not {path.name!r}", hint="as --plot mixed.svg")
    if importlib.util.find_spec("matplotlib") is None:
        raise ToolError("matplotlib is needed to draw and is not installed", hint="pip install 'mcuq[plot]'")


def draw(found: Mixed, title: str, suffix: str) -> bytes:
    """The front, models of one scheme, and what was chosen, as a file of the kind ``suffix``."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow to import

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "mcuq"  # the same bytes each time
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    draw_on(axes, found)
    axes.set_title(title)
    file = io.BytesIO()
    figure.savefig(file, format=suffix.removeprefix("."), metadata={"Date": None} if suffix == ".svg" else None)
    pyplot.close(figure)
    return file.getvalue()


def draw_on(axes: Any, found: Mixed) -> None:
    """The same, on ``axes`` of a figure."""

    def at(points: tuple[Point, ...]) -> tuple[list[float], list[float]]:
        return [point.constant_bytes / 1e3 for point in points], [point.error for point in points]

    axes.plot(*at(found.front), "o-", color="0.6", markersize=4, label="best mixed")
    axes.plot(*at(found.uniform), "s", color="tab:blue", markersize=5, label="one scheme")
    for point in (*found.uniform, found.usual):
        axes.annotate(point.name, (point.constant_bytes / 1e3, point.error), (5, 4), textcoords="offset points", size=8)
    axes.plot(*at((found.usual,)), "s", color="black", markersize=5, label="int8")
    axes.plot(*at((found.chosen,)), "*", color="tab:red", markersize=14, label="chosen")
    axes.set(xlabel="constants, kB (counted)", ylabel="error of the scores (estimated)", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
