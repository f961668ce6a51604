"""``mcuq sim``: a build in a simulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcuq.cli._shared import (
    error_console,
    given_samples,
    json_option,
    model_option,
    of_model,
    only_one,
    option,
    progress_on,
    set_up_logging,
    show,
    test_data_option,
    timeout_option,
    verbose_option,
)

if TYPE_CHECKING:
    from mcuq.simulate import Engine


@click.command("sim")
@click.argument("build", type=click.Path(path_type=Path))
@model_option
@test_data_option
@option("--limit", type=click.IntRange(min=1), help="Run at most so many samples.")
@timeout_option
@option(
    "--engine",
    type=click.Choice(("qemu", "renode")),
    default="qemu",
    show_default=True,
    help="Renode runs the very image that is flashed, on boards whose file has a [renode] section.",
)
@option(
    "--robot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Run nothing: write a Robot Framework test, NAME.robot, that runs the image in Renode, and its files.",
)
@json_option
@verbose_option
def command(
    build: Path,
    model: str | None,
    data: tuple[str, ...],
    limit: int | None,
    timeout: float,
    engine: Engine,
    robot: Path | None,
    as_json: bool,
    verbose: bool,
) -> int:
    """Run BUILD, a folder made by `mcuq build`, in a simulator and hold every output byte to LiteRT's.

    Instructions are counted, in QEMU exactly and repeatably; they are no latency. Exits with 5 when bytes differ. Of
    several models in one image one runs after the other.
    """
    from mcuq.build import REPORT  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.built import load_models  # noqa: PLC0415
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.errors import MismatchError  # noqa: PLC0415
    from mcuq.output import write_file  # noqa: PLC0415
    from mcuq.robot import SAMPLES, write_robot  # noqa: PLC0415
    from mcuq.simulate import SimulationOptions, random_data, simulate  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    builts = load_models(build, model)
    samples = given_samples(builts, data, load_config(Path.cwd()))
    if robot is not None:
        built = only_one(builts, "--robot")
        wanted = samples[0] if samples[0] is not None else random_data(built)
        with progress_on(console) as progress:
            files = write_robot(built, wanted.head(limit or SAMPLES), robot, timeout, progress)
        click.echo("\n".join(str(file) for file in files))
        return 0
    reports = []
    with progress_on(console) as progress:
        for built, given in zip(builts, samples, strict=True):
            reports.append(simulate(built, given, SimulationOptions(timeout, limit, engine), progress))
            write_file(built.files / REPORT, reports[-1].as_json())
    show(reports, as_json, console)
    if wrong := [report for report in reports if report.mismatched_bytes]:
        first = wrong[0]
        raise MismatchError(
            f"{first.mismatched_bytes:,} of {first.compared_bytes:,} output bytes differ from LiteRT's, "
            f"in {first.mismatched_samples} of {first.samples} samples{of_model(first.model, reports)}"
        )
    return 0
