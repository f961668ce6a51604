"""Keywords for a Robot Framework test that talks to firmware of mcuq over TCP.

Written beside the test by ``mcuq sim --robot``; it needs nothing but Python's own library. Protocol: docs/protocol.md.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import time
import zlib
from pathlib import Path
from typing import Any

__all__ = ["free_port", "monitor_path", "should_compute_every_byte", "should_run_build"]  # the keywords

HELLO, WRITE_INPUT, RUN, READ_OUTPUT, INPUT, SELECT = 0x01, 0x03, 0x04, 0x05, 0x08, 0x0C
RESPONSE, FAULT, REFUSED = 0x80, 0xFE, 0xFF
HEADER = struct.Struct("<BH")
IDENTITY = struct.Struct("<BBBBIIHBBII16sH")
VERSION = 3
FED_INPUT = 2
OVERHEAD_BYTES = HEADER.size + 4
CONNECT_S = 20.0
AGAIN_S = 1.0
"""How soon a request is sent again: the firmware executes a repeated one only once."""


def encode(kind: int, sequence: int, body: bytes) -> bytes:
    """A frame on the line: header, body and CRC in COBS, between zero bytes."""
    payload = HEADER.pack(kind, sequence) + body
    payload += struct.pack("<I", zlib.crc32(payload))
    encoded = bytearray()
    for part in payload.split(b"\0"):
        rest = part
        while len(rest) >= 254:
            encoded += b"\xff" + rest[:254]
            rest = rest[254:]
        encoded += bytes((len(rest) + 1,)) + rest
    return b"\0" + bytes(encoded) + b"\0"


def decode(encoded: bytes) -> tuple[int, int, bytes] | None:
    """Kind, sequence and body of what stood between two zero bytes; None when it is broken."""
    payload = bytearray()
    at = 0
    while at < len(encoded):
        code = encoded[at]
        payload += encoded[at + 1 : at + code]
        at += code
        if code < 0xFF and at < len(encoded):
            payload.append(0)
    if at != len(encoded) or len(payload) < OVERHEAD_BYTES:
        return None
    text, crc = bytes(payload[:-4]), bytes(payload[-4:])
    if struct.pack("<I", zlib.crc32(text)) != crc:
        return None
    kind, sequence = HEADER.unpack_from(text)
    return kind, sequence, text[HEADER.size :]


class Firmware:
    """A connection to the firmware; errors are ``AssertionError``, which fails a test with its words."""

    def __init__(self, port: int, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._socket = _connect(port)
        self._received = b""
        self._sequence = 0
        self.board = self.model = self.build_id = ""
        self._payload_bytes = self._flags = 0

    def close(self) -> None:
        self._socket.close()

    def select(self, number: int) -> None:
        """Turn to the model of this number in the image."""
        self.identify()
        if number:
            self._ask(SELECT, bytes((number,)))
            self.identify()

    def identify(self) -> None:
        """Ask who answers, and keep it."""
        body = self._ask(HELLO)
        version, self._flags, *_, build_id, self._sequence = fields = IDENTITY.unpack_from(body)
        if version != VERSION:
            raise AssertionError(f"the firmware speaks protocol version {version}, this library speaks {VERSION}")
        self._payload_bytes = fields[6]
        names = body[IDENTITY.size :]
        self.board = names[1 : 1 + names[0]].decode("ascii", "replace")
        names = names[1 + names[0] :]
        self.model = names[1 : 1 + names[0]].decode("ascii", "replace")
        self.build_id = build_id.hex()

    def run(self, inputs: list[bytes], output_sizes: list[int]) -> list[bytes]:
        """The bytes of each output for the bytes of each input."""
        if not self._flags & FED_INPUT:
            room = self._payload_bytes - OVERHEAD_BYTES - 5
            for index, data in enumerate(inputs):
                for at in range(0, len(data), room):
                    self._ask(WRITE_INPUT, struct.pack("<BI", index, at) + data[at : at + room])
        answer = self._ask(RUN)
        at, room = 0, self._payload_bytes - OVERHEAD_BYTES - 4
        while self._flags & FED_INPUT and len(answer) == 4:
            if answer != struct.pack("<I", at) or at >= len(inputs[0]):
                raise AssertionError(f"the firmware asks for input that is not byte {at} of {len(inputs[0])}")
            answer = self._ask(INPUT, answer + inputs[0][at : at + room])
            at += room
        status, _ = struct.unpack("<iQ", answer)
        if status != 0:
            raise AssertionError(f"layer {status} of the model reported a failure")
        return [self._read_output(index, size) for index, size in enumerate(output_sizes)]

    def _read_output(self, index: int, size: int) -> bytes:
        room = self._payload_bytes - OVERHEAD_BYTES
        starts = range(0, size, room)
        return b"".join(self._ask(READ_OUTPUT, struct.pack("<BIH", index, at, min(room, size - at))) for at in starts)

    def _ask(self, kind: int, body: bytes = b"") -> bytes:
        self._sequence = self._sequence % 0xFFFF + 1
        message = encode(kind, self._sequence, body)
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            self._socket.sendall(message)
            until = min(deadline, time.monotonic() + AGAIN_S)
            while (frame := self._frame(until)) is not None:
                found, sequence, answer = frame
                if found == FAULT:
                    raise AssertionError("the processor faulted: PC, LR, CFSR, exception " + answer.hex(" ", 4))
                if sequence == self._sequence and found == REFUSED:
                    raise AssertionError(f"the firmware refused request {kind}: {answer.hex()}")
                if sequence == self._sequence and found == kind | RESPONSE:
                    return answer
        raise AssertionError(f"the firmware did not answer request {kind} within {self._timeout_s:g} s")

    def _frame(self, until: float) -> tuple[int, int, bytes] | None:
        """The next whole frame, or None when time is up."""
        while True:
            encoded, zero, rest = self._received.partition(b"\0")
            if zero:
                self._received = rest
                if frame := decode(encoded):
                    return frame
                continue
            left_s = until - time.monotonic()
            if left_s <= 0:
                return None
            self._socket.settimeout(left_s)
            try:
                data = self._socket.recv(4096)
            except TimeoutError:
                return None
            if not data:
                raise AssertionError("the simulator closed the line")
            self._received += data


def free_port() -> int:
    """A TCP port that nobody listens at, as it seems."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def monitor_path(path: str) -> str:
    """A path as Renode's monitor reads it."""
    return "@" + path.replace(" ", "\\ ")


