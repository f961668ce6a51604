"""A pseudo terminal between a target and a tool, which can be pulled out and plugged in again under the same name."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from pathlib import Path


class ProxyPty:
    """``port`` is a link to the terminal. Once ``unplug_at`` bytes have gone to the target, it is pulled out and comes
    back ``away_s`` later, each time. ``spoil_at``: one byte to the target is changed there."""

    def __init__(
        self,
        target: str,
        port: Path,
        *,
        unplug_at: tuple[int, ...] = (),
        away_s: float = 0.5,
        spoil_at: int | None = None,
        comes_back: bool = True,
    ) -> None:
        self.port = port
        self.unplugged = 0
        self._target = os.open(target, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._target)
        self._unplug_at = list(unplug_at)
        self._away_s = away_s
        self._spoil_at = spoil_at
        self._comes_back = comes_back
        self._sent = 0
        self._stop = threading.Event()
        self._plug_in()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def __enter__(self) -> ProxyPty:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._pull_out()
        os.close(self._target)

    def _plug_in(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port.symlink_to(os.ttyname(self._slave))

    def _pull_out(self) -> None:
        self.port.unlink(missing_ok=True)
        for end in (self._slave, self._master):
            with contextlib.suppress(OSError):
                os.close(end)

    def _pump(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._master, self._target], [], [], 0.05)
            if self._target in ready:
                data = os.read(self._target, 4096)
                if data:
                    os.write(self._master, data)
            if self._master in ready:
                self._to_target(os.read(self._master, 4096))

    def _to_target(self, data: bytes) -> None:
        if self._unplug_at and self._sent + len(data) >= self._unplug_at[0]:
            kept = max(0, self._unplug_at.pop(0) - self._sent)
            os.write(self._target, data[:kept])  # the rest of the frame is lost with the cable
            self._sent += kept
            self._pull_out()
            self.unplugged += 1
            time.sleep(self._away_s)
            if not self._comes_back:
                self._stop.set()
                return
            self._plug_in()
            return
        if self._spoil_at is not None and self._sent + len(data) > self._spoil_at >= self._sent:
            at = self._spoil_at - self._sent
            data = data[:at] + bytes((data[at] ^ 0x55,)) + data[at + 1 :]
            self._spoil_at = None
        os.write(self._target, data)
        self._sent += len(data)
