"""``mcuq ops``: which operators mcuq compiles, and under which rules."""

from __future__ import annotations

import click
from rich.table import Table

from mcuq.cli._shared import output_console


@click.command("ops")
def command() -> None:
    """List the operators that mcuq compiles, their kernels and their rules."""
    from mcuq.kernels import kernels_for  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.ops import operators  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("operator", "kernels", "rules"):
        table.add_column(name, overflow="fold")
    for operator in operators().values():
        if not operator.in_files:
            continue
        names = [kernel.name for kernel in kernels_for(operator.name)]
        rules = [" ".join((rule.__doc__ or "").split()) for rule in operator.constraints]
        table.add_row(operator.name, "\n".join(names) or "none: the same bytes", "\n".join(rules))
    output_console().print(table)
