"""``mcuq estimate``: how long an inference may take on the board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcuq.cli._shared import (
    error_console,
    json_of,
    model_option,
    option,
    output_console,
    progress_on,
    set_up_logging,
    timeout_option,
    verbose_option,
)

if TYPE_CHECKING:
    from mcuq.estimate.estimate import Estimate


@click.command("estimate")
@click.argument("build", type=click.Path(path_type=Path))
@model_option
@timeout_option
@option("--json", "as_json", is_flag=True, help="Print the estimate as one JSON object.")
@verbose_option
def command(build: Path, model: str | None, timeout: float, as_json: bool, verbose: bool) -> None:
    """Estimate cycles and time of one inference of BUILD, layer by layer.

    Counts every instruction in QEMU with a plugin (compiled on first use with the host's gcc) and weighs it with the
    core's timings; adds what data from flash cost on the board, where that is known. Without the plugin, typical cycles
    of each operator's instructions take its place. An estimate: measure on the board for the truth.
    """
    from mcuq.built import load_models  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.estimate.estimate import estimate  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    with progress_on(console) as progress:
        found = [estimate(built, timeout, progress) for built in load_models(build, model)]
    if as_json:
        click.echo(json_of([json.dumps(one.as_dict(), indent=2) + "\n" for one in found]), nl=False)
        return
    for one in found:
        _show(one, named=len(found) > 1)


def _show(found: Estimate, *, named: bool) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps `mcuq --help` instant

    from mcuq.estimate.summary import summary  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    for name in ("kernel", "instructions", "cycles", "MACs", "cycles/MAC", "%"):
        table.add_column(name, justify="left" if name == "kernel" else "right", no_wrap=True)
    for layer in found.layers:
        per_mac = f"{layer.cycles / layer.macs:.2f}" if layer.macs else ""
        macs = f"{layer.macs:,}" if layer.macs else ""
        share = f"{100 * layer.cycles / (found.cycles or 1):.1f}"
        table.add_row(layer.name, layer.kernel, f"{layer.instructions:,}", f"{layer.cycles:,}", macs, per_mac, share)
    output = output_console()
    if named:
        output.print(f"model {found.model}")
    output.print(table)
    for line in summary(found):
        output.print(line)
