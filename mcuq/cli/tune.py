"""``mcuq tune``: the best kernel for each layer, tried out, into a file for ``mcuq build --tuned``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mcuq.cli._shared import (
    banks_of,
    board_file_option,
    board_option,
    by_model,
    chosen_board,
    cmsis_nn_option,
    configurations,
    error_console,
    existing,
    flash_command_option,
    flash_job,
    flash_option,
    kernels_option,
    named_calibration_option,
    named_model,
    optimize_option,
    option,
    output_console,
    place_option,
    probe_option,
    progress_on,
    ram_option,
    reconnect_option,
    runner_option,
    set_up_logging,
    stream_option,
    timeout_option,
    verbose_option,
)
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.bench import Bench
    from mcuq.tune import TuneResult


@click.command("tune")
@click.argument("models", metavar="[NAME=]MODEL...", nargs=-1, required=True)
@board_option
@board_file_option
@named_calibration_option
@option("-o", "--output", type=click.Path(path_type=Path), help="File to write. [default: MODEL-BOARD.tuned.toml]")
@kernels_option
@optimize_option
@stream_option
@flash_option
@ram_option
@place_option
@option("--placements/--no-placements", default=True, help="Try other memory banks too. [default: placements]")
@option("--port", help="Measure on the board at this serial port; auto finds the board's own. [default: simulate]")
@runner_option
@probe_option
@flash_command_option
@option("--runs", type=click.IntRange(min=1), default=10, show_default=True, help="Runs to time of each image.")
@reconnect_option
@cmsis_nn_option
@timeout_option
@verbose_option
def command(
    models: tuple[str, ...],
    board: str | None,
    board_file: Path | None,
    data: tuple[str, ...],
    output: Path | None,
    kernels: str | None,
    optimize: str | None,
    stream: bool | None,
    flash: int | None,
    ram: int | None,
    place: tuple[str, ...],
    placements: bool,
    port: str | None,
    runner: str | None,
    probe: str | None,
    flash_command: str | None,
    runs: int,
    reconnect: float,
    cmsis_nn: str | None,
    timeout: float,
    verbose: bool,
) -> None:
    """Try every kernel on every layer of MODEL, then other memory banks, and write down the best choice.

    In the simulator, where instructions are counted and weighed with the core's timings; with --port on the board:
    each image is flashed, as by `mcuq flash`, and its layers are measured. Commit the file, and build with --tuned.
    Several models are tuned in one image, and have a file each.
    """
    from mcuq.bench import OnBoard, Simulator  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.codegen.names import check_distinct  # noqa: PLC0415
    from mcuq.fit import Goals  # noqa: PLC0415
    from mcuq.flash.write import write  # noqa: PLC0415
    from mcuq.model import load_model  # noqa: PLC0415
    from mcuq.on_target import port_of  # noqa: PLC0415
    from mcuq.output import check_writable, write_file  # noqa: PLC0415
    from mcuq.planner.choose import Optimize  # noqa: PLC0415
    from mcuq.planner.lower import KernelPolicy  # noqa: PLC0415
    from mcuq.tune import Places, tune  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    given = dict(named_model(entry) for entry in models)
    check_distinct([named_model(entry)[0] for entry in models])
    config, own = configurations(tuple(given.items()))
    chosen = chosen_board(board, board_file, config.board)
    if output is not None and len(given) > 1:
        raise UsageError("--output names one file, and each model has its own", hint="leave it out")
    files = [output or Path(f"{name}-{chosen.name}.tuned.toml") for name in given]
    for file in files:
        check_writable(file)
    policy = KernelPolicy(kernels or config.kernels or "auto")
    goals = Goals(Optimize(optimize or config.optimize or "balanced"), flash, ram, policy)
    bench: Bench = Simulator(timeout)
    if port is None:
        _check_simulated()
    else:
        port_of(chosen, port)  # before anything is built
        bench = OnBoard(
            lambda built: write(flash_job(built, runner, probe, flash_command)), port, runs, timeout, reconnect
        )
    with progress_on(console) as progress:
        samples = by_model(data, list(given))
        loaded = [
            dataclasses.replace(
                load_model(
                    path,
                    samples.get(name) or own[name].data,
                    progress,
                    stream=own[name].stream if stream is None else stream,
                ),
                name=name,
            )
            for name, path in given.items()
        ]
        places = Places(banks_of(place), placements)
        result = tune(loaded, chosen, existing(cmsis_nn or config.cmsis_nn), goals, places, bench, progress)
    for tuned, file in zip(result.tuned, files, strict=True):
        write_file(file, tuned.as_toml())
    _show(result, files)


def _check_simulated() -> None:
    """Raises ``UsageError`` for a flag that says how to flash, where nothing is flashed."""
    context = click.get_current_context()
    for name in ("runner", "probe", "flash_command"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{name.replace('_', '-')} is given, but no --port", hint="--port PORT measures on the board"
            )


def _show(result: TuneResult, files: Sequence[Path]) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps `mcuq --help` instant

    tuned, unit = result.tuned[0], result.tuned[0].unit
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    table.add_column("kernel", no_wrap=True)
    table.add_column(unit, justify="right", no_wrap=True)
    table.add_column("others", overflow="fold")
    for name, layer in ((one.model, layer) for one in result.tuned for layer in one.layer):
        others = sorted((cycles, kernel) for kernel, cycles in layer.cycles.items() if kernel != layer.kernel)
        text = ", ".join(f"{kernel} {cycles:,}" for cycles, kernel in others)
        shown = layer.name if len(files) == 1 else f"{name}: {layer.name}"
        table.add_row(shown, layer.kernel, f"{layer.cycles[layer.kernel]:,}", text)
    output = output_console()
    output.print(table)
    gain = _gain(result.tuned_cycles, result.untuned_cycles)
    output.print(
        f"{result.tuned_cycles:,} {unit} in layers against {result.untuned_cycles:,} untuned, {gain} ({tuned.kind})"
    )
    if moves := result.moves:
        for move in moves.tried:
            told = move.failure if move.cycles is None else f"{move.cycles:,} {unit}"
            output.print(f"{move.role} in {move.bank}: {told}")
        kept = ", ".join(f"{role} in {bank}" for role, bank in tuned.placement.items()) or "all as the board file says"
        output.print(
            f"kept {kept}: {moves.after:,} {unit} against {moves.before:,}, {_gain(moves.after, moves.before)} "
            f"({tuned.kind})"
        )
    flags = " ".join(f"--tuned {file}" for file in files)
    output.print(f"wrote {', '.join(map(str, files))}; build with {flags}", soft_wrap=True)


def _gain(after: int, before: int) -> str:
    return f"{100 * (1 - after / (before or 1)):.1f} % less"
