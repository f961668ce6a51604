"""The firmware built for the development machine, as a process behind a pseudo terminal.

The same protocol code and the same link as on a board; no simulator, no counter.
"""

from __future__ import annotations

import contextlib
import os
import tty
from dataclasses import dataclass
from pathlib import Path

from mcuq.runners.base import Program, Runner, Target


@dataclass(frozen=True, slots=True)
class HostRunner(Runner):
    """``program`` was built from ``mcuq.firmware.host_sources()`` and a model."""

    program: Path

    def command(self) -> tuple[str, ...]:
        return (str(self.program.absolute()),)

    def start(self) -> Target:
        master, slave = os.openpty()
        try:
            tty.setraw(slave)
            port = os.ttyname(slave)
            program = Program(self.command(), stdin=master, stdout=master)
        except BaseException:
            os.close(slave)
            raise
        finally:
            os.close(master)

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                os.close(slave)

        # The slave end stays open here: the program must not see the line close between two links.
        return Target(program, port, hang_up)
