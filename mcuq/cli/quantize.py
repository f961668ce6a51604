"""``mcuq quantize``: a float model into an int8 .tflite whose weights take the values of a scheme."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from mcuq.cli._shared import (
    board_file_option,
    board_option,
    calibration_option,
    calibrator_option,
    check_mixed,
    chosen_board,
    cmsis_nn_option,
    error_console,
    existing,
    flash_option,
    json_option,
    kernels_option,
    latency_option,
    max_drop_option,
    option,
    output_console,
    progress_on,
    quantize_request,
    ram_option,
    rounding_option,
    scheme_option,
    set_up_logging,
    verbose_option,
)
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.host_run import Figures
    from mcuq.mixed import Latency
    from mcuq.mixed.search import Mixed, Point
    from mcuq.model import Model
    from mcuq.quantize.request import LayerScheme


@click.command("quantize")
@click.argument("model", type=click.Path(path_type=Path))
@calibration_option
@scheme_option
@calibrator_option
@rounding_option
@option("-o", "--output", type=click.Path(path_type=Path), help="File to write. [default: MODEL-SCHEME.tflite]")
@board_option
@board_file_option
@kernels_option
@flash_option
@ram_option
@latency_option
@max_drop_option
@option("--plot", type=click.Path(path_type=Path), help="For --scheme mixed: draw the choices, as FILE.svg or .png.")
@cmsis_nn_option
@json_option
@verbose_option
def command(
    model: Path,
    data: str | None,
    scheme: str | None,
    calibration: str | None,
    rounding: str | None,
    output: Path | None,
    board: str | None,
    board_file: Path | None,
    kernels: str | None,
    flash: int | None,
    ram: int | None,
    latency: Latency | None,
    max_drop: float | None,
    plot: Path | None,
    cmsis_nn: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Quantize MODEL, a float Keras, SavedModel or .tflite model, into an int8 .tflite file.

    The weights of each layer are restricted to the values of a scheme, with their errors taken back from --data, which
    need no labels. The file runs in LiteRT as any other; `mcuq build` stores the weights in as few bits as they need.

    --scheme mixed finds the best scheme for each layer: half of the constants of int8, or within --flash, --ram and
    --latency on a board, for the least loss. These and the flags below are for it alone.
    """
    from mcuq.build import figures_of, found_cmsis_nn  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.fit import Goals  # noqa: PLC0415
    from mcuq.mixed import Machine, choosing  # noqa: PLC0415
    from mcuq.mixed.plot import check_plot, draw  # noqa: PLC0415
    from mcuq.model import load_model, model_name  # noqa: PLC0415
    from mcuq.output import check_writable, write_file  # noqa: PLC0415
    from mcuq.planner.choose import Optimize  # noqa: PLC0415
    from mcuq.planner.lower import KernelPolicy  # noqa: PLC0415
    from mcuq.quantize.schemes import FLOAT32  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    config = load_config(Path.cwd(), model.absolute().parent)
    request = quantize_request(scheme, calibration, config, rounding=rounding, required=True)
    check_mixed(request, flash=flash, ram=ram, latency=latency, max_drop=max_drop, plot=plot)
    if plot is not None:
        check_plot(plot)
    wanted = board or board_file or config.board
    policy = KernelPolicy(kernels or config.kernels or "auto")
    machine = Machine(
        chosen_board(board, board_file, config.board) if request.mixed and wanted else None,
        found_cmsis_nn(policy, existing(cmsis_nn or config.cmsis_nn)) if request.mixed else None,
        Goals(Optimize.SIZE, flash, ram, policy),
        latency,
    )
    goal = output or Path(f"{model_name(model)}-{request.scheme}.tflite")
    check_writable(goal)
    with progress_on(console) as progress:
        chooser = choosing(machine, max_drop)
        loaded = load_model(model, data or config.data, progress, request=request, chooser=chooser)
        if loaded.float_tflite is None and request.scheme == FLOAT32:
            raise UsageError("the scheme float32 leaves a model as it is", hint="`mcuq build` takes it")
        if loaded.float_tflite is None:
            raise UsageError(f"{model.name} is quantized already", hint="give the float model")
        figures = figures_of(loaded, progress)
    write_file(goal, loaded.tflite)
    if plot is not None and loaded.mixed is not None:
        write_file(plot, draw(loaded.mixed, model_name(model), plot.suffix))
    if as_json:
        click.echo(json.dumps(_described(loaded, request.scheme, figures, goal), indent=2))
    else:
        _show(loaded, figures)
    for note in loaded.notes:
        console.print(f"Note: {note}")
    console.print(f"wrote {goal}", soft_wrap=True)


