"""A run recorded to be run again: on a simulator or a board now, in QEMU later, with every answer compared.

What a repro file is made of, and how one that came from elsewhere is read, is ``mcuq.repro_file``'s.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcuq import __version__
from mcuq.board import Board, all_boards, board_named, simulated_board
from mcuq.built import Built
from mcuq.data import Dataset
from mcuq.errors import BoardError, DataError, RunError, UsageError
from mcuq.frames import Frame
from mcuq.host_run import run_host
from mcuq.link import Link, Request
from mcuq.measure import check_identity
from mcuq.model import Progress
from mcuq.on_target import connect, identify
from mcuq.repro_file import IMAGE, LIMIT_BYTES, SIMULATED, Exchange, Header, Repro, pack
from mcuq.runners.qemu import QemuRunner
from mcuq.simulate import random_data
from mcuq.verify import SIMULATOR

_RESULT = struct.Struct("<iQ")
_READ_OUTPUT = struct.Struct("<BIH")
_OF_THE_MOMENT = (Request.HELLO, Request.LAYERS, Request.STACK)
"""Requests whose answers differ from one machine to another, and say nothing of what was computed."""
_RUNNING = (Request.RUN, Request.INPUT, Request.STEP)


@dataclass(frozen=True, slots=True)
class ReproOptions:
    """``target`` is "sim", "auto" or a serial port. ``timeout_s`` bounds one inference, ``limit`` the samples."""

    target: str = SIMULATOR
    limit: int | None = None
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Compared:
    """Output bytes of a record that differ from the expected ones, of those that it holds."""

    differing: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A record run again. ``differs``: the first answer that is another one, in words; None when all are the same.
    ``failure``: how the replay ended before its last request."""

    header: Header
    answers: int
    recorded: Compared
    replayed: Compared
    differs: str | None
    failure: str | None


def record(built: Built, data: Dataset | None, options: ReproOptions, progress: Progress) -> Repro:
    """Run ``data`` (random inputs when None) on the target, and keep all that is needed to do so again.

    A target that fails on the way is kept, too. ``MismatchError``: the target runs another build.
    """
    samples = data if data is not None else random_data(built)
    if options.limit is not None:
        samples = samples.head(options.limit)
    runs = run_host(built.model, samples, progress)
    inputs = _by_sample(runs.inputs, samples.count)
    exchanges: list[Exchange] = []
    failure: str | None = None
    with _target(built, options) as (name, link):
        link.on_answer = lambda request, answer: exchanges.append(Exchange(request, _without_ticks(answer)))
        identity = identify(link, built)
        for sample in range(samples.count):
            try:
                link.run(inputs[sample])
            except RunError as error:
                failure = f"sample {sample}: {error.message}"[:200]
                break
            progress(name, sample + 1, samples.count)
    images, machine = _images(built, options)
    return Repro(
        Header(
            mcuq=__version__,
            model=built.model.name,
            board=built.board.name,
            ran_on=name,
            build_id=built.report.build_id,
            machine=machine,
            replays="simulated.elf" if SIMULATED in images else "image.elf",
            samples=samples.count,
            input_bytes=identity.input_bytes,
            output_bytes=identity.output_bytes,
            failure=failure,
        ),
        images,
        b"".join(part for sample in inputs for part in sample),
        b"".join(part for sample in _by_sample(runs.outputs, samples.count) for part in sample),
        tuple(exchanges),
    )


def packed(repro: Repro) -> bytes:
    """The zip file. Raises ``UsageError`` when nobody would read one so large."""
    content = pack(repro)
    unpacked = sum(map(len, repro.images.values())) + len(repro.inputs) + len(repro.expected)
    unpacked += sum(2 * (len(e.request.body) + len(e.answer.body)) + 32 for e in repro.record)
    if max(len(content), unpacked + (1 << 16)) > LIMIT_BYTES:
        raise UsageError(f"the run takes more than {LIMIT_BYTES:,} bytes to keep", hint="give fewer samples: --limit N")
    return content


