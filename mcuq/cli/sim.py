"""``mcuq sim``: a build in a simulator."""

from __future__ import annotations

from pathlib import Path

import click

from mcuq.cli._shared import error_console, json_option, option, progress_on, set_up_logging, show, verbose_option


@click.command("sim")
@click.argument("build", type=click.Path(path_type=Path))
@option("--data", help="Test data, in the formats that `mcuq build --data` takes. [default: random inputs]")
@option("--limit", type=click.IntRange(min=1), help="Run at most so many samples.")
@option("--timeout", type=click.FloatRange(min=0.1), default=120.0, show_default=True, help="Seconds per inference.")
@json_option
@verbose_option
def command(build: Path, data: str | None, limit: int | None, timeout: float, as_json: bool, verbose: bool) -> int:
    """Run BUILD, a folder made by `mcuq build`, in QEMU and hold every output byte to LiteRT's.

    Instructions are counted, exactly and repeatably; they are no latency. Exits with 5 when bytes differ.
    """
    from mcuq.build import REPORT  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.built import load_built  # noqa: PLC0415
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.data import load_data  # noqa: PLC0415
    from mcuq.errors import MismatchError  # noqa: PLC0415
    from mcuq.model import input_specs  # noqa: PLC0415
    from mcuq.output import write_file  # noqa: PLC0415
    from mcuq.simulate import SimulationOptions, simulate  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    built = load_built(build)
    spec = data or load_config(Path.cwd()).test_data
    samples = None if spec is None else load_data(spec, input_specs(built.model.file_graph))
    with progress_on(console) as progress:
        report = simulate(built, samples, SimulationOptions(timeout, limit), progress)
    write_file(build / REPORT, report.as_json())
    show(report, as_json, console)
    if report.mismatched_bytes:
        raise MismatchError(
            f"{report.mismatched_bytes:,} of {report.compared_bytes:,} output bytes differ from LiteRT's, "
            f"in {report.mismatched_samples} of {report.samples} samples"
        )
    return 0
