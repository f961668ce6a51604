"""Every layer of a build held to LiteRT, on this machine and on the target: CRC-32 by CRC-32, right after each ran.

The target is what runs the build's own image: a simulator, or the board. Only the first layer that differs is looked
at: what comes behind it computes from wrong bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.board import simulated_board
from mcuq.build import LAYOUT_FILE, MANIFEST
from mcuq.built import Built
from mcuq.data import Dataset
from mcuq.errors import RunError, ToolError, UnsupportedError, UsageError
from mcuq.expected import Expectations, Expected
from mcuq.explain import explain
from mcuq.host_c import build_for_host
from mcuq.layout import Layout, Write, read_layout
from mcuq.link import Link
from mcuq.measure import check_identity
from mcuq.model import Progress
from mcuq.on_target import connect, identify
from mcuq.runners.base import Runner
from mcuq.runners.host import HostRunner
from mcuq.runners.qemu import QemuRunner
from mcuq.session import Session
from mcuq.simulate import random_data
from mcuq.verification import Difference, Element, Explanation, LayerCheck, Place, Verification

Array = npt.NDArray[Any]
HOST, SIMULATOR = "host", "sim"
HOST_PLACE = "host C"
SHOWN_ELEMENTS = 10
_END = "at the end of the run"


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """``target`` is "host", "sim", "auto" or a serial port. ``timeout_s`` bounds one inference, ``limit`` the samples;
    ``reconnect_s`` is how long a lost board is waited for. ``explain``: LiteRT's default is looked at, too."""

    target: str = SIMULATOR
    limit: int | None = None
    timeout_s: float = 120.0
    reconnect_s: float = 30.0
    cmsis_nn: Path | None = None
    explain: bool = False


class _DiffersError(Exception):
    """Bytes that are not as expected, where they were found first."""

    def __init__(self, found: Difference) -> None:
        super().__init__(found)
        self.found = found


def verify(built: Built, data: Dataset | None, options: VerifyOptions, progress: Progress) -> Verification:
    """Hold every layer of ``built`` to LiteRT over ``data`` (random inputs when None).

    ``MismatchError``: the target runs another build; ``ToolError``: no target, or no gcc for "host".
    """
    layout = read_layout(built.files / LAYOUT_FILE)
    _check_layout(built, layout)
    samples = data if data is not None else random_data(built)
    if options.limit is not None:
        samples = samples.head(options.limit)
    expected = _expected(built, samples, progress)
    places = [_on_host(built, layout, expected, options, progress)]
    if options.target != HOST:
        places.append(_on_target(built, layout, expected, options, progress))
    explanation, unexplained = _explained(built, samples, progress) if options.explain else (None, None)
    return Verification(
        model=built.model.name,
        board=built.board.name,
        build_id=built.report.build_id,
        samples=samples.count,
        data=f"{samples.count} {'samples' if data is not None else 'random inputs'}",
        layers=_layer_checks(built, expected[0]),
        places=tuple(places),
        notes=(*_notes(built, places), *([unexplained] if unexplained else [])),
        explanation=explanation,
    )


def _check_layout(built: Built, layout: Layout) -> None:
    """Raises ``UsageError`` when the build's layers are not those that this version of mcuq makes of its model."""
    made = [(index, t.name) for index, layer in enumerate(built.model.graph.layers()) for t in layer.written]
    if sorted({(write.layer, write.tensor) for write in layout.writes}) != sorted(made):
        raise UsageError(f"{built.folder} was built by another version of mcuq", hint="build again")


def _expected(built: Built, samples: Dataset, progress: Progress) -> tuple[Expected, ...]:
    expectations = Expectations(built.model)
    found = []
    for sample in range(samples.count):
        found.append(expectations.of([array[sample] for array in samples.inputs]))
        progress("layers in LiteRT", sample + 1, samples.count)
    return tuple(found)


def _on_host(
    built: Built, layout: Layout, expected: Sequence[Expected], options: VerifyOptions, progress: Progress
) -> Place:
    try:
        with tempfile.TemporaryDirectory(prefix="mcuq-host-") as folder:
            program = build_for_host(built, layout, options.cmsis_nn, Path(folder))
            with _started(HostRunner(program), built, options) as do:
                return _held(built, layout, expected, HOST_PLACE, do, progress)
    except ToolError as error:
        if options.target == HOST:
            raise
        return Place(HOST_PLACE, 0, None, f"not run: {error.message}")


def _on_target(
    built: Built, layout: Layout, expected: Sequence[Expected], options: VerifyOptions, progress: Progress
) -> Place:
    if options.target == SIMULATOR:
        machine = simulated_board(built.board)
        runner = QemuRunner(machine, built.simulated_image or built.image, count=False)
        with _started(runner, built, options) as do:
            return _held(built, layout, expected, f"{machine.name} in QEMU", do, progress)
    session = Session(
        lambda: connect(built, options.target, options.timeout_s),
        lambda link: identify(link, built),
        options.reconnect_s,
    )
    with session:
        session.open()
        return _held(built, layout, expected, f"{built.board.name} on {options.target}", session.do, progress)


Do = Callable[[Callable[[Link], None]], None]
"""Does work with a link, begun anew where the link was lost."""


