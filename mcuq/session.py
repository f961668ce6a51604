"""A link that comes back: when the line breaks or a frame is lost for good, the port is opened again and work repeated.

Knows nothing of how a port is found, nor of what is run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from mcuq.errors import LinkError, ToolError
from mcuq.link import Identity, Link, RunResult

ATTEMPTS = 3
"""How often one piece of work may lose its link before it is given up."""
RETRY_S = 0.25
Result = TypeVar("Result")


class Session:
    """Links to one target, one after the other; use it in a ``with`` statement.

    ``connect`` opens the port, ``check`` asks who answers and raises when it is another. A lost target is
    waited for during ``patience_s``. ``reconnections`` counts how often it came back.
    """

    def __init__(self, connect: Callable[[], Link], check: Callable[[Link], Identity], patience_s: float) -> None:
        self._connect = connect
        self._check = check
        self._patience_s = patience_s
        self._link: Link | None = None
        self.reconnections = 0

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port. Safe to call twice."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def open(self, starting_s: float = 0.0) -> Identity:
        """Open the port and ask who answers: a target that has just been started may be silent for ``starting_s``."""
        deadline = time.monotonic() + starting_s
        while True:
            self.close()
            try:
                self._link = self._connect()
                return self._check(self._link)
            except (LinkError, ToolError):
                if time.monotonic() >= deadline:
                    raise
                time.sleep(RETRY_S)

    def do(self, work: Callable[[Link], Result]) -> Result:
        """What ``work`` gives, begun anew after each loss: what was under way has no result, and is not counted.

        Raises ``LinkError`` when the target stays away, or is lost again and again.
        """
        for attempt in range(ATTEMPTS):
            if self._link is None:
                self.open()
            assert self._link is not None
            try:
                return work(self._link)
            except LinkError as loss:
                if attempt == ATTEMPTS - 1:
                    raise
                self._wait_for_return(loss)
        raise AssertionError("unreachable")

    def run(self, inputs: Sequence[bytes]) -> RunResult:
        """One inference."""
        return self.do(lambda link: link.run(inputs))

    def _wait_for_return(self, loss: LinkError) -> None:
        deadline = time.monotonic() + self._patience_s
        self.close()
        while True:
            try:
                self.open()
            except (LinkError, ToolError) as error:
                self.close()
                if time.monotonic() >= deadline:
                    raise LinkError(
                        f"the target was lost, and did not come back within {self._patience_s:g} s",
                        details=(loss.message, error.message),
                        hint="plug it in again, or allow more time with --reconnect",
                    ) from loss
                time.sleep(RETRY_S)
            else:
                self.reconnections += 1
                return
