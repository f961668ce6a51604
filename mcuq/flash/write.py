"""Write a build's image into its board's flash: choose the tool, run it, and say what went wrong in words.

Which tools there are is found in this folder; how they are called is theirs.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq.board import Board, FlashRunner
from mcuq.built import Built
from mcuq.errors import McuqError, RunError, ToolError, UsageError, suggestion
from mcuq.flash import flashers
from mcuq.flash.base import Flasher, Trouble
from mcuq.processes import run_all
from mcuq.usb import UsbDevice

LAST_LINES = 12


@dataclass(frozen=True, slots=True)
class Job:
    """A tool that is ready to write a board's flash."""

    board: Board
    flasher: Flasher


def job_for(built: Built, runner: str | None, probe: str | None, devices: Sequence[UsbDevice], *, dry: bool) -> Job:
    """The job for ``built``: with ``runner``, else with the board's first that is installed (``dry``: its first).

    ``probe`` is a serial number, or what else the tool calls it; None: the only one among ``devices``.
    """
    way = _way(built.board, runner, dry=dry)
    kind = flashers()[way.runner]
    if kind.needs_target and way.target is None:
        raise UsageError(
            f"board {built.board.name} does not say what {way.runner} calls it",
            hint=f'flash = [{{ runner = "{way.runner}", target = ... }}] in its board file',
        )
    named = next((device for device in devices if probe is not None and device.serial == probe), None)
    if named is not None:
        word: str | None = kind.word_for(named)
    elif probe is not None or dry:
        word = probe
    else:
        word = kind.the_probe(way.target, devices, built.board.usb)
    flasher = kind(built.image.absolute(), built.origin, way.target, word)
    if not flasher.image.is_file():
        raise UsageError(
            f"{built.folder} has no {flasher.image.name}, which {kind.name} takes",
            hint="a board file that gives `uf2_family` has one built" if kind.suffix == ".uf2" else "build again",
        )
    return Job(built.board, flasher)


def write(job: Job) -> None:
    """Write the flash. ``ToolError``: the tool or a probe is missing; ``RunError``: the tool failed."""
    flasher = job.flasher
    if not flasher.installed():
        raise ToolError(f"{flasher.program} was not found", hint=flasher.install)
    for path, text in flasher.files().items():
        path.write_text(text, encoding="utf-8")
    output = ""
    with tempfile.TemporaryDirectory() as empty:
        for command in flasher.commands():
            (finished,) = run_all([command], Path(empty) if flasher.in_empty_folder else Path.cwd())
            output += finished.output + finished.errors
            if not flasher.succeeded(finished.code, output):
                raise failure(job, output, f"failed with exit code {finished.code}")
    if flasher.proof is not None and re.search(flasher.proof, output) is None:
        raise failure(job, output, "ended without a word of success")
    flasher.check_written()


def failure(job: Job, output: str, how: str) -> McuqError:
    """The error for a tool that failed, by what it printed."""
    flasher = job.flasher
    lines = [line.strip() for line in output.replace("\r", "\n").splitlines() if line.strip()]
    details = tuple(lines[-LAST_LINES:])
    for trouble, pattern in flasher.troubles.items():
        if re.search(pattern, output):
            return _in_words(trouble, job, details)
    return RunError(f"{flasher.program} {how}", details=details, hint="`mcuq flash --dry-run` prints the command")


def _in_words(trouble: Trouble, job: Job, details: tuple[str, ...]) -> McuqError:
    board, flasher = job.board.name, job.flasher
    if trouble is Trouble.NO_PROBE:
        hint = "is it plugged in, with a data cable? A board in its boot loader shows another device than its probe"
        return ToolError(f"{flasher.name} found no probe or boot loader for {board}", details=details, hint=hint)
    if trouble is Trouble.MANY_PROBES:
        hint = "say which: --probe SERIAL-NUMBER"
        return ToolError(f"{flasher.name} found more than one probe", details=details, hint=hint)
    if trouble is Trouble.PERMISSION:
        return ToolError(f"{flasher.name} may not open the probe", details=details, hint=udev_hint(job))
    texts = {
        Trouble.LOCKED: (
            f"the chip on {board} is locked against reading or writing",
            "unlocking erases all of it: see your tool's mass erase or recover command",
        ),
        Trouble.WRONG_CHIP: (
            f"the chip that is connected is not {board}'s",
            "is this the board that the image was built for? `mcuq build --board` names another",
        ),
        Trouble.UNKNOWN_TARGET: (
            f"this {flasher.name} does not know {flasher.target}",
            f"`pyocd pack install {flasher.target}`" if flasher.name == "pyocd" else "a newer version may",
        ),
        Trouble.NO_CHIP: (
            f"the probe does not reach the chip of {board}",
            "is the board powered, and the probe connected to it? Hold its reset button while trying again",
        ),
        Trouble.VERIFY: (f"the flash of {board} does not hold what was written", "try again; the flash may be worn"),
    }
    message, hint = texts[trouble]
    return RunError(message, details=details, hint=hint)


def udev_hint(job: Job) -> str:
    """How to let users open the probes that this job may use: a rule for udev."""
    ids = job.board.usb or tuple(pattern for pattern in job.flasher.probes[:1])
    vendors = sorted({one.split(":")[0] for one in ids})
    rules = "\\n".join(f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor}", TAG+="uaccess"' for vendor in vendors)
    return (
        f"printf '{rules}\\n' | sudo tee /etc/udev/rules.d/70-mcuq.rules && sudo udevadm control --reload "
        "&& sudo udevadm trigger; then plug it in again"
    )


def _way(board: Board, runner: str | None, *, dry: bool) -> FlashRunner:
    known = flashers()
    for way in board.flash:
        if way.runner not in known:
            raise UsageError(f"board {board.name} names a runner that mcuq does not have: {way.runner!r}")
    if runner is not None:
        if runner not in known:
            hint = suggestion(runner, known, f"there are {', '.join(known)}", cutoff=0.5)
            raise UsageError(f"no such runner: {runner!r}", hint=hint)
        return next((way for way in board.flash if way.runner == runner), FlashRunner(runner=runner))
    if not board.flash:
        raise UsageError(
            f"board {board.name} does not say how its flash is written",
            hint="`mcuq sim` runs it in a simulator"
            if board.qemu
            else "give --flash-command, or `flash` in its board file",
        )
    for way in board.flash:
        if known[way.runner].installed():
            return way
    if dry:
        return board.flash[0]
    details = tuple(f"{way.runner}: {known[way.runner].install}" for way in board.flash)
    raise ToolError(f"no tool that can flash {board.name} was found", details=details, hint="install one of these")
