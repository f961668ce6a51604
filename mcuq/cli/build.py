"""``mcuq build``: a model into a build folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcuq.cli._shared import (
    Text,
    banks_of,
    board_file_option,
    board_option,
    by_model,
    calibrator_option,
    check_mixed,
    chosen_board,
    cmsis_nn_option,
    configurations,
    error_console,
    existing,
    flash_option,
    integer_only_option,
    json_option,
    kernels_option,
    latency_option,
    max_drop_option,
    named_calibration_option,
    named_model,
    optimize_option,
    option,
    place_option,
    progress_on,
    quantize_request,
    ram_option,
    rounding_option,
    scheme_option,
    set_up_logging,
    show,
    stream_option,
    verbose_option,
)
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.mixed import Latency


@click.command("build")
@click.argument("models", metavar="[NAME=]MODEL...", nargs=-1, required=True)
@board_option
@board_file_option
@named_calibration_option
@scheme_option
@calibrator_option
@rounding_option
@integer_only_option
@option("-o", "--output", type=click.Path(path_type=Path), help="Build folder. [default: build/MODEL-BOARD]")
@kernels_option
@optimize_option
@stream_option
@flash_option
@ram_option
@latency_option
@max_drop_option
@place_option
@option(
    "--tuned",
    type=Text(),
    multiple=True,
    metavar="FILE",
    help="What `mcuq tune` found best: kernels by layer, and memory banks. One file a model.",
)
@cmsis_nn_option
@json_option
@verbose_option
def command(
    models: tuple[str, ...],
    board: str | None,
    board_file: Path | None,
    data: tuple[str, ...],
    scheme: str | None,
    calibration: str | None,
    rounding: str | None,
    integer_only: bool,
    output: Path | None,
    kernels: str | None,
    optimize: str | None,
    stream: bool | None,
    flash: int | None,
    ram: int | None,
    latency: Latency | None,
    max_drop: float | None,
    place: tuple[str, ...],
    tuned: tuple[str, ...],
    cmsis_nn: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Build firmware for a board from MODEL: Keras .h5 or .keras, a SavedModel folder, or .tflite.

    A float model is quantized with the samples that --data names, to int8 or as --scheme says. Several models go into
    one image: each is called as its file, or NAME, and they share kernels and an arena. Defaults come from mcuq.toml
    in this folder or beside each model.
    """
    from mcuq.board import placed  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.build import BuildOptions, Source, build  # noqa: PLC0415
    from mcuq.fit import NOTHING, Goals, Known  # noqa: PLC0415
    from mcuq.planner.choose import Optimize  # noqa: PLC0415
    from mcuq.planner.lower import KernelPolicy  # noqa: PLC0415
    from mcuq.tuned import placement_of, read_tuned, tuned_by_model  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    found = [named_model(entry) for entry in models]
    names = [name for name, _ in found]
    config, own = configurations(found)
    plain = chosen_board(board, board_file, config.board)
    samples = by_model(data, names)
    files = tuned or tuple(dict.fromkeys(file for name in names if (file := own[name].tuned)))
    settled = tuned_by_model([read_tuned(Path(file), plain) for file in files], names)
    places = placement_of(settled.values())
    chosen = placed(plain, {**places, **banks_of(place)})
    requests = {
        name: quantize_request(scheme, calibration, own[name], rounding=rounding, integer_only=integer_only)
        for name in names
    }
    for request in requests.values():
        check_mixed(request, latency=latency, max_drop=max_drop)
        if request.mixed and len(names) > 1:
            raise UsageError(
                "--scheme mixed is for one model: budgets are of the whole image",
                hint="quantize each by `mcuq quantize --scheme mixed`, and build the files",
            )
    options = BuildOptions(
        sources=tuple(
            Source(
                path,
                name,
                samples.get(name) or own[name].data,
                requests[name],
                Known(settled[name].choices) if name in settled else NOTHING,
                own[name].stream if stream is None else stream,
            )
            for name, path in found
        ),
        board=chosen,
        folder=output or Path("build") / f"{'-'.join(names)}-{chosen.name}",
        goals=Goals(
            Optimize(optimize or config.optimize or "balanced"),
            flash,
            ram,
            KernelPolicy(kernels or config.kernels or "auto"),
        ),
        cmsis_nn=existing(cmsis_nn or config.cmsis_nn),
        latency=latency,
        most_drop=max_drop,
    )
    with progress_on(console) as progress:
        reports = build(options, progress)
    show(reports, as_json, console)
    console.print(f"built {options.folder}", soft_wrap=True)
