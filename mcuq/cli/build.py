"""``mcuq build``: a model into a build folder."""

from __future__ import annotations

from pathlib import Path

import click

from mcuq.cli._shared import (
    banks_of,
    board_file_option,
    board_option,
    calibration_option,
    calibrator_option,
    chosen_board,
    cmsis_nn_option,
    error_console,
    existing,
    flash_option,
    integer_only_option,
    json_option,
    kernels_option,
    optimize_option,
    option,
    place_option,
    progress_on,
    quantize_request,
    ram_option,
    scheme_option,
    set_up_logging,
    show,
    verbose_option,
)


@click.command("build")
@click.argument("model", type=click.Path(path_type=Path))
@board_option
@board_file_option
@calibration_option
@scheme_option
@calibrator_option
@integer_only_option
@option("-o", "--output", type=click.Path(path_type=Path), help="Build folder. [default: build/MODEL-BOARD]")
@kernels_option
@optimize_option
@flash_option
@ram_option
@place_option
@option("--tuned", type=click.Path(), help="What `mcuq tune` found best: kernels by layer, and memory banks.")
@cmsis_nn_option
@json_option
@verbose_option
def command(
    model: Path,
    board: str | None,
    board_file: Path | None,
    data: str | None,
    scheme: str | None,
    calibration: str | None,
    integer_only: bool,
    output: Path | None,
    kernels: str | None,
    optimize: str | None,
    flash: int | None,
    ram: int | None,
    place: tuple[str, ...],
    tuned: str | None,
    cmsis_nn: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Build firmware for a board from MODEL: Keras .h5 or .keras, a SavedModel folder, or .tflite.

    A float model is quantized with the samples that --data names, to int8 or as --scheme says. Defaults come
    from mcuq.toml in this folder or beside the model.
    """
    from mcuq.board import placed  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.build import BuildOptions, build  # noqa: PLC0415
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.fit import Goals  # noqa: PLC0415
    from mcuq.model import model_name  # noqa: PLC0415
    from mcuq.planner.choose import Optimize  # noqa: PLC0415
    from mcuq.planner.lower import KernelPolicy  # noqa: PLC0415
    from mcuq.tuned import read_tuned  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    config = load_config(Path.cwd(), model.absolute().parent)
    plain = chosen_board(board, board_file, config.board)
    settled = tuned or config.tuned
    found = read_tuned(Path(settled), plain) if settled else None
    chosen = placed(plain, {**(found.placement if found else {}), **banks_of(place)})
    options = BuildOptions(
        model=model,
        board=chosen,
        folder=output or Path("build") / f"{model_name(model)}-{chosen.name}",
        data=data or config.data,
        goals=Goals(
            Optimize(optimize or config.optimize or "balanced"),
            flash,
            ram,
            KernelPolicy(kernels or config.kernels or "auto"),
            found.choices if found else {},
        ),
        cmsis_nn=existing(cmsis_nn or config.cmsis_nn),
        request=quantize_request(scheme, calibration, config, integer_only=integer_only),
    )
    with progress_on(console) as progress:
        report = build(options, progress)
    show(report, as_json, console)
    console.print(f"built {options.folder}", soft_wrap=True)
