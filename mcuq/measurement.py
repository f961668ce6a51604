"""What was measured on a target: one value, printed as tables or as JSON. Nothing is run here.

A time is ``measured`` only on a real port; behind a pseudo terminal is a program, whose ticks say nothing of time.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mcuq.report import Accuracy, Agreement

SCHEMA_VERSION = 1
SHOWN_MISMATCHES = 20
SHOWN_CLASSES = 20


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, 99th percentile (nearest rank) and minimum of some values."""

    median: float
    p99: float
    minimum: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Of at least one value."""
        ordered = sorted(values)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        return Spread(median, ordered[math.ceil(0.99 * len(ordered)) - 1], ordered[0])

    def times(self, factor: float) -> Spread:
        return Spread(self.median * factor, self.p99 * factor, self.minimum * factor)


@dataclass(frozen=True, slots=True)
class Clock:
    """What the target says of its clock. ``fallback``: the board's own did not start."""

    core_hz: int
    fallback: bool
    counter: str
    counter_hz: int


@dataclass(frozen=True, slots=True)
class Timing:
    """``runs`` inferences after ``warmup`` others. ``cycles`` and ``ms`` are None where ticks say nothing of time."""

    kind: str
    runs: int
    warmup: int
    ticks: Spread | None
    cycles: Spread | None
    ms: Spread | None


@dataclass(frozen=True, slots=True)
class LayerTiming:
    """One layer's median ticks, and cycles where they mean something."""

    name: str
    op: str
    kernel: str
    ticks: float | None
    cycles: float | None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A sample, counted from 0, of which so many output bytes differ from the int8 model's."""

    sample: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """A build on a target. ``confusion`` has a row for each true class, a column for each predicted one."""

    model: str
    board: str
    port: str
    build_id: str
    clock: Clock
    timing: Timing
    layers: tuple[LayerTiming, ...]
    samples: int
    data: str
    accuracy: Accuracy
    agreement: Agreement
    class_names: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    compared_bytes: int
    mismatched_bytes: int
    mismatches: tuple[Mismatch, ...]
    reconnections: int
    stack_used_bytes: int
    stack_bytes: int
    notes: tuple[str, ...] = ()

    def as_json(self) -> str:
        """One JSON object, keys in a fixed order."""
        values = {"schema_version": SCHEMA_VERSION, "command": "measure", **dataclasses.asdict(self)}
        return json.dumps(values, indent=2) + "\n"


def print_measurement(found: Measurement, console: Console) -> None:
    """The measurement as short tables for people."""
    parts: list[RenderableType] = [_summary(found)]
    if found.layers:
        parts.append(_layers(found))
    if found.confusion and len(found.confusion) <= SHOWN_CLASSES:
        parts.append(_confusion(found))
    parts += [Text(f"note: {note}", style="bold yellow") for note in found.notes]
    console.print(Group(*parts))


def _summary(found: Measurement) -> Table:
    rows = {"model": found.model, "board": f"{found.board} on {found.port}", "clock": _clock(found.clock)}
    timing = found.timing
    if timing.ms is not None and timing.cycles is not None:
        rows["latency"] = f"median {_ms(timing.ms.median)}, p99 {_ms(timing.ms.p99)}, minimum {_ms(timing.ms.minimum)}"
        cycles = timing.cycles
        rows["cycles"] = f"median {cycles.median:,.0f}, p99 {cycles.p99:,.0f}, minimum {cycles.minimum:,.0f}"
    else:
        why = "the target counts no time" if timing.ticks is None else "a program is behind this port"
        rows["latency"] = f"unknown: {why}"
    rows["runs"] = f"{timing.runs} after {timing.warmup} to warm up ({timing.kind})"
    shares = {name: share for name, share in dataclasses.asdict(found.accuracy).items() if share is not None}
    if shares:
        told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
        rows["accuracy"] = f"{told} ({found.data})"
    if found.agreement.target is not None:
        rows["agreement"] = f"target with float {100 * found.agreement.target:.1f} % of {found.samples} samples"
    rows["stack"] = f"{found.stack_used_bytes:,} of {found.stack_bytes:,} B used"
    rows["mismatched"] = (
        f"{found.mismatched_bytes:,} of {found.compared_bytes:,} bytes, {len(found.mismatches)} of {found.samples} "
        "samples, against LiteRT"
    )
    if found.mismatches:
        shown = ", ".join(str(mismatch.sample) for mismatch in found.mismatches[:SHOWN_MISMATCHES])
        rows["samples"] = shown + (" ..." if len(found.mismatches) > SHOWN_MISMATCHES else "")
    if found.reconnections:
        rows["link"] = f"came back {found.reconnections} times; each sample is counted once"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _clock(clock: Clock) -> str:
    return f"{clock.core_hz / 1e6:g} MHz, counted with {clock.counter}"


def _ms(value: float) -> str:
    return f"{value:,.3f} ms"


def _layers(found: Measurement) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    in_cycles = found.timing.cycles is not None
    table.add_column("layer", overflow="fold")
    table.add_column("operator", no_wrap=True)
    table.add_column("kernel", no_wrap=True)
    table.add_column("cycles" if in_cycles else "ticks", justify="right", no_wrap=True)
    table.add_column("%", justify="right", no_wrap=True)
    values = [layer.cycles if in_cycles else layer.ticks for layer in found.layers]
    total = sum(value or 0 for value in values) or 1
    for layer, value in zip(found.layers, values, strict=True):
        told = ("?", "?") if value is None else (f"{value:,.0f}", f"{100 * value / total:.1f}")
        table.add_row(Text(layer.name), layer.op, layer.kernel, *told)
    return table


def _confusion(found: Measurement) -> Table:
    classes = len(found.confusion)
    names = found.class_names if len(found.class_names) == classes else tuple(map(str, range(classes)))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("true \\ predicted", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in zip(names, found.confusion, strict=True):
        table.add_row(Text(name), *(str(count) if count else "." for count in row))
    return table
