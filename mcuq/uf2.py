"""UF2, the format that USB boot loaders take as files on a drive: 512-byte blocks, each with its address.

Written from the public specification (microsoft/uf2). Writes and reads; knows no tool and no board.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from mcuq.errors import RunError

PAYLOAD_BYTES = 256
"""What every boot loader takes in a block: a page of the RP2040's flash."""
BLOCK_BYTES = 512
_HEADER = struct.Struct("<8I")
_MAGIC = (0x0A324655, 0x9E5D5157)
_END = 0x0AB16F30
_FLAG_FAMILY = 0x2000


@dataclass(frozen=True, slots=True)
class Segment:
    """``data`` from ``address`` on."""

    address: int
    data: bytes


def segments_of(elf: Path) -> tuple[Segment, ...]:
    """What ``elf`` puts into memory, at the addresses where it is loaded, sorted."""
    try:
        with elf.open("rb") as file:
            found = [
                Segment(int(part["p_paddr"]), bytes(part.data()))
                for part in ELFFile(file).iter_segments()
                if part["p_type"] == "PT_LOAD" and part["p_filesz"]
            ]
    except (ELFError, OSError) as error:
        raise RunError(f"{elf.name} cannot be read as an ELF file: {error}") from error
    return tuple(sorted(found, key=lambda segment: segment.address))


def to_uf2(segments: Sequence[Segment], family: int) -> bytes:
    """The UF2 file of ``segments``: whole pages, zeros where a page is not covered."""
    pages: dict[int, bytearray] = {}
    for segment in segments:
        for offset, value in enumerate(segment.data):
            address = segment.address + offset
            pages.setdefault(address - address % PAYLOAD_BYTES, bytearray(PAYLOAD_BYTES))[address % PAYLOAD_BYTES] = (
                value
            )
    blocks = []
    for number, (address, page) in enumerate(sorted(pages.items())):
        header = _HEADER.pack(*_MAGIC, _FLAG_FAMILY, address, PAYLOAD_BYTES, number, len(pages), family)
        blocks.append((header + page).ljust(BLOCK_BYTES - 4, b"\0") + struct.pack("<I", _END))
    return b"".join(blocks)


def from_uf2(data: bytes) -> tuple[int, tuple[Segment, ...]]:
    """The family and the segments of a UF2 file, neighbours joined. Raises ``ValueError`` for what is none."""
    if not data or len(data) % BLOCK_BYTES:
        raise ValueError(f"{len(data)} bytes are no UF2 file: it has blocks of {BLOCK_BYTES}")
    segments: list[Segment] = []
    families = set()
    for number, start in enumerate(range(0, len(data), BLOCK_BYTES)):
        block = data[start : start + BLOCK_BYTES]
        *magic, flags, address, size, position, count, family = _HEADER.unpack_from(block)
        if tuple(magic) != _MAGIC or block[-4:] != struct.pack("<I", _END) or flags != _FLAG_FAMILY:
            raise ValueError(f"block {number} is no UF2 block for a family of chips")
        if position != number or count != len(data) // BLOCK_BYTES or size > BLOCK_BYTES - _HEADER.size - 4:
            raise ValueError(f"block {number} says to be {position} of {count}, with {size} bytes")
        families.add(family)
        payload = block[_HEADER.size : _HEADER.size + size]
        if segments and segments[-1].address + len(segments[-1].data) == address:
            segments[-1] = Segment(segments[-1].address, segments[-1].data + payload)
        else:
            segments.append(Segment(address, payload))
    if len(families) != 1:
        raise ValueError(f"blocks of {len(families)} families")
    return families.pop(), tuple(segments)
