"""Outside programs that run to their end: several at a time, none left behind when one fails or the user interrupts.

Finding programs, and saying what went wrong with them, is ``mcuq.toolchain``'s. Programs that stay are the runners'.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mcuq.errors import RunError, ToolError

TIMEOUT_S = 300
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended: its exit code, negative for the signal that ended it, and what it printed."""

    command: tuple[str, ...]
    code: int
    output: str
    errors: str


def run_all(commands: Sequence[Sequence[str]], folder: Path) -> tuple[Finished, ...]:
    """Run ``commands`` in ``folder``, one more at a time than there are cores, up to the first that fails.

    The results are in the order of the commands, a failed one last. ``ToolError``: one could not be started;
    ``RunError``: one did not finish in ``TIMEOUT_S``.
    """
    running: list[_Running] = []
    results: list[Finished] = []
    waiting = list(commands)
    try:
        while running or waiting:
            while waiting and len(running) <= (os.cpu_count() or 1):
                with _uninterrupted():
                    running.append(_Running(waiting.pop(0), folder))
            results.append(running[0].wait())
            running.pop(0).end()
            if results[-1].code != 0:
                break
    finally:
        for one in running:
            one.end()
    return tuple(results)


class _Running:
    """A command at work, in a process group of its own; its words go to files, as a pipe may fill up unread."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        log.debug("%s", shlex.join(command))
        self._command = tuple(command)
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - end() closes it
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._errors,
                env={**os.environ, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0"},
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"{command[0]} could not be started: {error.strerror}") from error

    def wait(self) -> Finished:
        if not _ends(self._process, TIMEOUT_S):
            raise RunError(f"{Path(self._command[0]).name} did not finish in {TIMEOUT_S} s")
        return Finished(self._command, self._process.wait(), _text(self._output), _text(self._errors))

    def end(self) -> None:
        """Kill it and all that it started, if it still runs."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()
        self._errors.close()


def _ends(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Wait until ``process`` ends; False: it did not in time.

    ``Popen.wait`` with a time limit looks again every 50 ms, which costs more than a small compilation takes. Where the
    system can tell at once (Linux), it is asked to.
    """
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
        return process.returncode is not None
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        return bool(poller.poll(1000 * timeout_s))
    finally:
        os.close(descriptor)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Holds back Ctrl-C and SIGTERM: a process must not start unseen. Only the main thread is ever interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda got, _frame: held.append(got)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for interruption in held:
            signal.raise_signal(interruption)
