"""``mcuq finetune``: a float model trained with quantization, into an int8 .tflite."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from mcuq.cli._shared import (
    calibrator_option,
    error_console,
    json_option,
    option,
    output_console,
    progress_on,
    quantize_request,
    rounding_option,
    scheme_option,
    set_up_logging,
    verbose_option,
)
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.qat.distill import Epoch
    from mcuq.qat.finetune import Finetuned

_LINES = 10
"""Of what training has reached, at most."""


@click.command("finetune")
@click.argument("model", type=click.Path(path_type=Path))
@option("--data", help="Samples to train with, labels or not, in the formats that `mcuq build --data` takes.")
@option("--test-data", help="Samples to measure what it brought on. [default: those of --data]")
@scheme_option
@calibrator_option
@rounding_option
@option("--epochs", type=click.IntRange(min=1), help="Passes over the data. [default: 2,000 batches of 64]")
@option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Most time to train. [default: no limit]")
@option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Samples in one step.")
@option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=2e-3,
    show_default=True,
    help="Of Adam at first; it falls to nothing.",
)
@option("--augment/--no-augment", default=True, show_default=True, help="Shift, mirror, tint and mix samples.")
@option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same model on one machine.")
@option("-o", "--output", type=click.Path(path_type=Path), help="File to write. [default: MODEL-SCHEME.tflite]")
@json_option
@verbose_option
def command(
    model: Path,
    data: str | None,
    test_data: str | None,
    scheme: str | None,
    calibration: str | None,
    rounding: str | None,
    epochs: int | None,
    minutes: float | None,
    batch_size: int,
    learning_rate: float,
    augment: bool,
    seed: int,
    output: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Train MODEL, a float Keras, SavedModel or .tflite model, with the weights of a scheme, into an int8 .tflite file.

    It learns to answer as the float model does, so --data need no labels; where they have some, these count too.
    Interrupted, it writes nothing.
    """
    from mcuq.config import load_config  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.model import model_name  # noqa: PLC0415
    from mcuq.output import check_writable, write_file  # noqa: PLC0415

    console = error_console()
    set_up_logging(console, verbose)
    config = load_config(Path.cwd(), model.absolute().parent)
    request = quantize_request(scheme, calibration, config, rounding=rounding, required=True)
    if (samples := data or config.data) is None:
        raise UsageError("no data to train with", hint="give --data; a few hundred samples do, without labels")
    goal = output or Path(f"{model_name(model)}-{request.scheme}.tflite")
    check_writable(goal)

    lines: set[int] = {0}

    def told(epoch: Epoch) -> None:
        if (line := int(_LINES * epoch.done)) not in lines:
            lines.add(line)
            agreement = "" if epoch.agreement is None else f", agreement {100 * epoch.agreement:.1f} %"
            console.print(
                f"epoch {epoch.number} of {epoch.of}: loss {epoch.loss:.4f}{agreement} (measured in training)"
            )

    from mcuq.qat.finetune import Plan, finetune  # noqa: PLC0415 - imports TensorFlow

    with progress_on(console) as progress:
        plan = Plan(epochs, minutes, batch_size, learning_rate, augment, seed)
        found = finetune(model, samples, test_data or config.test_data, request, plan, progress, told)
    write_file(goal, found.tflite)
    if as_json:
        click.echo(json.dumps(_described(found, model_name(model), request.scheme, goal), indent=2))
    else:
        _show(found)
    for note in found.notes:
        console.print(f"Note: {note}")
    console.print(f"wrote {goal}", soft_wrap=True)


def _described(found: Finetuned, name: str, scheme: str, goal: Path) -> dict[str, object]:
    layers = [{"name": x.name, "op": x.op, "scheme": x.scheme, "weights": x.weights} for x in found.layers]
    described = dataclasses.asdict(dataclasses.replace(found, tflite=b""))
    described |= {"layers": layers, "notes": list(found.notes)}
    del described["tflite"]
    return {
        "schema_version": 1,
        "command": "finetune",
        "model": name,
        "scheme": scheme,
        "output": str(goal),
        **described,
    }


def _show(found: Finetuned) -> None:
    output = output_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "accuracy %", "agreement with float %", "error of outputs"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    table.add_row("float", _percent(found.float_accuracy), "", "")
    for what, quality in (("rounded", found.before), ("trained", found.after)):
        table.add_row(what, _percent(quality.accuracy), _percent(quality.agreement), f"{quality.error:.3f}")
    output.print(table)
    output.print(
        f"measured in LiteRT on {found.measured_on}; error: root mean square, in parts of the standard deviation"
    )
    kept = [f"{layer.name} ({layer.scheme})" for layer in found.layers]
    output.print(f"layers: {', '.join(kept)}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