@contextmanager
def _started(runner: Runner, built: Built, options: VerifyOptions) -> Iterator[Do]:
    with runner.start() as target, target.open_link(run_timeout_s=options.timeout_s) as link:
        check_identity(link, built.report.build_id, built.model.name, built.number)
        yield lambda work: work(link)


def _held(built: Built, layout: Layout, expected: Sequence[Expected], name: str, do: Do, progress: Progress) -> Place:
    """Every sample in one place, up to the first layer that differs."""
    progress(name, 0, len(expected))
    for sample, wanted in enumerate(expected):
        try:
            do(lambda link, wanted=wanted, sample=sample: _step_through(link, built, layout, wanted, sample))  # type: ignore[misc]
        except _DiffersError as differs:
            return Place(name, sample + 1, differs.found)
        progress(name, sample + 1, len(expected))
    return Place(name, len(expected), None)


def _step_through(link: Link, built: Built, layout: Layout, wanted: Expected, sample: int) -> None:
    """One run, stopped after each part of a layer to compare what it has written; raises ``_DiffersError``."""
    writes: dict[int, list[Write]] = defaultdict(list)
    for write in layout.writes:
        writes[write.part].append(write)
    content = {name: values.tobytes() for name, values in wanted.tensors.items()}
    for stop in link.steps([values.tobytes() for values in wanted.inputs], sorted(writes)):
        for write in writes[stop]:
            want = content[write.tensor][write.start : write.start + write.bytes]
            if link.arena_crc(write.offset, write.bytes) != zlib.crc32(want):
                found = link.read_arena(write.offset, write.bytes)
                if found == want:
                    raise RunError(f"the target's CRC of layer {write.layer} is wrong, its bytes are right")
                raise _DiffersError(_difference(built, wanted, sample, write, found))
    for name, found in zip(built.model.graph.outputs, link.outputs(), strict=True):
        if found != content[name]:
            last = next(write for write in reversed(layout.writes) if write.tensor == name)
            whole = dataclasses.replace(last, start=0, bytes=len(found))
            raise _DiffersError(_difference(built, wanted, sample, whole, found, _END))


def _difference(
    built: Built, wanted: Expected, sample: int, write: Write, content: bytes, when: str = "right after the layer"
) -> Difference:
    layer = built.report.layers[write.layer]
    whole = wanted.tensors[write.tensor]
    first = write.start // whole.dtype.itemsize
    found = np.frombuffer(content, whole.dtype)
    want = whole.reshape(-1)[first : first + found.size]
    # Bytes, not values: a NaN is as expected where LiteRT has the same one.
    size = whole.dtype.itemsize
    differing = np.flatnonzero((found.view(np.uint8) != want.view(np.uint8)).reshape(-1, size).any(axis=1))
    gaps = np.abs(found[differing].astype(np.float64) - want[differing].astype(np.float64))
    elements = tuple(
        Element(
            tuple(int(i) for i in np.unravel_index(first + at, whole.shape)), want[at].item(), found[at].item()
        )
        for at in differing[:SHOWN_ELEMENTS].tolist()
    )  # fmt: skip
    return Difference(
        sample=sample,
        layer=write.layer,
        name=layer.name,
        op=layer.op,
        kernel=layer.kernel,
        tensor=write.tensor,
        shape=tuple(whole.shape),
        held_to=wanted.held_to[write.tensor].value,
        when=when,
        part=None if found.size == whole.size else (int(first), int(first + found.size)),
        compared=int(found.size),
        differing=int(differing.size),
        largest=float(np.nan_to_num(gaps).max()),
        first=elements,
    )


def _explained(built: Built, samples: Dataset, progress: Progress) -> tuple[Explanation | None, str | None]:
    """What LiteRT's default does, or why it cannot be told."""
    try:
        return explain(built.model, samples, progress), None
    except UnsupportedError as error:
        return None, f"LiteRT's default was not looked at: {error.message}"


def _layer_checks(built: Built, expected: Expected) -> tuple[LayerCheck, ...]:
    checks = []
    for layer, report in zip(built.model.graph.layers(), built.report.layers, strict=True):
        content = b"".join(expected.tensors[tensor.name].tobytes() for tensor in layer.written)
        held_to = ", ".join(sorted({expected.held_to[tensor.name].value for tensor in layer.written})) or "a state"
        checks.append(
            LayerCheck(report.name, report.op, report.kernel, len(content), f"{zlib.crc32(content):08x}", held_to)
        )
    return tuple(checks)


def _notes(built: Built, places: Sequence[Place]) -> tuple[str, ...]:
    """What helps to find the reason of a difference."""
    notes = [f"{place.name} {place.reason}" for place in places if place.reason]
    host, *targets = places
    for target in targets:
        if target.difference is not None and host.difference is None and not host.reason:
            notes.append(
                f"the same C, compiled for this machine, is right: look at {target.name}, its memories and its compiler"
            )
    if any(place.difference for place in places):
        files = json.loads((built.folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        for path in sorted({built.image, built.simulated_image or built.image}):
            known = files.get(path.relative_to(built.folder).as_posix())
            if hashlib.sha256(path.read_bytes()).hexdigest() != known:
                notes.append(f"{path.name} is not the file that `mcuq build` wrote")
    return tuple(notes)
