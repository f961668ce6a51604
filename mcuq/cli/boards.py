"""``mcuq boards``: what boards there are."""

from __future__ import annotations

import click
from rich.table import Table

from mcuq.cli._shared import output_console


@click.command("boards")
def command() -> None:
    """List the boards that mcuq builds for."""
    from mcuq.board import all_boards  # noqa: PLC0415 - keeps `mcuq --help` instant

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("board", "core", "flash", "RAM", "simulated by", "title"):
        table.add_column(name, justify="right" if name in ("flash", "RAM") else "left")
    for board in all_boards():
        simulator = f"QEMU {board.qemu.machine}" if board.qemu else f"QEMU, as {board.simulate_on}"
        table.add_row(
            " ".join((board.name, *(f"({alias})" for alias in board.aliases))),
            board.core,
            f"{board.flash_bytes // 1024:,} KB",
            f"{board.ram_bytes // 1024:,} KB",
            simulator,
            board.title,
        )
    output_console().print(table)
