"""``mcuq measure``: a build on the board that is connected."""

from __future__ import annotations

from pathlib import Path

import click

from mcuq.cli._shared import (
    error_console,
    given_samples,
    json_of,
    json_option,
    model_option,
    of_model,
    option,
    output_console,
    progress_on,
    reconnect_option,
    set_up_logging,
    test_data_option,
    timeout_option,
    verbose_option,
)

MEASUREMENT = "measurement.json"


@click.command("measure")
@click.argument("build", type=click.Path(path_type=Path))
@option("--port", default="auto", show_default=True, help="Serial port; auto finds the board's own by its USB ids.")
@model_option
@test_data_option
@option("--runs", type=click.IntRange(min=1), default=100, show_default=True, help="Runs to time.")
@option("--warmup", type=click.IntRange(min=0), default=5, show_default=True, help="Runs before those.")
@option("--layers", is_flag=True, help="Time each layer too.")
@option("--limit", type=click.IntRange(min=1), help="Run at most so many samples.")
@timeout_option
@reconnect_option
@json_option
@verbose_option
def command(
    build: Path,
    port: str,
    model: str | None,
    data: tuple[str, ...],
    runs: int,
    warmup: int,
    layers: bool,
    limit: int | None,
    timeout: float,
    reconnect: float,
    as_json: bool,
    verbose: bool,
) -> int:
    """Measure BUILD, which `mcuq flash` has written, on its board: latency, accuracy, and every byte against LiteRT's.

    The board has to answer with this build's id. Times are measured with the clock that the board says it runs at.
    Exits with 5 when bytes differ, and with 6 when there is no port to choose.
    """
    from mcuq.built import load_models  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.errors import MismatchError  # noqa: PLC0415
    from mcuq.measurement import print_measurement  # noqa: PLC0415
    from mcuq.on_target import MeasureOptions, measure  # noqa: PLC0415
    from mcuq.output import write_file  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    builts = load_models(build, model)
    samples = given_samples(builts, data, load_config(Path.cwd()))
    options = MeasureOptions(port, runs, warmup, layers, limit, timeout, reconnect)
    found = []
    with progress_on(console) as progress:
        for built, given in zip(builts, samples, strict=True):
            found.append(measure(built, given, options, progress))
            write_file(built.files / MEASUREMENT, found[-1].as_json())
    if as_json:
        click.echo(json_of([one.as_json() for one in found]), nl=False)
    else:
        for one in found:
            print_measurement(one, output_console())
    if wrong := [one for one in found if one.mismatched_bytes]:
        first = wrong[0]
        raise MismatchError(
            f"{first.mismatched_bytes:,} of {first.compared_bytes:,} output bytes differ from LiteRT's, "
            f"in {len(first.mismatches)} of {first.samples} samples{of_model(first.model, found)}"
        )
    return 0
