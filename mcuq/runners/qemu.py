"""QEMU's system emulator for Arm: runs an ELF on a board's machine and counts instructions exactly.

Nothing in QEMU is cycle accurate. With ``-icount`` each instruction takes the same simulated time, on which the
firmware's counter runs: ``board.qemu.instructions(ticks)`` makes counted instructions of its ticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcuq.board import Board
from mcuq.errors import BoardError
from mcuq.runners.base import Program, Runner, Target

START_TIMEOUT_S = 20.0
_PTY = r"char device redirected to (\S+) \(label serial\d+\)"


@dataclass(frozen=True, slots=True)
class QemuRunner(Runner):
    """``board`` must have a machine of its own (see ``mcuq.board.simulated_board``); ``image`` is an ELF for it.

    ``count`` gives the counter its meaning; without it the same image runs up to three times as fast and ticks mean
    nothing. ``extra`` are more arguments for QEMU, as they stand.
    """

    board: Board
    image: Path
    count: bool = True
    extra: tuple[str, ...] = ()

    def command(self) -> tuple[str, ...]:
        qemu = self.board.qemu
        if qemu is None:
            raise BoardError(f"board {self.board.name} has no QEMU machine of its own")
        icount = ("-icount", f"shift={qemu.icount_shift},sleep=off,align=off") if self.count else ()
        unused = ("-serial", "null") * qemu.serial
        return (
            *("qemu-system-arm", "-machine", qemu.machine, "-nographic", "-monitor", "none"),
            *(*icount, *self.extra, *unused, "-serial", "pty", "-kernel", str(self.image)),
        )

    def start(self) -> Target:
        program = Program(self.command())
        try:
            return Target(program, program.wait_for_line(_PTY, START_TIMEOUT_S)[1])
        except BaseException:
            program.close()
            raise
