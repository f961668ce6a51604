"""The figures of docs/quantization.md, drawn from the numbers that are kept beside them; nothing is measured here.

    python benchmarks/plots.py            # writes docs/plots/*.svg

Numbers are the page's own tables, between ``<!-- NAME -->`` and ``<!-- end -->``, and the files docs/plots/*.json. The
same numbers give the same bytes with the same matplotlib; each figure's metadata name both.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mcuq.mixed.plot import draw_on

LEFT_OUT = {"float32", "w8", "w8a16"}
"""With more flash than int8, they would leave the others no room. Variants (``+dq``, ``+pt``)
lie too near to the rest."""

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, PLOTS = DOCS / "quantization.md", DOCS / "plots"


@dataclass(frozen=True)
class Figure:
    """``draw`` is given the axes and what each of ``sources`` holds: the rows of a table, or what a JSON file has."""

    name: str
    sources: tuple[str, ...]
    draw: Callable[..., None]
    columns: int = 1
    size: tuple[float, float] = (7.0, 3.4)


def table_rows(page: str, name: str) -> list[list[str]]:
    """The cells of the table between ``<!-- name -->`` and ``<!-- end -->``, row by row, without its head."""
    _, marker, after = page.partition(f"<!-- {name} -->")
    lines = [line for line in after.partition("<!-- end -->")[0].splitlines() if line.startswith("|")]
    if not marker or len(lines) < 3:
        raise SystemExit(f"the page has no table <!-- {name} --> … <!-- end -->")
    return [[cell.replace("`", "").strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def draw_schemes(axes: Sequence[Any], *tables: list[list[str]]) -> None:
    for one, rows, title in zip(axes, tables, ("ResNet-8", "digits"), strict=True):
        names: dict[tuple[float, float], list[str]] = {}
        for scheme, _, _, error, flash, *_ in rows:
            if scheme not in LEFT_OUT and not scheme.endswith(("+dq", "+pt")):
                names.setdefault((number(flash) / 1e3, number(error)), []).append(scheme)
        for at, same in names.items():
            one.plot(*at, "o", color="tab:red" if "mixed" in same else "tab:blue", markersize=4)
            one.annotate(", ".join(same), at, (4, 3), textcoords="offset points", size=7)
        one.set(xlabel="flash of the image, kB (counted)", title=title, yscale="log")
        one.margins(x=0.2)
    axes[0].set_ylabel("error of the outputs (measured)")


def draw_weights(axes: Sequence[Any], found: dict[str, Any]) -> None:
    (one,), weights = axes, found["weights"]
    edges = np.array(weights["edges"])
    one.stairs(weights["counts"], edges, fill=True, color="0.75")
    top = max(weights["counts"])
    for place, (scheme, levels) in enumerate(weights["levels"].items()):
        height = -top * 0.09 * (place + 1)
        one.plot(levels, [height] * len(levels), "|", color=f"C{place}", markersize=9, markeredgewidth=2)
        one.text(1.16, height, scheme, size=8, va="center", color=f"C{place}")
    one.set(xlabel="weight, in parts of its channel's largest", ylabel="weights", xlim=(-1.15, 1.15))
    one.set_yticks([0, 500, 1000])


def draw_calibrators(axes: Sequence[Any], found: dict[str, Any], rows: list[list[str]]) -> None:
    spread, errors, activation = axes[0], axes[1], found["activation"]
    spread.stairs(activation["counts"], activation["edges"], fill=True, color="0.75")
    for place, (name, (_, high)) in enumerate(activation["ranges"].items()):
        spread.axvline(high, color=f"C{place}", label=name)
    spread.set(yscale="log", ylabel="values", xlabel=f"output of {activation['layer']}, and where ranges end")
    spread.legend(fontsize=7)
    errors.barh([row[0] for row in rows], [number(row[3]) for row in rows], height=0.6)
    errors.invert_yaxis()
    errors.set(xlabel="error of the outputs (measured)")


def draw_encodings(axes: Sequence[Any], found: dict[str, Any]) -> None:
    (one,), rows = axes, found["encodings"]
    entropy = [row["entropy"] for row in rows]
    one.plot(entropy, entropy, color="0.6", linestyle="--", label="Shannon's limit")
    for name in ("bits", "trits", "huffman", "tans"):
        points = [(row["entropy"], row[name]) for row in rows if row[name] is not None]
        one.plot(*zip(*points, strict=True), ".-", label=name, linewidth=1)
    one.axhline(8, color="0.8", linewidth=1)
    one.set(xlabel="entropy of the weights, bits (counted)", ylabel="bits a weight, tables included (counted)")
    one.legend(fontsize=8)


def draw_rounding(axes: Sequence[Any], rows: list[list[str]]) -> None:
    (one,), ways = axes, ("nearest", "gptq", "adaround")
    places = np.arange(len(rows))
    for at, way in enumerate(ways):
        one.bar(places + 0.27 * (at - 1), [number(row[2 + 2 * at]) for row in rows], 0.25, label=way)
    one.set_xticks(places, [row[0] for row in rows])
    one.set(ylabel="error of the outputs (measured)")
    one.legend(fontsize=8)


def draw_training(axes: Sequence[Any], rows: list[list[str]]) -> None:
    (one,) = axes
    places = range(len(rows))
    floats, rounded, trained = ([number(row[column]) for row in rows] for column in (2, 3, 4))
    one.hlines(places, rounded, trained, color="0.7", linewidth=3)
    one.plot(rounded, places, "o", color="tab:orange", label="rounded")
    one.plot(trained, places, "o", color="tab:green", label="trained")
    one.plot(floats, places, "|", color="black", markersize=12, label="float")
    one.set_yticks(places, [f"{row[0]}, {row[1]}" for row in rows])
    one.invert_yaxis()
    one.set(xlabel="accuracy, % (measured)")
    one.legend(fontsize=8)


def draw_analysis(axes: Sequence[Any], *found: dict[str, Any]) -> None:
    for one, analysis in zip(axes, found, strict=True):
        layers = analysis["layers"][:10]
        one.barh([layer["name"] for layer in layers], [100 * layer["share"] for layer in layers], height=0.6)
        one.invert_yaxis()
        one.tick_params(axis="y", labelsize=7)
        one.set(xlabel="share of the error, % (measured)", title=analysis["scheme"])


def draw_mixed(axes: Sequence[Any], command: dict[str, Any]) -> None:
    found, (one,) = command["mixed"], axes
    points = {name: SimpleNamespace(**found[name]) for name in ("chosen", "usual")}
    lists = {name: tuple(SimpleNamespace(**point) for point in found[name]) for name in ("front", "uniform")}
    draw_on(one, SimpleNamespace(**points, **lists))


FIGURES = (
    Figure("weights", ("distributions.json",), draw_weights, size=(7.0, 4.2)),
    Figure("encodings", ("distributions.json",), draw_encodings),
    Figure("calibrators", ("distributions.json", "calibrators ic"), draw_calibrators, columns=2),
    Figure("rounding", ("roundings ic",), draw_rounding),
    Figure("training", ("training",), draw_training),
    Figure("analysis", ("analysis-w8a8.json", "analysis-codebook4.json"), draw_analysis, columns=2),
    Figure("mixed", ("mixed.json",), draw_mixed),
    Figure("schemes", ("schemes ic", "schemes digits"), draw_schemes, columns=2, size=(9.0, 4.5)),
)


def numbers(figure: Figure, page: str) -> list[Any]:
    """What the figure's sources hold now."""
    return [
        json.loads((PLOTS / source).read_text(encoding="utf-8"))
        if source.endswith(".json")
        else table_rows(page, source)
        for source in figure.sources
    ]


def described(found: list[Any]) -> dict[str, Any]:
    """The metadata of a figure: what it was drawn by, and a digest of what it was drawn from."""
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    return {"Date": None, "Creator": f"matplotlib {mpl.__version__}", "Description": f"drawn from {digest}"}


def drawn(figure: Figure, found: list[Any]) -> bytes:
    """The figure as an SVG file."""
    mpl.use("agg")
    from matplotlib import pyplot

    style = {"svg.hashsalt": figure.name, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    with mpl.rc_context(style):
        drawing, axes = pyplot.subplots(1, figure.columns, figsize=figure.size, layout="constrained", squeeze=False)
        figure.draw(axes[0], *found)
        file = io.BytesIO()
        drawing.savefig(file, format="svg", metadata=described(found))
        pyplot.close(drawing)
    lines = file.getvalue().decode().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines).encode()


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for figure in FIGURES:
        goal = PLOTS / f"{figure.name}.svg"
        goal.write_bytes(drawn(figure, numbers(figure, page)))
        print(goal)


if __name__ == "__main__":
    main()
