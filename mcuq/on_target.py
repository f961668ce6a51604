"""A build on a connected target: its identity, how long a run takes, and a data set held to the int8 model's bytes.

Knows nothing of flashing: the target already runs the build.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcuq.board import Board
from mcuq.built import Built
from mcuq.data import Array, Dataset
from mcuq.errors import LinkError
from mcuq.host_run import HostRuns, figures, run_host
from mcuq.link import Identity, LayerTicks, Link
from mcuq.measure import Streamed, check_identity, stream
from mcuq.measurement import Clock, LayerTiming, Measurement, Mismatch, Spread, Timing
from mcuq.model import Progress
from mcuq.reference import class_count, predicted_classes
from mcuq.report import Agreement
from mcuq.session import Session
from mcuq.simulate import random_data
from mcuq.usb import board_port, serial_ports

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """``port`` is a device, a pyserial URL, or "auto". ``timeout_s`` bounds one inference, ``limit`` the samples;
    ``reconnect_s`` is how long a lost target is waited for, ``starting_s`` how long one that was just flashed."""

    port: str = AUTO
    runs: int = 100
    warmup: int = 5
    layers: bool = False
    limit: int | None = None
    timeout_s: float = 120.0
    reconnect_s: float = 30.0
    starting_s: float = 0.0


def measure(built: Built, data: Dataset | None, options: MeasureOptions, progress: Progress) -> Measurement:
    """Measure ``built`` on the target, over ``data`` (random inputs when None).

    ``ToolError``: no port, or a guess between two; ``MismatchError``: the target runs another build.
    """
    port = port_of(built.board, options.port)
    given = data is not None
    with Session(
        lambda: connect(built, options.port, options.timeout_s),
        lambda link: identify(link, built),
        options.reconnect_s,
    ) as session:
        identity = session.open(options.starting_s)
        samples = data if data is not None else random_data(built)
        if options.limit is not None:
            samples = samples.head(options.limit)
        runs = run_host(built.model, samples, progress)
        timing, layers = _time(session, built, runs, identity, port, options, progress)
        stage = f"{built.board.name} on {port}"
        progress(stage, 0, samples.count)
        streamed = stream(session, runs.inputs, runs.outputs, lambda done, of: progress(stage, done, of))
        stack = session.do(lambda link: link.stack_high_water())
        reconnections = session.reconnections
    what = f"{samples.count} {'samples' if given else 'random inputs'}"
    found = figures(runs, streamed.outputs[0], samples, what)
    return Measurement(
        model=built.model.name,
        board=identity.board,
        port=port,
        build_id=built.report.build_id,
        clock=Clock(identity.core_hz, identity.clock_fallback, identity.counter, identity.counter_hz),
        timing=timing,
        layers=layers,
        samples=samples.count,
        data=what,
        accuracy=found.accuracy,
        agreement=found.agreement if given else Agreement(),
        class_names=samples.class_names,
        confusion=() if found.accuracy.target is None else _confusion(runs, streamed, samples),
        compared_bytes=streamed.compared_bytes,
        mismatched_bytes=streamed.mismatched_bytes,
        mismatches=mismatches(streamed.outputs, runs.outputs),
        reconnections=reconnections,
        stack_used_bytes=stack.used_bytes,
        stack_bytes=stack.size_bytes,
        notes=(*_notes(identity, built, samples), *runs.notes),
    )


def is_simulated(port: str) -> bool:
    """Whether a program is behind ``port``: a pseudo terminal, also under another name, or a socket."""
    return "://" in port or os.path.realpath(port).startswith("/dev/pts/")


def mismatches(answers: Sequence[Array], expected: Sequence[Array]) -> tuple[Mismatch, ...]:
    """Every sample of which bytes differ; arrays are (n, ...)."""
    count = len(expected[0])
    differing = np.zeros(count, np.int64)
    for answer, wanted in zip(answers, expected, strict=True):
        one = np.ascontiguousarray(answer).reshape(count, -1).view(np.uint8)
        other = np.ascontiguousarray(wanted).reshape(count, -1).view(np.uint8)
        differing += (one != other).sum(axis=1)
    return tuple(Mismatch(int(sample), int(differing[sample])) for sample in np.flatnonzero(differing))


def port_of(board: Board, port: str) -> str:
    """The serial port that ``port`` names. Raises ``ToolError`` where "auto" finds none, or would be a guess."""
    return board_port(board, serial_ports()) if port == AUTO else port


def connect(built: Built, port: str, timeout_s: float) -> Link:
    """A link to ``port``, which is looked for anew: a board plugged in again may get another name.

    ``timeout_s`` bounds one inference.
    """
    return Link.open(port_of(built.board, port), run_timeout_s=timeout_s, baud=built.board.uart.baud)


def identify(link: Link, built: Built) -> Identity:
    """Who answers; raises ``MismatchError`` when it runs another build, ``LinkError`` when nobody does."""
    try:
        return check_identity(link, built.report.build_id, built.model.name, built.number)
    except LinkError as error:
        raise LinkError(
            error.message,
            details=error.details,
            hint=f"is this build on the board (`mcuq flash {built.folder}`), and the port the board's?",
        ) from error


def _time(
    session: Session,
    built: Built,
    runs: HostRuns,
    identity: Identity,
    port: str,
    options: MeasureOptions,
    progress: Progress,
) -> tuple[Timing, tuple[LayerTiming, ...]]:
    """Time runs of the first sample, without what the hooks that count layers cost."""
    if identity.counter == "none":
        return Timing("unknown", 0, 0, None, None, None), ()
    sample = [array[0].tobytes() for array in runs.inputs]
    hooks = session.do(lambda link: (link.run(sample), link.layer_ticks()))[1]
    stage = f"timing on {built.board.name}"
    ticks, by_layer = [], []
    for number in range(options.warmup + options.runs):
        total, layers = session.do(lambda link: _timed(link, sample, options.layers))
        progress(stage, number + 1, options.warmup + options.runs)
        if number >= options.warmup:
            ticks.append(total - hooks.hook_ticks * len(hooks.ticks))
            by_layer.append(layers)
    spread = Spread.of(ticks)
    real = not is_simulated(port)
    per_tick = identity.core_hz / identity.counter_hz
    timing = Timing(
        "measured" if real else "unknown",
        options.runs,
        options.warmup,
        spread,
        spread.times(per_tick) if real else None,
        spread.times(1000 / identity.counter_hz) if real else None,
    )
    medians = _layer_medians([layers for layers in by_layer if layers is not None])
    return timing, tuple(
        LayerTiming(layer.name, layer.op, layer.kernel, median, median * per_tick if real and median else None)
        for layer, median in zip(built.report.layers, medians, strict=bool(medians))
    )


def _timed(link: Link, sample: Sequence[bytes], layers: bool) -> tuple[int, LayerTicks | None]:
    result = link.run(sample)
    return result.ticks, link.layer_ticks() if layers else None


def _layer_medians(runs: Sequence[LayerTicks]) -> list[float | None]:
    """The median of each layer; None for one that was once too long to be counted."""
    medians: list[float | None] = []
    for values in zip(*(run.ticks for run in runs), strict=True):
        counted = [value for value in values if value is not None]
        medians.append(Spread.of(counted).median if len(counted) == len(values) else None)
    return medians


def _confusion(runs: HostRuns, streamed: Streamed, samples: Dataset) -> tuple[tuple[int, ...], ...]:
    values = runs.real(streamed.outputs[0])
    predicted = predicted_classes(values)
    if predicted is None or samples.labels is None:
        return ()
    classes = class_count(values, samples.labels)
    known = samples.labels >= 0
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (samples.labels[known], predicted[known]), 1)
    return tuple(tuple(int(count) for count in row) for row in counts)


def _notes(identity: Identity, built: Built, samples: Dataset) -> tuple[str, ...]:
    notes = list(samples.notes)
    if identity.clock_fallback:
        notes.append(
            f"the board's own clock did not start: it runs at {identity.core_hz / 1e6:g} MHz from its internal "
            f"oscillator, not at {built.board.clock.hz / 1e6:g} MHz"
        )
    return tuple(notes)
