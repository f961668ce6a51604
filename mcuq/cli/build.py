"""``mcuq build``: a model into a build folder."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from mcuq.cli._shared import (
    error_console,
    existing,
    json_option,
    option,
    progress_on,
    set_up_logging,
    show,
    verbose_option,
)


@click.command("build")
@click.argument("model", type=click.Path(path_type=Path))
@option("--board", help="Board to build for; `mcuq boards` lists them.")
@option("--board-file", type=click.Path(path_type=Path), help="A board of your own, as a TOML file.")
@option("--data", help="Calibration data: .npz, .npy, .csv, a folder of images, or file.py:function.")
@option("-o", "--output", type=click.Path(path_type=Path), help="Build folder. [default: build/MODEL-BOARD]")
@option("--kernels", type=click.Choice(["auto", "cmsis-nn", "mcuq"]), help="Kernels to use. [default: auto]")
@option("--cmsis-nn", type=click.Path(), help="CMSIS-NN: a checkout, or a CMSIS pack.")
@json_option
@verbose_option
def command(
    model: Path,
    board: str | None,
    board_file: Path | None,
    data: str | None,
    output: Path | None,
    kernels: str | None,
    cmsis_nn: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Build firmware for a board from MODEL: Keras .h5 or .keras, a SavedModel folder, or .tflite.

    A float model is quantized to int8 with the samples that --data names. Defaults come from mcuq.toml in this
    folder or beside the model.
    """
    from mcuq.board import board_named, load_board  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.build import BuildOptions, build  # noqa: PLC0415
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.errors import UsageError  # noqa: PLC0415
    from mcuq.model import model_name  # noqa: PLC0415
    from mcuq.planner.lower import KernelPolicy  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    config = load_config(Path.cwd(), model.absolute().parent)
    if board is not None and board_file is not None:
        board, board_file = _preferred(board, board_file)
    name = board or config.board
    if board_file is None and name is None:
        raise UsageError("no board given", hint="give --board NAME; `mcuq boards` lists the names")
    chosen = load_board(board_file) if board_file is not None else board_named(str(name))
    options = BuildOptions(
        model=model,
        board=chosen,
        folder=output or Path("build") / f"{model_name(model)}-{chosen.name}",
        data=data or config.data,
        policy=KernelPolicy(kernels or config.kernels or "auto"),
        cmsis_nn=existing(cmsis_nn or config.cmsis_nn),
    )
    with progress_on(console) as progress:
        report = build(options, progress)
    show(report, as_json, console)
    console.print(f"built {options.folder}", soft_wrap=True)


def _preferred(board: str, board_file: Path) -> tuple[str | None, Path | None]:
    """Of a board given twice, the one that a flag names, if the other comes from the environment."""
    from mcuq.errors import UsageError  # noqa: PLC0415 - keeps `mcuq --help` instant

    context = click.get_current_context()
    by_flag = [context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in ("board", "board_file")]
    if by_flag[0] == by_flag[1]:
        raise UsageError("both --board and --board-file are given", hint="give one of them")
    return (board, None) if by_flag[0] else (None, board_file)
