"""A repro file: one zip with an image, inputs, the bytes to expect, and all that was said over the serial line.

Writing gives the same bytes for the same content. Reading trusts nothing: only known names of bounded size are read,
into memory; nothing is unpacked.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcuq.errors import DataError
from mcuq.frames import PAYLOAD_LIMIT_BYTES, Frame

HEADER, IMAGE, SIMULATED, INPUTS, EXPECTED, SERIAL, README = (
    *("repro.json", "image.elf", "simulated.elf", "inputs.bin", "expected.bin"),
    *("serial.txt", "README.txt"),
)
LIMIT_BYTES = 1 << 25
"""Of the file, and of what it unpacks to."""

_TEXT = f"""A run of a neural network on a microcontroller, to be run again: `mcuq repro THIS-FILE.zip`

{HEADER}     what ran, and where
{IMAGE}      the image that ran; {SIMULATED}, if there: the same model linked for the machine that QEMU has
{INPUTS}     of each sample, the bytes of each input
{EXPECTED}   of each sample, the bytes of each output as LiteRT computes them
{SERIAL}     what was said, a frame a line: > to the device, < from it; type, sequence number, body, in hex;
               a run's ticks are left out, for they are not the same twice
"""

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Size = Annotated[int, Field(ge=0, le=LIMIT_BYTES)]


class Header(BaseModel):
    """``ran_on`` in words. ``machine`` is the board whose machine in QEMU runs ``replays``, None where there is none.
    ``failure``: how the run ended before its last sample."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    mcuq: Text
    model: Text
    board: Text
    ran_on: Text
    build_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    machine: Text | None
    replays: Literal["image.elf", "simulated.elf"]
    samples: Annotated[int, Field(ge=1, le=1 << 20)]
    input_bytes: Annotated[tuple[Size, ...], Field(min_length=1, max_length=255)]
    output_bytes: Annotated[tuple[Size, ...], Field(min_length=1, max_length=255)]
    failure: Text | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the answer to it."""

    request: Frame
    answer: Frame


@dataclass(frozen=True, slots=True, eq=False)
class Repro:
    """What a file holds. ``images`` are ELF files by their names in it; ``expected`` are all samples' outputs."""

    header: Header
    images: Mapping[str, bytes]
    inputs: bytes
    expected: bytes
    record: tuple[Exchange, ...]


def pack(repro: Repro) -> bytes:
    """The zip file: no clock, no user, no order but this one."""
    members = {
        README: _TEXT.encode(),
        HEADER: repro.header.model_dump_json(indent=2).encode() + b"\n",
        **dict(sorted(repro.images.items())),
        INPUTS: repro.inputs,
        EXPECTED: repro.expected,
        SERIAL: "".join(_lines(repro.record)).encode(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)  # its date is the format's first day
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def _lines(record: tuple[Exchange, ...]) -> Iterator[str]:
    for exchange in record:
        for sign, frame in ((">", exchange.request), ("<", exchange.answer)):
            yield f"{sign} {frame.type:02x} {frame.sequence:04x} {frame.body.hex()}".rstrip() + "\n"


def unpack(file: Path) -> Repro:
    """What ``pack`` packed into ``file``. Raises ``DataError`` for anything else, whatever it is."""
    try:
        if file.stat().st_size > LIMIT_BYTES:
            raise _no_repro(file, f"larger than {LIMIT_BYTES:,} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    try:
        members = _members(file, content)
        header = Header.model_validate_json(members[HEADER])
        images = {name: members[name] for name in (IMAGE, SIMULATED) if name in members}
        repro = Repro(header, images, members[INPUTS], members[EXPECTED], tuple(_exchanges(members[SERIAL].decode())))
        _check(repro)
    except ValidationError as error:
        raise _no_repro(file, f"{HEADER}: {error.error_count()} values are missing or wrong") from error
    except KeyError as error:
        raise _no_repro(file, f"it has no {error.args[0]}") from error
    except Exception as error:  # a crafted archive ends in any error that zipfile and zlib have
        raise _no_repro(file, f"{error}"[:200]) from error
    return repro


def _no_repro(file: Path, why: str) -> DataError:
    return DataError(f"{file} is no file of `mcuq repro`: {why}")


def _members(file: Path, content: bytes) -> dict[str, bytes]:
    known = (README, HEADER, IMAGE, SIMULATED, INPUTS, EXPECTED, SERIAL)
    members: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            if info.filename not in known or info.filename in members:
                raise ValueError(f"it holds {info.filename[:80]!r}, which does not belong there")
            with archive.open(info) as member:
                members[info.filename] = member.read(LIMIT_BYTES + 1)
            if sum(map(len, members.values())) > LIMIT_BYTES:
                raise ValueError(f"it unpacks to more than {LIMIT_BYTES:,} bytes")
    return members


def _exchanges(text: str) -> Iterator[Exchange]:
    frames = [_frame(line) for line in text.splitlines()]
    if len(frames) % 2 or any(sign != "><"[index % 2] for index, (sign, _) in enumerate(frames)):
        raise ValueError(f"{SERIAL} does not hold requests and answers in turn")
    for (_, request), (_, answer) in zip(frames[::2], frames[1::2], strict=True):
        yield Exchange(request, answer)


def _frame(line: str) -> tuple[str, Frame]:
    sign, kind, sequence, *body = line.split(" ")
    if len(kind) != 2 or len(sequence) != 4 or len(body) > 1 or len(line) > 2 * PAYLOAD_LIMIT_BYTES:
        raise ValueError(f"{SERIAL} holds a line that is no frame")
    return sign, Frame(int(kind, 16), int(sequence, 16), bytes.fromhex("".join(body)))


def _check(repro: Repro) -> None:
    """Do the parts belong together?"""
    header = repro.header
    if header.replays not in repro.images:
        raise KeyError(header.replays)
    for name, content, sizes in (
        (INPUTS, repro.inputs, header.input_bytes),
        (EXPECTED, repro.expected, header.output_bytes),
    ):
        if len(content) != header.samples * sum(sizes):
            raise ValueError(f"{name} has {len(content)} bytes, {header.samples} samples of {sum(sizes)} were told")
    if any(not image.startswith(b"\x7fELF") for image in repro.images.values()):
        raise ValueError("an image is no ELF file")
