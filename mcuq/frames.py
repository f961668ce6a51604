"""Frames of the serial protocol: COBS between zero bytes, CRC-32 inside. Bytes to payloads and back, nothing else.

What a payload means is ``mcuq.link``'s business. ``docs/protocol.md`` is the specification.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from cobs import cobs

HEADER = struct.Struct("<BH")
CRC = struct.Struct("<I")
OVERHEAD_BYTES = HEADER.size + CRC.size
PAYLOAD_LIMIT_BYTES = 8192
"""The longest payload that any device may announce."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: its type, the sequence number that pairs request and response, and what it carries."""

    type: int
    sequence: int
    body: bytes


def encode(frame: Frame) -> bytes:
    """The bytes to send: a zero byte that ends any noise before, the frame, and the zero byte that ends it."""
    payload = HEADER.pack(frame.type, frame.sequence) + frame.body
    encoded: bytes = cobs.encode(payload + CRC.pack(zlib.crc32(payload)))
    return b"\0" + encoded + b"\0"


def decode(encoded: bytes) -> Frame | None:
    """The frame in what stood between two zero bytes; None for noise."""
    try:
        payload = cobs.decode(encoded)
    except cobs.DecodeError:
        return None
    if len(payload) < OVERHEAD_BYTES or zlib.crc32(payload[:-4]) != CRC.unpack(payload[-4:])[0]:
        return None
    kind, sequence = HEADER.unpack_from(payload)
    return Frame(kind, sequence, payload[HEADER.size : -CRC.size])


class FrameDecoder:
    """Takes bytes as they come in and gives the frames in them; keeps at most ``limit_bytes`` of an unfinished one."""

    def __init__(self, payload_limit_bytes: int = PAYLOAD_LIMIT_BYTES) -> None:
        self._limit_bytes = payload_limit_bytes + payload_limit_bytes // 254 + 1
        self._pending = bytearray()
        self._overflowed = False
        self.dropped = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes. What is no frame is dropped and counted in ``dropped``."""
        frames = []
        *ended, rest = data.split(b"\0")
        for piece in ended:
            self._keep(piece)
            frame = self._finish()
            if frame is not None:
                frames.append(frame)
        self._keep(rest)
        return frames

    def _keep(self, piece: bytes) -> None:
        if self._overflowed or len(self._pending) + len(piece) > self._limit_bytes:
            self._overflowed = True
            self._pending.clear()
            return
        self._pending += piece

    def _finish(self) -> Frame | None:
        frame = decode(bytes(self._pending)) if self._pending and not self._overflowed else None
        if frame is None and (self._pending or self._overflowed):
            self.dropped += 1
        self._pending.clear()
        self._overflowed = False
        return frame
