"""``mcuq boards``: what boards there are, one of them in full, and a file to begin one's own with."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from mcuq.cli._shared import Bytes, error_console, option, output_console
from mcuq.errors import UsageError


@click.group("boards", invoke_without_command=True)
@option("--core", help="Only boards with this core, as cortex-m4 or m4.")
@option("--ram", "min_ram", type=Bytes(), help="Only boards with at least this RAM, as 64K.")
@option("--flash", "min_flash", type=Bytes(), help="Only boards with at least this flash, as 512K.")
@click.pass_context
def command(context: click.Context, core: str | None, min_ram: int | None, min_flash: int | None) -> None:
    """List the boards that mcuq builds for, or do more with one."""
    from mcuq.board import all_boards  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.core import core_named  # noqa: PLC0415

    if context.invoked_subcommand is not None:
        return
    wanted = None if core is None else core_named(core if core.startswith("cortex-") else f"cortex-{core}").name
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("board", "core", "clock", "flash", "RAM", "simulated by", "title"):
        table.add_column(name, justify="right" if name in ("clock", "flash", "RAM") else "left")
    for board in all_boards():
        if wanted not in (None, board.core) or board.ram_bytes < (min_ram or 0) or board.flash_bytes < (min_flash or 0):
            continue
        table.add_row(
            " ".join((board.name, *(f"({alias})" for alias in board.aliases))),
            board.core,
            f"{board.clock.hz / 1e6:g} MHz",
            f"{board.flash_bytes // 1024:,} KB",
            f"{board.ram_bytes // 1024:,} KB",
            f"QEMU {board.qemu.machine}" if board.qemu else f"QEMU, as {board.simulate_on}",
            board.title,
        )
    if not table.row_count:
        raise UsageError("no board is like that", hint="`mcuq boards` without options lists all")
    output_console().print(table)


@command.command("show")
@click.argument("name")
def show_board(name: str) -> None:
    """Print the board file of NAME, with the source of each number."""
    from mcuq.board import board_named  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.paths import BOARDS  # noqa: PLC0415

    click.echo((BOARDS / f"{board_named(name).name}.toml").read_text(encoding="utf-8"), nl=False)


@command.command("new")
@click.argument("file", type=click.Path(path_type=Path))
def new_board(file: Path) -> None:
    """Write a commented board file to FILE, for `mcuq build --board-file FILE`."""
    from mcuq.board import load_board  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.paths import TEMPLATES  # noqa: PLC0415

    try:
        with file.open("x", encoding="utf-8") as new:
            new.write((TEMPLATES / "board.toml").read_text(encoding="utf-8"))
    except FileExistsError as error:
        raise UsageError(f"{file} exists", hint="give another name, or delete it") from error
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
    load_board(file)
    error_console().print(f"wrote {file}; put the numbers of your board into it", soft_wrap=True)
