"""``mcuq repro``: a run into one file, and such a file run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcuq.cli._shared import (
    error_console,
    given_samples,
    model_option,
    only_one,
    option,
    progress_on,
    set_up_logging,
    test_data_option,
    timeout_option,
    verbose_option,
)

if TYPE_CHECKING:
    from mcuq.built import Built
    from mcuq.data import Dataset
    from mcuq.repro import ReproOptions

SAMPLES = 8


@click.command("repro")
@click.argument("what", type=click.Path(path_type=Path))
@option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write. [default: MODEL-BOARD.zip]"
)
@option(
    "--target",
    metavar="sim|auto|PORT",
    default="sim",
    show_default=True,
    help="Where to run: QEMU, or the board at a serial port (auto finds it).",
)
@model_option
@test_data_option
@option("--limit", type=click.IntRange(min=1), default=SAMPLES, show_default=True, help="Run at most so many samples.")
@timeout_option
@verbose_option
def command(
    what: Path,
    output: Path | None,
    target: str,
    model: str | None,
    data: tuple[str, ...],
    limit: int,
    timeout: float,
    verbose: bool,
) -> int:
    """Keep a run for somebody else to look at, or run one again that was kept.

    WHAT is a build folder: its image runs, and image, inputs, expected bytes and all that was said over the serial
    line are written to one zip file for each of its models. Or WHAT is such a file: it is run again in QEMU, which
    exits with 5 when bytes differ from LiteRT's. A file from elsewhere is safe to give: its image sees nothing but the
    simulated machine.
    """
    from mcuq.built import load_models  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.repro import ReproOptions  # noqa: PLC0415

    set_up_logging(error_console(), verbose)
    if what.is_file():
        return _replayed(what, timeout)
    builts = load_models(what, model)
    if output is not None:
        only_one(builts, "--output")
    for built, samples in zip(builts, given_samples(builts, data, load_config(Path.cwd())), strict=True):
        _record(built, output, samples, ReproOptions(target, limit, timeout))
    return 0


def _record(built: Built, output: Path | None, samples: Dataset | None, options: ReproOptions) -> None:
    from mcuq.output import write_file  # noqa: PLC0415
    from mcuq.repro import compared, packed, record  # noqa: PLC0415

    with progress_on(error_console()) as progress:
        repro = record(built, samples, options, progress)
    file = output or Path(f"{built.model.name}-{built.board.name}.zip")
    write_file(file, packed(repro))
    header, found = repro.header, compared(repro, repro.record)
    click.echo(f"{header.ran_on}: {found.differing:,} of {found.bytes:,} output bytes differ from LiteRT's")
    if header.failure is not None:
        click.echo(f"the run failed: {header.failure}")
    if header.machine is None:
        click.echo(f"wrote {file}, which cannot be run again in QEMU: it has no machine for {header.board}")
    else:
        other = f" on {header.machine}, from the same model objects" if header.replays != "image.elf" else ""
        click.echo(f"wrote {file}; `mcuq repro {file}` runs it again in QEMU{other}")


def _replayed(file: Path, timeout: float) -> int:
    from mcuq.errors import MismatchError, RunError  # noqa: PLC0415
    from mcuq.repro import replay  # noqa: PLC0415
    from mcuq.repro_file import unpack  # noqa: PLC0415

    repro = unpack(file)
    with progress_on(error_console()) as progress:
        found = replay(repro, timeout, progress)
    for what, one in ((f"recorded, {found.header.ran_on}", found.recorded), ("now in QEMU", found.replayed)):
        click.echo(f"{what}: {one.differing:,} of {one.bytes:,} output bytes differ from LiteRT's")
    click.echo(f"all {found.answers:,} answers are as recorded" if found.differs is None else f"first: {found.differs}")
    if found.failure is not None:
        recorded = f"; recorded was: {found.header.failure}" if found.header.failure else "; recorded was no failure"
        raise RunError(f"the run failed in QEMU: {found.failure}", details=(recorded.removeprefix("; "),))
    if found.replayed.differing:
        raise MismatchError(f"{found.replayed.differing:,} output bytes differ from LiteRT's in QEMU")
    return 0