def _described(model: Model, scheme: str, figures: Figures, goal: Path) -> dict[str, object]:
    layers = [
        dataclasses.asdict(layer) | {"sqnr_db": layer.sqnr_db if math.isfinite(layer.sqnr_db) else None}
        for layer in model.schemes
    ]
    return {
        "schema_version": 1,
        "command": "quantize",
        "model": model.name,
        "scheme": scheme,
        "output": str(goal),
        "layers": layers,
        "calibrators": {} if (seen := model.diagnosis) is None else {a.layer: a.calibrator for a in seen.activations},
        **({} if model.mixed is None else {"mixed": _described_mixed(model.mixed)}),
        **dataclasses.asdict(figures),
        "notes": list(model.notes),
    }


def _described_mixed(found: Mixed) -> dict[str, object]:
    points = ("chosen", found.chosen), ("usual", found.usual)
    return {
        **{name: dataclasses.asdict(point) for name, point in points},
        "front": [dataclasses.asdict(point) for point in found.front],
        "uniform": [dataclasses.asdict(point) for point in found.uniform],
        "drop_points": found.drop,
        "drop_of": found.measure,
        "samples": found.samples,
        "kinds": {"constant_bytes": "counted", "error": "estimated", "cost": "estimated", "quality": "measured"},
        "layers": found.chosen.layers,
    }


def _show_mixed(found: Mixed) -> None:
    output = output_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("schemes", overflow="fold")
    for name in ("constants, B", "of int8", "flash, B", "cycles", "error", "same class"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in sorted((*found.front, *found.uniform, found.usual), key=lambda point: point.constant_bytes):
        _add(table, point, found.usual, "")
    _add(table, found.chosen, found.usual, "bold")
    output.print(table)
    output.print(
        "constants: counted, for kernels that are worth their bytes; flash, cycles: estimated; error: of the scores, "
        "in parts of their deviation, estimated from layers quantized one by one; "
        f"same class: measured, {found.samples} samples"
    )
    output.print("\n".join(found.lines()))


def _add(table: Table, point: Point, usual: Point, style: str) -> None:
    counts = Counter(point.layers.values())
    name = " ".join(f"{count} {scheme}" for scheme, count in sorted(counts.items()))
    share = f"{100 * point.constant_bytes / usual.constant_bytes:.1f} %"
    quality = point.quality
    same = "" if quality is None or quality.agreement is None else f"{100 * quality.agreement:.1f} %"
    sizes = f"{point.constant_bytes:,}", share, f"{point.cost.flash_bytes:,}", f"{point.cost.cycles:,}"
    table.add_row(name, *sizes, f"{point.error:.3f}", same, style=style)


def _show(model: Model, figures: Figures) -> None:
    if model.mixed is not None:
        _show_mixed(model.mixed)
    output = output_console()
    if model.schemes:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("layer", overflow="fold")
        table.add_column("operator", no_wrap=True)
        table.add_column("scheme", no_wrap=True)
        for name in ("weights", "bits at least", "output above rounding error"):
            table.add_column(name, justify="right", no_wrap=True)
        for layer in model.schemes:
            above = f"{layer.sqnr_db:.1f} dB" if math.isfinite(layer.sqnr_db) else "exact"
            table.add_row(layer.name, layer.op, layer.scheme, f"{layer.weights:,}", f"{layer.bits:g}", above)
        output.print(table)
        output.print(_total(model.schemes))
    if model.diagnosis is not None:
        counted = Counter(activation.calibrator for activation in model.diagnosis.activations).most_common()
        output.print(f"ranges of activations: {', '.join(f'{count} by {name}' for name, count in counted)}")
    if figures.agreement.int8 is not None:
        output.print(f"{100 * figures.agreement.int8:.1f} % put in the same class as by the float model", end="")
        output.print(f" (measured in LiteRT on {figures.data})")
    if figures.accuracy.int8 is not None and figures.accuracy.float is not None:
        pair = f"{100 * figures.accuracy.int8:.1f} %, float {100 * figures.accuracy.float:.1f} %"
        output.print(f"accuracy {pair} (measured in LiteRT on {figures.data})")


def _total(layers: tuple[LayerScheme, ...]) -> str:
    weights = sum(layer.weights for layer in layers)
    narrow = sum(layer.weights * layer.bits / 8 for layer in layers)
    return f"{weights:,} weights: {narrow:,.0f} B in so many bits, without tables (estimated), {weights:,} B as int8"
