"""``mcuq verify``: every layer of a build held to LiteRT."""

from __future__ import annotations

from pathlib import Path

import click

from mcuq.cli._shared import (
    cmsis_nn_option,
    error_console,
    existing,
    given_samples,
    json_of,
    json_option,
    model_option,
    option,
    output_console,
    progress_on,
    set_up_logging,
    test_data_option,
    timeout_option,
    verbose_option,
)


@click.command("verify")
@click.argument("build", type=click.Path(path_type=Path))
@option(
    "--target",
    metavar="host|sim|auto|PORT",
    default="sim",
    show_default=True,
    help="Where to run the layers beside LiteRT and this machine: QEMU, or the board at a serial port (auto finds it).",
)
@model_option
@test_data_option
@option("--limit", type=click.IntRange(min=1), help="Run at most so many samples.")
@timeout_option
@option(
    "--reconnect",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a board that was unplugged.",
)
@cmsis_nn_option
@option(
    "--explain", is_flag=True, help="Also say where LiteRT's default gives other bytes than its reference, and why."
)
@json_option
@verbose_option
def command(
    build: Path,
    target: str,
    model: str | None,
    data: tuple[str, ...],
    limit: int | None,
    timeout: float,
    reconnect: float,
    cmsis_nn: str | None,
    explain: bool,
    as_json: bool,
    verbose: bool,
) -> int:
    """Compare every layer of BUILD with LiteRT: the generated C on this machine, and the image in QEMU or on the board.

    The image is the one that `mcuq build` made and `mcuq flash` writes: the run is stopped after each layer, and the
    CRC-32 of what it wrote compared. Of the first layer that differs, the elements are shown, and the exit code is 5.
    """
    from mcuq.built import load_models  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.errors import MismatchError  # noqa: PLC0415
    from mcuq.verification import in_words, print_verification  # noqa: PLC0415
    from mcuq.verify import VerifyOptions, verify  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    builts = load_models(build, model)
    config = load_config(Path.cwd())
    samples = given_samples(builts, data, config)
    options = VerifyOptions(target, limit, timeout, reconnect, existing(cmsis_nn or config.cmsis_nn), explain)
    with progress_on(console) as progress:
        found = [verify(built, given, options, progress) for built, given in zip(builts, samples, strict=True)]
    if as_json:
        click.echo(json_of([one.as_json() for one in found]), nl=False)
    else:
        for one in found:
            print_verification(one, output_console())
    if wrong := [one for one in found if one.differences]:
        raise MismatchError(in_words(*wrong[0].differences[0]), details=wrong[0].notes)
    return 0
