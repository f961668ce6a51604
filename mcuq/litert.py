"""LiteRT in processes of its own, seen from mcuq's: a file that makes LiteRT abort or hang ends in one error here.

A process ends with its ``LiteRT`` object, at the latest with mcuq. What it does is in ``mcuq.litert_worker``.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from mcuq.errors import ToolError, UnsupportedError
from mcuq.litert_worker import CODE, END, EXIT_CODE, ORDER, START, pack, unpack

Array = npt.NDArray[Any]
TIME_LIMIT_S = 120.0
"""For one inference. The largest models that fit a microcontroller take LiteRT's reference kernels a few seconds."""

_START = "import sys; sys.path[:] = {path!r}; from mcuq.litert_worker import main; main()"


class LiteRT:
    """A model in LiteRT in a child process. Raises ``UnsupportedError`` when LiteRT refuses it, dies or hangs.

    ``exact``: the reference kernels; otherwise the optimized ones, with ``delegate`` what LiteRT does by itself.

    ``description`` has the keys inputs, outputs (dictionaries with name, shape, dtype, scale, zero_point) and
    computed, a list of (name, index) of all computed tensors, empty without ``all_tensors``, and delegated: a delegate
    runs some operators.
    """

    def __init__(
        self,
        model: bytes,
        *,
        exact: bool,
        all_tensors: bool,
        delegate: bool = False,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._time_limit_s = time_limit_s
        self._connection, theirs = Pipe()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._workers = _workers()
        try:
            self._number = self._workers.start(theirs, self._words, time_limit_s)
        finally:
            theirs.close()
        self.close = weakref.finalize(self, _end, self._workers, self._number, self._connection, self._words)
        content = np.frombuffer(model, np.uint8)
        self.description: Mapping[str, Any]
        request = {"do": "load", "exact": exact, "all_tensors": all_tensors, "delegate": delegate}
        self.description, _ = self._ask(request, [content], "LiteRT cannot run the model")

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs for ``inputs``, batch included, in the model's own types."""
        return self._ask({"do": "run"}, inputs, "LiteRT failed to run the model")[1]

    def tensors(self, indices: Sequence[int]) -> list[Array]:
        """The tensors of the given ``indices``, batch included, as the last run left them."""
        request = {"do": "tensors", "indices": list(indices)}
        return self._ask(request, (), "LiteRT cannot give the model's tensors")[1]

    def _ask(
        self, message: dict[str, Any], arrays: Sequence[Array], failure: str
    ) -> tuple[dict[str, Any], list[Array]]:
        try:
            self._connection.send_bytes(pack(message, arrays))
            answer, results = unpack(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._died() from error
        except BaseException:  # interrupted between question and answer: no later answer would fit its question
            self.close()
            raise
        if "error" in answer:
            raise UnsupportedError(failure, details=(str(answer["error"]),))
        return answer, results

    def _died(self) -> UnsupportedError:
        code = self._workers.exit_code(self._number)
        if code == -signal.SIGALRM:
            return UnsupportedError(f"LiteRT did not finish one run of the model in {self._time_limit_s:g} s")
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        self._words.seek(0)
        lines = self._words.read().decode("utf-8", "replace").strip().splitlines()
        return UnsupportedError(
            f"LiteRT crashed on the model ({how})",
            details=tuple(line.strip()[:300] for line in lines[-3:]),
            hint="the file holds numbers that LiteRT's kernels do not take; convert the model again",
        )


def _end(workers: _Workers, number: int, connection: Connection, words: IO[bytes]) -> None:
    connection.close()
    workers.end(number)
    words.close()


class _Workers:
    """The process that forks the workers. It ends with mcuq, and workers when they are told, or with it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._numbers, self._lock = itertools.count(1), threading.Lock()
        command = [sys.executable, "-c", _START.format(path=sys.path), str(theirs.fileno())]
        nothing = subprocess.DEVNULL
        try:
            self.process = subprocess.Popen(
                command, stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=(theirs.fileno(),)
            )
        except OSError as error:
            raise ToolError(f"{sys.executable} could not be started: {error.strerror}") from error
        finally:
            theirs.close()

    def start(self, connection: Connection, words: IO[bytes], time_limit_s: float) -> int:
        """The number of a new worker that serves ``connection`` and writes its last words to ``words``."""
        number = next(self._numbers)
        order = ORDER.pack(START, number, time_limit_s)
        try:
            socket.send_fds(self._socket, [order], [connection.fileno(), words.fileno()])
        except OSError as error:
            raise ToolError("the processes that run LiteRT were ended from outside") from error
        return number

    def end(self, number: int) -> None:
        """Nothing comes back: this is called while garbage is collected, in the middle of anything."""
        with contextlib.suppress(OSError):
            self._socket.send(ORDER.pack(END, number, 0.0))

    def exit_code(self, number: int) -> int:
        """Of a worker that has hung up; negative for a signal."""
        with self._lock:
            try:
                self._socket.sendall(ORDER.pack(CODE, number, 0.0))
                answer = self._socket.recv(EXIT_CODE.size, socket.MSG_WAITALL)
            except OSError:
                answer = b""
        return int(EXIT_CODE.unpack(answer)[0]) if answer else -signal.SIGKILL


_started: dict[int, _Workers] = {}
"""By process: a fork of mcuq's has workers of its own."""


def _workers() -> _Workers:
    found = _started.get(os.getpid())
    if found is None or found.process.poll() is not None:
        found = _started[os.getpid()] = _Workers()
    return found
