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
    calibration_option,
    calibrator_option,
    error_console,
    json_option,
    option,
    output_console,
    progress_on,
    quantize_request,
    scheme_option,
    set_up_logging,
    verbose_option,
)
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.host_run import Figures
    from mcuq.model import Model
    from mcuq.quantize.request import LayerScheme


@click.command("quantize")
@click.argument("model", type=click.Path(path_type=Path))
@calibration_option
@scheme_option
@calibrator_option
@option("-o", "--output", type=click.Path(path_type=Path), help="File to write. [default: MODEL-SCHEME.tflite]")
@json_option
@verbose_option
def command(
    model: Path,
    data: str | None,
    scheme: str | None,
    calibration: str | None,
    output: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Quantize MODEL, a float Keras, SavedModel or .tflite model, into an int8 .tflite file.

    The weights of each layer are restricted to the values of a scheme, with their errors taken back from --data, which
    need no labels. The file runs in LiteRT as any other; `mcuq build` stores the weights in as few bits as they need.
    """
    from mcuq.build import figures_of  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.config import load_config  # noqa: PLC0415
    from mcuq.model import load_model, model_name  # noqa: PLC0415
    from mcuq.output import check_writable, write_file  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    config = load_config(Path.cwd(), model.absolute().parent)
    request = quantize_request(scheme, calibration, config, required=True)
    goal = output or Path(f"{model_name(model)}-{request.scheme}.tflite")
    check_writable(goal)
    with progress_on(console) as progress:
        loaded = load_model(model, data or config.data, progress, request=request)
        if loaded.float_tflite is None:
            raise UsageError(f"{model.name} is quantized already", hint="give the float model")
        figures = figures_of(loaded, progress)
    write_file(goal, loaded.tflite)
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
        **dataclasses.asdict(figures),
        "notes": list(model.notes),
    }


def _show(model: Model, figures: Figures) -> None:
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
