"""``mcuq tune``: the best kernel for each layer, tried out, into a file for ``mcuq build --tuned``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mcuq.cli._shared import (
    banks_of,
    board_file_option,
    board_option,
    calibration_option,
    chosen_board,
    cmsis_nn_option,
    error_console,
    existing,
    flash_command_option,
    flash_job,
    flash_option,
    kernels_option,
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
    timeout_option,
    verbose_option,
)
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.bench import Bench
    from mcuq.tune import TuneResult


@click.command("tune")
@click.argument("model", type=click.Path(path_type=Path))
@board_option
@board_file_option
@calibration_option
@option("-o", "--output", type=click.Path(path_type=Path), help="File to write. [default: MODEL-BOARD.tuned.toml]")
@kernels_option
@optimize_option
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
    model: Path,
    board: str | None,
    board_file: Path | None,
    data: str | None,
    output: Path | None,
    kernels: str | None,
    optimize: str | None,
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
    """
    from mcuq.bench import OnBoard, Simulator  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.fit import Goals  # noqa: PLC0415
    from mcuq.flash.write import write  # noqa: PLC0415
    from mcuq.model import load_model, model_name  # noqa: PLC0415
    from mcuq.on_target import port_of  # noqa: PLC0415
    from mcuq.output import check_writable, write_file  # noqa: PLC0415
    from mcuq.planner.choose import Optimize  # noqa: PLC0415
    from mcuq.planner.lower import KernelPolicy  # noqa: PLC0415
    from mcuq.tune import Places, tune  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    config = load_config(Path.cwd(), model.absolute().parent)
    chosen = chosen_board(board, board_file, config.board)
    goal = output or Path(f"{model_name(model)}-{chosen.name}.tuned.toml")
    check_writable(goal)
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
        loaded = load_model(model, data or config.data, progress)
        places = Places(banks_of(place), placements)
        result = tune(loaded, chosen, existing(cmsis_nn or config.cmsis_nn), goals, places, bench, progress)
    write_file(goal, result.tuned.as_toml())
    _show(result, goal)


def _check_simulated() -> None:
    """Raises ``UsageError`` for a flag that says how to flash, where nothing is flashed."""
    context = click.get_current_context()
    for name in ("runner", "probe", "flash_command"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{name.replace('_', '-')} is given, but no --port", hint="--port PORT measures on the board"
            )


def _show(result: TuneResult, goal: Path) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps `mcuq --help` instant

    tuned, unit = result.tuned, result.tuned.unit
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    table.add_column("kernel", no_wrap=True)
    table.add_column(unit, justify="right", no_wrap=True)
    table.add_column("others", overflow="fold")
    for layer in tuned.layer:
        others = sorted((cycles, kernel) for kernel, cycles in layer.cycles.items() if kernel != layer.kernel)
        text = ", ".join(f"{kernel} {cycles:,}" for cycles, kernel in others)
        table.add_row(layer.name, layer.kernel, f"{layer.cycles[layer.kernel]:,}", text)
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
    output.print(f"wrote {goal}; build with --tuned {goal}", soft_wrap=True)


def _gain(after: int, before: int) -> str:
    return f"{100 * (1 - after / (before or 1)):.1f} % less"
