"""``mcuq tune``: the best kernel for each layer, tried out, into a file for ``mcuq build --tuned``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcuq.cli._shared import (
    Bytes,
    board_file_option,
    board_option,
    calibration_option,
    chosen_board,
    cmsis_nn_option,
    error_console,
    existing,
    kernels_option,
    optimize_option,
    option,
    output_console,
    progress_on,
    set_up_logging,
    timeout_option,
    verbose_option,
)

if TYPE_CHECKING:
    from mcuq.tune import TuneResult


@click.command("tune")
@click.argument("model", type=click.Path(path_type=Path))
@board_option
@board_file_option
@calibration_option
@option("-o", "--output", type=click.Path(path_type=Path), help="File to write. [default: MODEL-BOARD.tuned.toml]")
@kernels_option
@optimize_option
@option("--flash", type=Bytes(), help="Most flash for the model's constants and kernels.")
@option("--ram", type=Bytes(), help="Most RAM for the arena.")
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
    cmsis_nn: str | None,
    timeout: float,
    verbose: bool,
) -> None:
    """Try every kernel on every layer of MODEL in the simulator, and write down the best choice.

    Instructions are counted in QEMU and weighed with the core's timings. Commit the file, and build with --tuned.
    """
    from mcuq.config import load_config  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.fit import Goals  # noqa: PLC0415
    from mcuq.model import load_model  # noqa: PLC0415
    from mcuq.output import write_file  # noqa: PLC0415
    from mcuq.planner.choose import Optimize  # noqa: PLC0415
    from mcuq.planner.lower import KernelPolicy  # noqa: PLC0415
    from mcuq.tune import tune  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    config = load_config(Path.cwd(), model.absolute().parent)
    chosen = chosen_board(board, board_file, config.board)
    policy = KernelPolicy(kernels or config.kernels or "auto")
    goals = Goals(Optimize(optimize or config.optimize or "balanced"), flash, ram, policy)
    with progress_on(console) as progress:
        loaded = load_model(model, data or config.data, progress)
        result = tune(loaded, chosen, existing(cmsis_nn or config.cmsis_nn), goals, timeout, progress)
    goal = output or Path(f"{loaded.name}-{chosen.name}.tuned.toml")
    write_file(goal, result.tuned.as_toml())
    _show(result, goal)


def _show(result: TuneResult, goal: Path) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps `mcuq --help` instant

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    table.add_column("kernel", no_wrap=True)
    table.add_column("cycles", justify="right", no_wrap=True)
    table.add_column("others", overflow="fold")
    for layer in result.tuned.layer:
        others = sorted((cycles, kernel) for kernel, cycles in layer.cycles.items() if kernel != layer.kernel)
        text = ", ".join(f"{kernel} {cycles:,}" for cycles, kernel in others)
        table.add_row(layer.name, layer.kernel, f"{layer.cycles[layer.kernel]:,}", text)
    output = output_console()
    output.print(table)
    gain = 1 - result.tuned_cycles / (result.untuned_cycles or 1)
    output.print(
        f"{result.tuned_cycles:,} cycles in layers against {result.untuned_cycles:,} untuned, {100 * gain:.1f} % less "
        f"({result.tuned.kind})"
    )
    output.print(f"wrote {goal}; build with --tuned {goal}", soft_wrap=True)
