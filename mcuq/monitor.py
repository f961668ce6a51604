"""What a device sends, as lines for people: frames of the protocol by name, and whatever else it prints as text.

Decodes only; ``mcuq.cli.monitor`` reads the port.
"""

from __future__ import annotations

import struct

from mcuq.frames import Frame, decode
from mcuq.link import FAULT, HELLO_LAYOUT, NAK, NAK_REASONS, RESPONSE, Request, fault_error, take_name

PENDING_LIMIT_BYTES = 16_384


class Monitor:
    """Takes bytes as they come in and gives lines.

    ``to_ask`` are the numbers of models that the device has told of and not named: each wants a HELLO of its own.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._known: set[int] = set()
        self.to_ask: tuple[int, ...] = ()

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes."""
        *ended, self._pending = (self._pending + data).split(b"\0")
        for piece in ended:
            self._notice(decode(piece))
        lines = [line for piece in ended if piece for line in _lines(piece)]
        # Plain text has no zero bytes to wait for, and a frame is seldom all text.
        text, newline, rest = self._pending.rpartition(b"\n")
        if newline and _is_text(text):
            lines += _lines(text)
            self._pending = rest
        if len(self._pending) > PENDING_LIMIT_BYTES:
            lines += self.rest()
        return lines

    def _notice(self, frame: Frame | None) -> None:
        """Keep which models have been named."""
        if frame is not None and frame.type == Request.HELLO | RESPONSE:
            number, models = _which(frame.body)
            self._known.add(number)
            self.to_ask = tuple(other for other in range(models) if other not in self._known)

    def rest(self) -> list[str]:
        """What has come in and is not finished."""
        lines, self._pending = _lines(self._pending) if self._pending else [], b""
        return lines


def named(frame: Frame) -> str:
    """One line (a fault: several) on what ``frame`` is."""
    if frame.type == FAULT:
        return str(fault_error(frame.body))
    if frame.type == NAK and len(frame.body) == 2:
        reason = NAK_REASONS.get(frame.body[1], f"reason {frame.body[1]}")
        return f"#{frame.sequence} refused {_request(frame.body[0])}: {reason}"
    if frame.type == Request.HELLO | RESPONSE:
        return f"#{frame.sequence} {_identity(frame.body)}"
    side = "answer to " if frame.type & RESPONSE else ""
    return (
        f"#{frame.sequence} {side}{_request(frame.type & ~RESPONSE)}, {len(frame.body)} B: {frame.body[:16].hex(' ')}"
    )


def _identity(body: bytes) -> str:
    try:
        version, flags, _, _, core_hz, *_, build_id, _ = HELLO_LAYOUT.unpack_from(body)
        board, rest = take_name(body[HELLO_LAYOUT.size :])
        model, _ = take_name(rest)
    except (struct.error, IndexError):
        return f"answer to HELLO, cut short: {len(body)} B"
    number, models = _which(body)
    clock = f"{core_hz / 1e6:g} MHz{', the board’s own clock did not start' if flags & 1 else ''}"
    which = f" (model {number} of {models})" if models > 1 else ""
    return f"{board} runs {model}{which}, build {build_id.hex()}, at {clock}, protocol version {version}"


def _which(body: bytes) -> tuple[int, int]:
    """Number and count of models that an identity tells; those of a device with one, where it tells none."""
    try:
        _, rest = take_name(body[HELLO_LAYOUT.size :])
        _, rest = take_name(rest)
    except IndexError:
        rest = b""
    return (rest[1], rest[0]) if len(rest) == 2 else (0, 1)


def _request(number: int) -> str:
    try:
        return Request(number).name
    except ValueError:
        return f"request 0x{number:02X}"


def _lines(piece: bytes) -> list[str]:
    frame = decode(piece)
    if frame is not None:
        return named(frame).splitlines()
    # What is no text is no command to the terminal either.
    text = piece.decode("utf-8", "replace")
    return ["".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line) for line in text.splitlines()]


def _is_text(data: bytes) -> bool:
    return all(byte >= 0x20 or byte in b"\t\r\n\x1b" for byte in data)
