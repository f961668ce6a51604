"""What every runner shares: the pure command line, and the one place that starts, watches and ends a program."""

from __future__ import annotations

import collections
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from mcuq.errors import RunError, ToolError
from mcuq.link import Link
from mcuq.toolchain import find_tool

KEPT_LINES = 40
LINE_LIMIT_BYTES = 400
_PR_SET_PDEATHSIG = 1


class Program:
    """A started program in a process group of its own, its output drained into a short memory.

    Ends with the ``with`` block whatever happens in it, and with the thread that started it (Linux: also when this
    process is killed), so that no simulator is left running. Of lines for which ``notice`` is true the first
    ``KEPT_LINES`` are kept in ``noticed``. With ``subprocess.PIPE`` for ``stdin`` the program waits for input for ever.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        notice: Callable[[str], bool] | None = None,
    ) -> None:
        self.name = Path(command[0]).name
        path = find_tool(command[0])
        try:
            self._process = subprocess.Popen(
                (path, *command[1:]),
                stdin=stdin,
                stdout=subprocess.PIPE if stdout is None else stdout,
                stderr=subprocess.STDOUT if stdout is None else subprocess.PIPE,
                start_new_session=True,
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - one system call, prepared before the fork
            )
        except OSError as error:
            raise ToolError(f"{command[0]} could not be started: {error.strerror}") from error
        self._lines: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
        self._notice = notice
        self._noticed: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        pipe = self._process.stdout if stdout is None else self._process.stderr
        assert pipe is not None
        self._pipe = pipe
        self._drain = threading.Thread(target=self._drain_output, name=f"output of {self.name}", daemon=True)
        self._drain.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """Kill the whole process group and wait for it. Nothing that runs here has anything to save."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._drain.join(timeout=2)

    def check(self) -> None:
        """Raise ``RunError`` with the program's last words when it has ended."""
        code = self._process.poll()
        if code is None:
            return
        self._drain.join(timeout=2)
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        raise RunError(f"{self.name} {how}", details=self.last_lines())

    def last_lines(self) -> tuple[str, ...]:
        """The last lines that the program printed, at most ``KEPT_LINES``."""
        with self._changed:
            return tuple(self._lines)

    @property
    def noticed(self) -> tuple[str, ...]:
        """The first lines for which ``notice`` was true."""
        with self._changed:
            return tuple(self._noticed)

    def wait_for_line(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """The first line with ``pattern``, of those noticed or else of the last ones.

        Raises ``RunError`` when the program ends or time is up before it comes.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            with self._changed:
                for line in (*self._noticed, *self._lines):
                    if match := re.search(pattern, line):
                        return match
                left_s = deadline - time.monotonic()
                if not self._ended and left_s > 0:
                    self._changed.wait(left_s)
                    continue
            if self._ended:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=2)
            self.check()
            raise RunError(f"{self.name} said nothing useful within {timeout_s:g} s", details=self.last_lines())

    def _drain_output(self) -> None:
        """Read everything, keep little: a long line is kept in pieces."""
        with self._pipe as pipe:
            while line := pipe.readline(LINE_LIMIT_BYTES):
                text = line.decode("utf-8", "replace").rstrip()
                noticed = self._notice is not None and self._notice(text)
                with self._changed:
                    self._lines.append(text)
                    if noticed and len(self._noticed) < KEPT_LINES:
                        self._noticed.append(text)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Target:
    """A running target: the serial port to reach it at, and its end."""

    def __init__(self, program: Program, port: str, on_close: Callable[[], None] = lambda: None) -> None:
        self.program = program
        self.port = port
        self._on_close = on_close

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the program. Safe to call twice."""
        self.program.close()
        self._on_close()

    def check(self) -> None:
        """Raise ``RunError`` when the target cannot go on, or what it said so far cannot be trusted."""
        self.program.check()

    def open_link(self, timeout_s: float = 2.0, *, run_timeout_s: float = 120.0) -> Link:
        """A link to the target which knows when the program has died."""
        return Link.open(self.port, timeout_s, run_timeout_s=run_timeout_s, check=self.check)


class Runner(ABC):
    """One outside tool with everything it needs to run one image."""

    @abstractmethod
    def command(self) -> tuple[str, ...]:
        """The exact command line; pure."""

    @abstractmethod
    def start(self) -> Target:
        """Start the tool. To be used in a ``with`` statement. ``ToolError``: not installed; ``RunError``: it failed."""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _die_with_parent() -> Callable[[], None] | None:
    """What a child has to call to be killed with its parent: ``prctl(PR_SET_PDEATHSIG)``, see prctl(2)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    number = int(signal.SIGKILL)

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)

    return ask