def replay(repro: Repro, timeout_s: float, progress: Progress) -> Replay:
    """Run the record again in QEMU. ``BoardError``: no machine runs it; ``MismatchError``: the image is another's."""
    header = repro.header
    if header.machine is None:
        raise BoardError(f"board {header.board} has no machine in QEMU: its run cannot be repeated here")
    machine = board_named(header.machine)
    again: list[Exchange] = []
    failure: str | None = None
    with tempfile.TemporaryDirectory(prefix="mcuq-repro-") as folder:
        image = Path(folder) / IMAGE
        image.write_bytes(repro.images[header.replays])
        with QemuRunner(machine, image).start() as target, target.open_link(run_timeout_s=timeout_s) as link:
            check_identity(link, header.build_id, header.model)
            link.on_answer = lambda request, answer: again.append(Exchange(request, answer))
            for number, exchange in enumerate(repro.record):
                try:
                    link.repeat(exchange.request)
                except RunError as error:
                    failure = error.message
                    break
                except ValueError as error:
                    raise DataError(f"the record holds a request that there is not: {exchange.request.type}") from error
                progress(f"{machine.name} in QEMU", number + 1, len(repro.record))
    pairs = zip(repro.record, again, strict=False)
    differs = next((_in_words(old, new) for old, new in pairs if not _same(old.answer, new.answer)), None)
    if differs is None and len(again) < len(repro.record):
        differs = f"the replay ended after {len(again)} of {len(repro.record)} answers"
    return Replay(header, len(again), compared(repro, repro.record), compared(repro, again), differs, failure)


def compared(repro: Repro, exchanges: Sequence[Exchange]) -> Compared:
    """The output bytes that were read in ``exchanges``, held to those that ``repro`` expects."""
    sizes, whole = repro.header.output_bytes, sum(repro.header.output_bytes)
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    sample, differing, count = -1, 0, 0
    for request, answer in ((e.request, e.answer) for e in exchanges):
        if request.type == Request.RUN:
            sample += 1
        if request.type != Request.READ_OUTPUT or len(request.body) != _READ_OUTPUT.size or sample < 0:
            continue
        index, offset, size = _READ_OUTPUT.unpack(request.body)
        if index >= len(sizes) or len(answer.body) != size or answer.type != Request.READ_OUTPUT | 0x80:
            continue
        first = sample * whole + starts[index] + offset
        want = repro.expected[first : first + size]
        differing += sum(a != b for a, b in zip(answer.body, want, strict=False))
        count += size
    return Compared(differing, count)


def _same(old: Frame, new: Frame) -> bool:
    """Do two answers to one request say the same of what was computed? Ticks and numbers of frames do not."""
    if old.type != new.type or old.type & 0x7F in _OF_THE_MOMENT:
        return old.type == new.type
    return _without_ticks(old).body == _without_ticks(new).body


def _without_ticks(answer: Frame) -> Frame:
    """A run's ticks are never quite the same again, and say nothing of what was computed."""
    if answer.type & 0x7F not in _RUNNING or len(answer.body) != _RESULT.size:
        return answer
    status, _ = _RESULT.unpack(answer.body)
    return Frame(answer.type, answer.sequence, _RESULT.pack(status, 0))


def _in_words(old: Exchange, new: Exchange) -> str:
    name = Request(old.request.type).name if old.request.type in set(Request) else f"request {old.request.type}"
    one, other = old.answer.body, new.answer.body
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{name} was answered by {_shown(one, at)} from byte {at} on, in QEMU by {_shown(other, at)}"


def _shown(body: bytes, at: int) -> str:
    return body[at : at + 8].hex(" ") or "nothing"


def _by_sample(arrays: Sequence[object], count: int) -> list[list[bytes]]:
    return [[array[sample].tobytes() for array in arrays] for sample in range(count)]  # type: ignore[index]


@contextmanager
def _target(built: Built, options: ReproOptions) -> Iterator[tuple[str, Link]]:
    """What runs the build, by name, and a link to it. In QEMU it counts, so that the record is the same each time."""
    if options.target == SIMULATOR:
        machine = simulated_board(built.board)
        runner = QemuRunner(machine, built.simulated_image or built.image)
        with runner.start() as target, target.open_link(run_timeout_s=options.timeout_s) as link:
            yield f"{machine.name} in QEMU", link
        return
    with connect(built, options.target, options.timeout_s) as link:
        yield f"{built.board.name} over its serial port", link


def _images(built: Built, options: ReproOptions) -> tuple[dict[str, bytes], str | None]:
    """The image that ran, with the one for QEMU where that is another; and the board whose machine runs it."""
    machine = _machine(built.board)
    if options.target == SIMULATOR:
        return {IMAGE: (built.simulated_image or built.image).read_bytes()}, machine
    images = {IMAGE: built.image.read_bytes()}
    if built.simulated_image is not None:
        images[SIMULATED] = built.simulated_image.read_bytes()
    return images, machine


def _machine(board: Board) -> str | None:
    """A board that mcuq brings and whose machine runs ``board``'s images: a file from elsewhere names no machine."""
    try:
        wanted = simulated_board(board).qemu
    except BoardError:
        return None
    return next((other.name for other in all_boards() if other.qemu == wanted), None)
