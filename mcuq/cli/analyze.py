"""``mcuq analyze``: which layers lose most when a model is quantized."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcuq.cli._shared import (
    calibrated,
    error_console,
    options_of_calibration,
    output_console,
    progress_on,
    set_up_logging,
)

if TYPE_CHECKING:
    from mcuq.analyze import Analysis
    from mcuq.quantize.sensitivity import Alone


@click.command("analyze")
@options_of_calibration
def command(
    model: Path, data: str | None, scheme: str | None, calibration: str | None, as_json: bool, verbose: bool
) -> None:
    """Rank the layers of MODEL, a float model, by what quantizing them costs its output.

    Each layer is quantized alone, its weights, its output and both, and the whole model is compared with the float
    model layer by layer. What can be done about the layers that lose most is said in words.
    """
    from mcuq.analyze import analyze  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.build import figures_of  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    with progress_on(console) as progress:
        loaded, request = calibrated(model, data, scheme, calibration, progress)
        found = analyze(loaded, request, figures_of(loaded, progress), progress)
    if as_json:
        click.echo(found.as_json())
    else:
        _show(found)
    for note in loaded.notes:
        console.print(f"Note: {note}")


def _show(found: Analysis) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps `mcuq --help` instant
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    table.add_column("operator", no_wrap=True)
    table.add_column("scheme", no_wrap=True)
    for name in ("share of error", "weights", "output", "both", "same class", "so far"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in found.ranked():
        parts = [_decibels(part) for part in (layer.weights, layer.output, layer.alone)]
        same = "" if layer.alone.agreement is None else f"{100 * layer.alone.agreement:.1f} %"
        so_far = "" if layer.so_far_db is None else f"{layer.so_far_db:.1f} dB"
        share = f"{100 * layer.share:.1f} %"
        table.add_row(Text(layer.name), layer.op, layer.scheme or "", share, *parts, same, so_far)
    output = output_console()
    output.print(table)
    output.print(
        f"weights, output, both: how far the model's output stands above the error that quantizing these of the layer "
        f"alone makes there; so far: how far the layer's output stands above its error when all layers are quantized "
        f"(measured in LiteRT, {found.samples} samples)"
    )
    figures = found.figures
    if figures.agreement.int8 is not None:
        output.print(f"{100 * figures.agreement.int8:.1f} % put in the same class as by the float model", end="")
        output.print(f" (measured in LiteRT on {figures.data})")
    for line in found.advice:
        output.print(Text(line, style="bold"))


def _decibels(alone: Alone | None) -> str:
    if alone is None:
        return ""
    return f"{alone.sqnr_db:.1f} dB" if math.isfinite(alone.sqnr_db) else "exact"
