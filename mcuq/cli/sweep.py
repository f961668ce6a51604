"""``mcuq sweep``: models, schemes, boards and goals in all combinations, each built, into one file of results."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcuq.cli._shared import (
    calibration_option,
    error_console,
    json_option,
    kernels_option,
    option,
    output_console,
    progress_on,
    set_up_logging,
    verbose_option,
)
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.sweep.results import Row


@click.command("sweep")
@click.argument("models", nargs=-1, type=click.Path())
@option("--plan", type=click.Path(path_type=Path), help="A TOML file with models, boards, schemes, optimize, data …")
@option("--board", "boards", multiple=True, help="Board, or the TOML file of one; may be repeated.")
@option("--scheme", "schemes", multiple=True, metavar="NAME", help="Scheme; may be repeated. [default: w8a8]")
@option(
    "--optimize",
    multiple=True,
    type=click.Choice(["speed", "balanced", "size", "ram"]),
    help="What to make small; may be repeated. [default: balanced]",
)
@kernels_option
@calibration_option
@option("--test-data", help="Data that accuracy is measured on, in LiteRT. [default: the calibration data]")
@option("--sim", "samples", type=click.IntRange(min=0), help="Run so many samples in the simulator, too.")
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("sweep.sqlite"),
    show_default=True,
    help="File of results: what is in it is not run again.",
)
@option("--jobs", type=click.IntRange(min=1), help="Candidates at a time on this machine. [default: its cores]")
@option("--scheduler", metavar="ADDRESS", help="Run on the workers of this Dask scheduler, as tcp://HOST:8786.")
@option("--retry", is_flag=True, help="Run again what has failed.")
@option("--csv", "as_csv", is_flag=True, help="Print the results as CSV.")
@json_option
@verbose_option
def command(
    models: tuple[str, ...],
    plan: Path | None,
    boards: tuple[str, ...],
    schemes: tuple[str, ...],
    optimize: tuple[str, ...],
    kernels: str | None,
    data: str | None,
    test_data: str | None,
    samples: int | None,
    output: Path,
    jobs: int | None,
    scheduler: str | None,
    retry: bool,
    as_csv: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Build every combination of MODELS, boards, schemes and goals, and keep what came of each.

    A candidate that fails is a row with its error. An interrupted sweep goes on where it stopped; with nothing to run,
    the results are printed. The best of each model on each board, which no other beats in flash, RAM, instructions and
    accuracy together, are marked.
    """
    from mcuq.config import load_config  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.sweep.candidate import candidates  # noqa: PLC0415
    from mcuq.sweep.plan import Sweep, read_sweep  # noqa: PLC0415
    from mcuq.sweep.results import Results  # noqa: PLC0415
    from mcuq.sweep.run import run_here, run_on_cluster  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    if as_csv and as_json:
        raise UsageError("both --csv and --json are given", hint="give one of them")
    config = load_config(Path.cwd())
    planned = Sweep() if plan is None else read_sweep(plan)
    wanted_boards = boards or planned.boards or ([config.board] if config.board else [])
    found = candidates(
        [os.path.abspath(model) for model in models] or planned.models,  # noqa: PTH100 - resolve() follows links
        wanted_boards,
        schemes or planned.schemes or ["w8a8"],
        optimize or planned.optimize or ["balanced"],
        kernels or planned.kernels,
        _absolute(data) or planned.data or config.data,
        _absolute(test_data) or planned.test_data or config.test_data,
        planned.samples if samples is None else samples,
    )
    if (models or planned.models) and not wanted_boards:
        raise UsageError("no board given", hint="give --board NAME; `mcuq boards` lists the names")
    if not found and not output.exists():
        raise UsageError("nothing to build", hint="give models and boards, or --plan FILE.toml")
    with Results(output) as results, progress_on(console) as progress:
        done = results.keys(failed=not retry)
        waiting = [candidate for candidate in found if candidate.key not in done]
        progress("candidates", len(found) - len(waiting), len(found))
        count = jobs or os.cpu_count() or 1
        running = run_on_cluster(waiting, scheduler) if scheduler and waiting else run_here(waiting, count)
        for number, (candidate, outcome) in enumerate(running, len(found) - len(waiting) + 1):
            results.add(candidate, outcome)
            if outcome.error is not None:
                console.print(f"{candidate.name}: {outcome.error}")
            progress("candidates", number, len(found))
        rows = results.rows()
    if as_json:
        click.echo(
            json.dumps({"schema_version": 1, "command": "sweep", "rows": [_flat(row) for row in rows]}, indent=2)
        )
    elif as_csv:
        _print_csv(rows)
    else:
        _show(rows)


def _absolute(spec: str | None) -> str | None:
    return None if spec is None else os.path.abspath(spec)  # noqa: PTH100 - a spec may name a function, too


def _flat(row: Row) -> dict[str, object]:
    values = dataclasses.asdict(row)
    outcome, best = values.pop("outcome"), values.pop("best")
    return {**values, **outcome, "best": best}


def _print_csv(rows: tuple[Row, ...]) -> None:
    flat = [_flat(row) for row in rows]
    writer = csv.DictWriter(sys.stdout, list(flat[0]) if flat else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)


def _show(rows: tuple[Row, ...]) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps `mcuq --help` instant
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name in ("model", "board", "scheme", "optimize"):
        table.add_column(name, overflow="fold")
    for name in ("flash, B", "RAM, B", "instructions", "accuracy", "agreement", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for row in rows:
        out = row.outcome
        numbers = [_number(value) for value in (out.flash_bytes, out.ram_bytes, out.instructions)]
        shares = [_share(value) for value in (out.accuracy, out.agreement)]
        wrong = f"{out.mismatched_bytes:,} bytes differ from LiteRT's" if out.mismatched_bytes else ""
        named: list[Text | str] = [Text(Path(row.model).name), Path(row.board).stem, row.scheme, row.optimize]
        seconds = f"{out.seconds:.0f}"
        table.add_row("*" if row.best else "", *named, *numbers, *shares, seconds, Text(out.error or wrong))
    output = output_console()
    output.print(table)
    output.print(
        "sizes and instructions: counted; accuracy, agreement with the float model: measured in LiteRT; "
        "*: beaten by no other of its model and board"
    )


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
