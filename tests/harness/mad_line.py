"""A serial line between a host and a target that damages what it carries, both ways: as bad as a line can be."""

from __future__ import annotations

import contextlib
import os
import random
import select
import threading
import tty

from mcuq.frames import Frame, encode


class _Way:
    """One direction. Frames are lost, cut, flipped, doubled, kept for later, preceded by noise, or passed on."""

    def __init__(self, seed: int, calm: int) -> None:
        self._chance = random.Random(seed)
        self._calm = calm
        self._pending = b""
        self._kept: list[bytes] = []
        self.damaged = 0

    def carry(self, data: bytes) -> bytes:
        """What comes out when ``data`` goes in."""
        *ended, self._pending = (self._pending + data).split(b"\0")
        return b"".join(self._passed(b"\0" + piece + b"\0") for piece in ended if piece)

    def _passed(self, message: bytes) -> bytes:
        chance = self._chance
        trouble = chance.randrange(self._calm)
        self.damaged += trouble < 8
        if trouble == 0:
            return b""
        if trouble == 1:
            return message[: chance.randrange(1, len(message))]
        if trouble == 2:
            at = chance.randrange(len(message))
            return message[:at] + bytes((message[at] ^ 1 << chance.randrange(8),)) + message[at + 1 :]
        if trouble == 3:
            return message * chance.randrange(2, 4)
        if trouble == 4:
            return chance.randbytes(chance.randrange(60)) + message
        if trouble == 5:
            return message + encode(Frame(chance.randrange(0xFE), 0, chance.randbytes(5)))
        if trouble == 6:
            self._kept.append(message)
            return message  # and once more, when everybody has gone on
        if trouble == 7 and self._kept:
            return self._kept.pop(chance.randrange(len(self._kept))) + message
        return message


class MadLine:
    """``port`` leads to ``target``; of ``calm`` frames eight are damaged. To be used in a ``with`` statement."""

    def __init__(self, target: str, seed: int, calm: int = 120) -> None:
        self._target = os.open(target, os.O_RDWR | os.O_NOCTTY)
        self._master, self._slave = os.openpty()
        tty.setraw(self._target)
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._there, self._back = _Way(seed, calm), _Way(seed + 1, calm)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._pump, daemon=True)

    @property
    def damaged(self) -> int:
        """Frames damaged so far."""
        return self._there.damaged + self._back.damaged

    def __enter__(self) -> MadLine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for end in (self._slave, self._master, self._target):
            with contextlib.suppress(OSError):
                os.close(end)

    def _pump(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._master, self._target], [], [], 0.05)
            if self._master in ready:
                os.write(self._target, self._there.carry(os.read(self._master, 4096)))
            if self._target in ready:
                os.write(self._master, self._back.carry(os.read(self._target, 4096)))
