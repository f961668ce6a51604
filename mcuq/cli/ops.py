"""``mcuq ops``: which operators mcuq compiles, and under which rules."""

from __future__ import annotations

import click
from rich.table import Table

from mcuq.cli._shared import option, output_console


@click.command("ops")
@option("--markdown", is_flag=True, help="Print docs/operators.md, with formulas.")
def command(markdown: bool) -> None:
    """List the operators that mcuq compiles, their kernels and their rules."""
    from mcuq.operators_page import kernels_of, page, rules_of  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.ops import operators  # noqa: PLC0415

    if markdown:
        click.echo(page(), nl=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("operator", "kernels", "rules"):
        table.add_column(name, overflow="fold")
    for operator in operators().values():
        if operator.in_files:
            kernels = "\n".join(kernels_of(operator)) or "none: the same bytes"
            table.add_row(operator.name, kernels, "\n".join(rules_of(operator)))
    output_console().print(table)
