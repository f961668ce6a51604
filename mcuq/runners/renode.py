"""Renode: runs the very image that is flashed, on a machine written from the board file.

Its UART is a TCP port, which the link opens as pyserial's ``socket://``. Renode is not cycle accurate: where the
machine has a cycle counter it counts instructions (see ``mcuq.renode.counts_instructions``).
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcuq.board import Board
from mcuq.errors import RunError, ToolError
from mcuq.renode import OLDEST_VERSION, machine_of, monitor_path, platform_text, script_text, unexpected
from mcuq.robot_library import free_port
from mcuq.runners.base import Program, Runner, Target
from mcuq.toolchain import find_tool, install_hint

START_TIMEOUT_S = 60.0
_MORE_WORDS_S = 0.3
"""After a first line of complaint, for those that say why."""
_VERSION = re.compile(r"Renode, version (\d+)\.(\d+)")
_FAILED = (
    r"There was an error executing command|No such command or device|Bad parameters for command|Could not tokenize|"
    r"^Error E\d+|Fatal error:|Unhandled exception"
)
"""What the monitor says of a command that it cannot execute. It goes on all the same, and exits with 0."""
_STARTED = r"\] (?P<machine>\S+): Machine started\."
_NOTICED = re.compile(f"{_VERSION.pattern}|{_STARTED}|{_FAILED}")
"""To be found even when many lines follow at once."""


@dataclass(frozen=True, slots=True)
class RenodeRunner(Runner):
    """``image`` is an ELF for ``board``. ``folder`` takes the platform and the script (None: one that goes with the
    target). ``port`` is the UART's TCP port (None: one that is free)."""

    board: Board
    image: Path
    folder: Path | None = None
    port: int | None = None

    def command(self) -> tuple[str, ...]:
        return self._command(self.folder or Path("FOLDER"))

    def start(self) -> Target:
        machine_of(self.board)
        find_tool("renode")
        made = self.folder is None
        folder = Path(tempfile.mkdtemp(prefix="mcuq-renode-")) if self.folder is None else self.folder
        tidy = functools.partial(shutil.rmtree, folder, ignore_errors=True) if made else _nothing
        program: Program | None = None
        try:
            port = free_port() if self.port is None else self.port
            platform, script = folder / "platform.repl", folder / "machine.resc"
            platform.write_text(platform_text(self.board), encoding="utf-8")
            script.write_text(script_text(self.board, platform, self.image, port), encoding="utf-8")
            # Standard input stays open: at its end the monitor would read it again and again.
            program = Program(
                self._command(folder),
                stdin=subprocess.PIPE,
                notice=lambda line: _NOTICED.search(line) is not None or unexpected(self.board, line),
            )
            _wait_until_started(program)
            return RenodeTarget(self.board, program, f"socket://127.0.0.1:{port}", tidy)
        except BaseException:
            if program is not None:
                program.close()
            tidy()
            raise

    def _command(self, folder: Path) -> tuple[str, ...]:
        return ("renode", "--disable-xwt", "--console", "--plain", "-e", f"include {monitor_path(folder)}/machine.resc")


class RenodeTarget(Target):
    """A machine in Renode, which goes on where a chip would fault: so its log is looked at too."""

    def __init__(self, board: Board, program: Program, port: str, on_close: Callable[[], None]) -> None:
        super().__init__(program, port, on_close)
        self.board = board

    def check(self) -> None:
        self.program.check()
        if lines := tuple(line for line in self.program.noticed if unexpected(self.board, line)):
            raise RunError(
                "the firmware met something that its machine in Renode does not have",
                details=lines[:10],
                hint="the [renode] section of the board file lists what there is",
            )


def _wait_until_started(program: Program) -> None:
    """Raises ``RunError`` with Renode's words when a command of the script fails, ``ToolError`` for an old Renode."""
    said = program.wait_for_line(f"{_STARTED}|{_FAILED}", START_TIMEOUT_S)
    for line in program.noticed:
        version = _VERSION.search(line)
        if version and (found := (int(version[1]), int(version[2]))) < OLDEST_VERSION:
            raise ToolError(
                f"Renode {found[0]}.{found[1]} is too old: {OLDEST_VERSION[0]}.{OLDEST_VERSION[1]} is needed",
                hint=install_hint("renode"),
            )
    if said["machine"] is None:
        time.sleep(_MORE_WORDS_S)
        raise RunError("Renode could not make the machine", details=program.last_lines())


def _nothing() -> None:
    """What there is to tidy up in somebody else's folder."""
