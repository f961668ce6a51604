"""What is told of a build or a run: one value, printed as a table or as JSON. Nothing is computed here.

Every number carries its kind: sizes are ``counted`` from the image, instructions ``counted`` in the simulator.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

SCHEMA_VERSION = 1
Share: TypeAlias = "float | None"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of labelled samples classified right, 0 to 1; None where there are no labels or it was not run."""

    float: Share = None
    int8: Share = None
    target: Share = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares of samples put into the same class as by the float model; None where outputs name no classes."""

    int8: Share = None
    target: Share = None


@dataclass(frozen=True, slots=True)
class Count:
    """A number and how it was got: counted, measured, estimated or unknown."""

    kind: str = "unknown"
    value: int | None = None


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer: the kernel that runs it, the instructions of one run, and why other kernels do not run it."""

    name: str
    op: str
    kernel: str
    instructions: int | None = None
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepReport:
    """The step of a window that slides: so many of the window's frames, and multiply-accumulates in convolutions and
    dense layers, bytes of the arena and of the rings, each beside what the whole window takes. ``whole``: layers run on
    all of it at each step, and why.
    """

    axis: int
    frames: int
    window_frames: int
    products: int
    window_products: int
    ring_bytes: int
    window_arena_bytes: int
    whole: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """A build (``samples`` is then of the calibration or test data seen by the host) or a run on a target."""

    command: str
    model: str
    board: str
    engine: str | None
    simulated_on: str | None
    samples: int
    data: str
    mismatched_bytes: int | None
    compared_bytes: int
    mismatched_samples: int | None
    accuracy: Accuracy
    agreement: Agreement
    instructions_per_inference: Count
    layers: tuple[LayerReport, ...]
    arena_bytes: int
    arena_lower_bound_bytes: int
    ram_bytes: int
    ram_limit_bytes: int
    stack_bytes: int
    stack_used_bytes: int | None
    flash_bytes: int
    flash_limit_bytes: int
    kernels: str
    optimize: str
    cmsis_nn: str | None
    build_id: str
    notes: tuple[str, ...] = ()
    step: StepReport | None = None

    def as_json(self) -> str:
        """One JSON object, keys in a fixed order."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> Report:
        """The report that ``as_json`` wrote. Raises ``ValueError``, ``KeyError`` or ``TypeError`` for anything else."""
        values: dict[str, Any] = json.loads(text)
        if values.pop("schema_version") != SCHEMA_VERSION:
            raise ValueError("another schema_version")
        return Report(
            **{
                **values,
                "accuracy": Accuracy(**values["accuracy"]),
                "agreement": Agreement(**values["agreement"]),
                "instructions_per_inference": Count(**values["instructions_per_inference"]),
                "layers": tuple(
                    LayerReport(**{**layer, "refusals": tuple(layer["refusals"])}) for layer in values["layers"]
                ),
                "notes": tuple(values["notes"]),
                "step": None if values["step"] is None else StepReport(**values["step"]),
            }
        )


OF_THE_IMAGE = ("board", "ram_bytes", "ram_limit_bytes", "stack_bytes", "flash_bytes", "flash_limit_bytes", "kernels",
                "optimize", "build_id")  # fmt: skip
"""What the reports of all models of an image say alike."""


def reports_json(reports: Sequence[Report]) -> str:
    """The report of a model as one JSON object; those of several in one, with what holds for the image before them."""
    if len(reports) == 1:
        return reports[0].as_json()
    first = dataclasses.asdict(reports[0])
    image = {name: first[name] for name in OF_THE_IMAGE}
    arena = max(report.arena_bytes for report in reports)
    values = {"schema_version": SCHEMA_VERSION, "command": first["command"], **image, "arena_bytes": arena}
    return json.dumps({**values, "models": [dataclasses.asdict(one) for one in reports]}, indent=2) + "\n"


def print_reports(reports: Sequence[Report], console: Console) -> None:
    """For each model a short table for people, its layers and notes; for an image of several, then what they share."""
    for report in reports:
        rows = _summary_rows(report)
        if len(reports) > 1:
            rows = {name: value for name, value in rows.items() if name not in ("board", "RAM", "flash")}
        notes = (Text(f"note: {note}", style="bold yellow") for note in report.notes)
        console.print(Group(_summary(rows), *_layers(report), *notes))
        if len(reports) > 1:
            console.print()
    if len(reports) > 1:
        console.print(_summary(_image_rows(reports)))


def _image_rows(reports: Sequence[Report]) -> Mapping[str, str]:
    """What holds for the image of several models; most stack is used by whichever uses most."""
    used = [report.stack_used_bytes for report in reports if report.stack_used_bytes is not None]
    rows = _summary_rows(dataclasses.replace(reports[0], stack_used_bytes=max(used, default=None)))
    image = {"image": f"{len(reports)} models: {', '.join(report.model for report in reports)}", "board": rows["board"]}
    image["arena"] = f"{max(report.arena_bytes for report in reports):,} B, which all models share (counted)"
    return {**image, "RAM": rows["RAM"], "flash": rows["flash"]}


def _summary(rows: Mapping[str, str]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _summary_rows(report: Report) -> Mapping[str, str]:
    rows = {"model": report.model, "board": _board(report)}
    counts = Counter(_library(layer.kernel) for layer in report.layers)
    rows["kernels"] = ", ".join(f"{count} {library}" for library, count in sorted(counts.items()))
    if report.step is not None:
        rows.update(_step_rows(report.step))
    slack = report.arena_bytes - report.arena_lower_bound_bytes
    rows["arena"] = (
        f"{report.arena_bytes:,} B (counted; {'at' if slack == 0 else f'{slack:,} B above'} the lower bound)"
    )
    stack = f"stack {report.stack_bytes:,} B"
    if report.stack_used_bytes is not None:
        stack += f", {report.stack_used_bytes:,} B used (measured)"
    rows["RAM"] = f"{_of(report.ram_bytes, report.ram_limit_bytes)}, with {stack}"
    rows["flash"] = _of(report.flash_bytes, report.flash_limit_bytes)
    accuracies = [
        f"{name} {_percent(value)}" for name, value in dataclasses.asdict(report.accuracy).items() if value is not None
    ]
    if accuracies:
        rows["accuracy"] = f"{', '.join(accuracies)} (measured on {report.data})"
    if report.agreement.int8 is not None:
        rows["agreement"] = f"int8 with float {_percent(report.agreement.int8)} of {report.samples} samples (measured)"
    if report.instructions_per_inference.value is not None:
        count = report.instructions_per_inference
        rows["instructions"] = f"{count.value:,} per {'inference' if report.step is None else 'step'} ({count.kind})"
    if report.mismatched_bytes is not None:
        rows["mismatched"] = (
            f"{report.mismatched_bytes:,} of {report.compared_bytes:,} bytes, {report.samples} samples, against LiteRT "
            "(counted)"
        )
    return rows


def _step_rows(step: StepReport) -> Mapping[str, str]:
    saved = step.window_products / step.products if step.products else 1.0
    rows = {
        "step": f"{step.frames} of {step.window_frames} frames along axis {step.axis}: {step.products:,} "
        f"multiply-accumulates in convolutions and dense layers (counted), x{saved:.1f} fewer than the window's "
        f"{step.window_products:,}",
        "rings": f"{step.ring_bytes:,} B (counted); the window's own arena takes about {step.window_arena_bytes:,} B "
        "(estimated)",
    }
    if step.whole:
        rows["whole window"] = "; ".join(f"{layer}: {reason}" for layer, reason in step.whole.items())
    return rows


def _board(report: Report) -> str:
    if report.engine is None:
        return report.board
    if report.simulated_on is None:
        return f"{report.board}, run in {report.engine}"
    return f"{report.board}; QEMU has no such machine: the same model objects ran on {report.simulated_on}"


def _library(kernel: str) -> str:
    if kernel == "alias":
        return "without code"
    return "CMSIS-NN" if kernel.startswith("arm_") else "mcuq"


def _of(value: int, limit: int) -> str:
    return f"{value:,} of {limit:,} B ({100 * value / limit:.1f} %, counted)"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _layers(report: Report) -> list[Table]:
    table = Table(box=None, pad_edge=False, header_style="bold")
    counted = report.instructions_per_inference.value is not None
    table.add_column("layer", overflow="fold")
    table.add_column("operator", no_wrap=True)
    table.add_column("kernel", no_wrap=True)
    if counted:
        table.add_column("instructions", justify="right", no_wrap=True)
        table.add_column("%", justify="right", no_wrap=True)
    total = sum(layer.instructions or 0 for layer in report.layers) or 1
    for layer in report.layers:
        row: list[Text | str] = [Text(layer.name), layer.op, layer.kernel]
        if counted:
            instructions = layer.instructions or 0
            row += [f"{instructions:,}", f"{100 * instructions / total:.1f}"]
        table.add_row(*row)
    return [table]
