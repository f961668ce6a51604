"""``mcuq flash``: a build onto its board."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from mcuq.cli._shared import (
    error_console,
    flash_command_option,
    flash_job,
    option,
    probe_option,
    progress_on,
    runner_option,
    set_up_logging,
    verbose_option,
)


@click.command("flash")
@click.argument("build", type=click.Path(path_type=Path))
@runner_option
@probe_option
@flash_command_option
@option("--dry-run", is_flag=True, help="Print the commands and run nothing.")
@verbose_option
def command(
    build: Path, runner: str | None, probe: str | None, flash_command: str | None, dry_run: bool, verbose: bool
) -> None:
    """Write the image of BUILD, a folder made by `mcuq build`, into the flash of the board that is connected.

    With two probes connected, --probe says which. `mcuq measure` then checks that the board runs this very build.
    """
    from mcuq.built import load_models  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.flash.write import write  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    job = flash_job(load_models(build)[0], runner, probe, flash_command, dry=dry_run)
    if dry_run:
        for path, text in job.flasher.files().items():
            click.echo(f"# {path}:\n" + "".join(f"#   {line}\n" for line in text.splitlines()), nl=False)
        for line in job.flasher.commands():
            click.echo(shlex.join(line))
        return
    stage = f"{job.flasher.name} writes {job.board.name}"
    with progress_on(console) as progress:
        progress(stage, 0, 1)
        write(job)
        progress(stage, 1, 1)
    verified = "and verified" if job.flasher.verifies else "(the tool does not read back; `mcuq measure` checks)"
    click.echo(f"flashed {job.flasher.elf.name} onto {job.board.name} with {job.flasher.name} {verified}")