def should_run_build(port: int, samples: str) -> None:
    """Fails unless the firmware at TCP ``port`` says that it is the build that the file ``samples`` was made for."""
    wanted = _load(samples)
    firmware = Firmware(int(port), 10.0)
    try:
        firmware.select(wanted["number"])
        found = {"board": firmware.board, "model": firmware.model, "build_id": firmware.build_id}
    finally:
        firmware.close()
    expected = {key: wanted[key] for key in found}
    if found != expected:
        raise AssertionError(f"the firmware is {found}, not {expected}")


def should_compute_every_byte(port: int, samples: str, timeout_s: float = 120.0) -> None:
    """Fails unless every output byte of every sample is as expected; ``timeout_s`` is for one inference."""
    wanted = _load(samples)
    firmware = Firmware(int(port), float(timeout_s))
    different: list[str] = []
    compared = bad_bytes = 0
    try:
        firmware.select(wanted["number"])
        for number, sample in enumerate(wanted["samples"]):
            inputs = [base64.b64decode(text) for text in sample["inputs"]]
            outputs = [base64.b64decode(text) for text in sample["outputs"]]
            found = firmware.run(inputs, [len(output) for output in outputs])
            bad = sum(a != b for x, y in zip(found, outputs, strict=True) for a, b in zip(x, y, strict=True))
            compared += sum(map(len, outputs))
            bad_bytes += bad
            if bad:
                different.append(f"sample {number}: {bad}")
    finally:
        firmware.close()
    if bad_bytes or not compared:
        raise AssertionError(f"{bad_bytes} of {compared} bytes differ ({'; '.join(different[:10])})")
    print(f"{compared} bytes of {len(wanted['samples'])} samples are as expected")


def _load(samples: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(samples).read_text(encoding="utf-8"))
    return loaded


def _connect(port: int) -> socket.socket:
    deadline = time.monotonic() + CONNECT_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=CONNECT_S)
        except OSError as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"nobody listens at TCP port {port}: {error}") from error
            time.sleep(0.1)
