"""``mcuq doctor``: which tools are here, and how to get the others."""

from __future__ import annotations

import click
from rich.table import Table

from mcuq.cli._shared import output_console


@click.command("doctor")
def command() -> int:
    """Say which tools mcuq finds, their versions, what is missing and the command that installs it.

    Exits with 6 when something that `mcuq build` or `mcuq sim` always needs is missing.
    """
    from mcuq.doctor import examine  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.errors import ToolError  # noqa: PLC0415

    findings = examine()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("tool", "found", "for", "install with"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        install = "" if finding.version else finding.install
        table.add_row(finding.name, finding.version or "missing", finding.purpose, install)
    output_console().print(table)
    missing = [finding.name for finding in findings if finding.needed and not finding.version]
    if missing:
        raise ToolError(f"missing: {', '.join(missing)}")
    return 0
