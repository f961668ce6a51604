"""``mcuq calibrate``: what calibration data say of a model, and whether they will do."""

from __future__ import annotations

import dataclasses
import json
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
    from mcuq.quantize.diagnosis import Diagnosis


@click.command("calibrate")
@options_of_calibration
def command(
    model: Path, data: str | None, scheme: str | None, calibration: str | None, as_json: bool, verbose: bool
) -> None:
    """Show the ranges that calibration gives MODEL, a float model, and say what is wrong with the data.

    Values that are cut off, channels that never change or reach far beyond the others, samples that repeat, classes
    that are missing, and what more samples would bring. Nothing is written.
    """
    console = error_console()
    set_up_logging(console, verbose)
    with progress_on(console) as progress:
        found = calibrated(model, data, scheme, calibration, progress)[0].diagnosis
    assert found is not None
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "command": "calibrate", **_described(found)}, indent=2))
    else:
        _show(found)


def _described(found: Diagnosis) -> dict[str, object]:
    rows = [
        dataclasses.asdict(row) | {"sqnr_db": row.sqnr_db if math.isfinite(row.sqnr_db) else None}
        for row in found.activations
    ]
    return {"samples": found.samples, "activations": rows, "findings": list(found.findings)}


def _show(found: Diagnosis) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps `mcuq --help` instant
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    for name in ("least", "most"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("by", no_wrap=True)
    for name in ("cut off", "above rounding", "channels", "dead", "outliers", "growth"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.activations:
        above = f"{row.sqnr_db:.1f} dB" if math.isfinite(row.sqnr_db) else "exact"
        counts = [str(row.channels), *(str(len(some)) if some else "" for some in (row.dead, row.outliers))]
        ends = [f"{row.low:.4g}", f"{row.high:.4g}", row.calibrator, f"{row.cut_off:.3%}" if row.cut_off else ""]
        table.add_row(Text(row.layer), *ends, above, *counts, f"{row.growth:.1%}")
    output = output_console()
    output.print(table)
    output.print(
        f"cut off, dead, outliers: counted on {found.samples} samples; above rounding: how far values stand above what "
        "int8 does to them (estimated from their histogram); growth: how much wider the range of all samples is than "
        "that of half of them"
    )
    for line in found.findings:
        output.print(Text(line, style="bold"))
