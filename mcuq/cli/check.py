"""``mcuq check``: what stands between a model and a board."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcuq.cli._shared import (
    board_file_option,
    board_option,
    calibration_option,
    chosen_board,
    cmsis_nn_option,
    error_console,
    existing,
    flash_option,
    integer_only_option,
    json_option,
    kernels_option,
    optimize_option,
    output_console,
    progress_on,
    quantize_request,
    ram_option,
    scheme_option,
    set_up_logging,
    stream_option,
    verbose_option,
)

if TYPE_CHECKING:
    from mcuq.check import Check
    from mcuq.report import Count


@click.command("check")
@click.argument("model", type=click.Path(path_type=Path))
@board_option
@board_file_option
@calibration_option
@scheme_option
@integer_only_option
@kernels_option
@optimize_option
@stream_option
@flash_option
@ram_option
@cmsis_nn_option
@json_option
@verbose_option
def command(
    model: Path,
    board: str | None,
    board_file: Path | None,
    data: str | None,
    scheme: str | None,
    integer_only: bool,
    kernels: str | None,
    optimize: str | None,
    stream: bool | None,
    flash: int | None,
    ram: int | None,
    cmsis_nn: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Say what keeps MODEL from being compiled, and what it would take on a board, before training or building it.

    Needs no compiler and no simulator. Every layer that cannot be compiled is told, with the reason and what comes
    nearest. Without a board, kernels are chosen for a Cortex-M4. Exit code 3: not to be compiled; 4: does not fit.
    """
    from mcuq.build import found_cmsis_nn  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.check import check  # noqa: PLC0415
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.fit import Goals  # noqa: PLC0415
    from mcuq.planner.choose import Optimize  # noqa: PLC0415
    from mcuq.planner.lower import KernelPolicy  # noqa: PLC0415
    from mcuq.quantize.request import Request  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    config = load_config(Path.cwd(), model.absolute().parent)
    wanted = board or board_file or config.board
    chosen = chosen_board(board, board_file, config.board) if wanted else None
    policy = KernelPolicy(kernels or config.kernels or "auto")
    goals = Goals(Optimize(optimize or config.optimize or "balanced"), flash, ram, policy)
    request = quantize_request(scheme, None, config, integer_only=integer_only)
    if scheme is None and not request.real:  # sizes do not depend on how weights are rounded
        request = Request(integer_only=request.integer_only)
    library = found_cmsis_nn(policy, existing(cmsis_nn or config.cmsis_nn))
    with progress_on(console) as progress:
        found = check(
            model,
            data or config.data,
            chosen,
            library,
            goals,
            progress,
            request,
            stream=config.stream if stream is None else stream,
        )
    if as_json:
        click.echo(found.as_json())
    elif found.layers:
        _show(found)
    if found.error is not None:
        raise found.error


def _show(found: Check) -> None:
    from rich.table import Table  # noqa: PLC0415 - keeps `mcuq --help` instant
    from rich.text import Text  # noqa: PLC0415

    layers = Table(box=None, pad_edge=False, header_style="bold")
    layers.add_column("layer", overflow="fold")
    layers.add_column("operator", no_wrap=True)
    layers.add_column("kernel", no_wrap=True)
    layers.add_column("constants", justify="right", no_wrap=True)
    layers.add_column("cycles, estimated", justify="right", no_wrap=True)
    for layer in found.layers:
        layers.add_row(Text(layer.name), layer.op, layer.kernel, f"{layer.constant_bytes:,}", f"{layer.cycles:,}")
    summary = Table(box=None, show_header=False, pad_edge=False)
    summary.add_column(style="bold", no_wrap=True)
    summary.add_column(overflow="fold")
    kernels = Counter((layer.op, layer.kernel) for layer in found.layers)
    summary.add_row("model", Text(found.model))
    summary.add_row("board", found.board or f"none given: kernels are chosen for a {found.core}")
    summary.add_row(
        "operators", ", ".join(f"{count} {op} on {kernel}" for (op, kernel), count in sorted(kernels.items()))
    )
    summary.add_row("arena", _bytes(found.arena))
    if found.state.value:
        summary.add_row("state", _bytes(found.state))
    summary.add_row("RAM", _bytes(found.ram, found.ram_limit_bytes))
    summary.add_row("constants", _bytes(found.constants))
    summary.add_row("flash", _bytes(found.flash, found.flash_limit_bytes))
    summary.add_row("cycles", f"{found.cycles.value:,} ({found.cycles.kind}, on a Cortex-M4 without wait states)")
    output = output_console()
    output.print(summary)
    output.print(layers)
    for note in found.notes:
        output.print(Text(f"note: {note}", style="bold yellow"))


def _bytes(count: Count, limit: int | None = None) -> str:
    of = "" if limit is None else f" of {limit:,} B"
    return f"{count.value:,} B{of} ({count.kind})"
