"""A UF2 file copied onto the drive of a boot loader: ``target`` is the drive's name, ``probe`` where it is mounted.

The boot loader reads nothing back. It takes files of its own chip's family only, and restarts when it has them whole:
that its drive goes away is the proof.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mcuq.errors import RunError, ToolError
from mcuq.flash.base import Flasher, Trouble
from mcuq.usb import UsbDevice

RESTART_TIMEOUT_S = 10.0
INFO_FILE = "INFO_UF2.TXT"
"""What every such drive holds: it tells of the boot loader."""


@dataclass(frozen=True, slots=True)
class Uf2Copy(Flasher):
    name = "uf2"
    suffix = ".uf2"
    program = "dd"
    install = "sudo apt-get install coreutils"
    probes = ()
    verifies = False
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"[Pp]ermission denied|Read-only file system",
        Trouble.NO_PROBE: r"No such file or directory|Not a directory",
    }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        # cp would leave the data in memory: the boot loader would see them half a minute later, or never.
        drive = self.probe or f"/media/{self.target}"
        files = (f"if={self.image}", f"of={drive}/{self.image.name}")
        return (("dd", *files, "bs=64K", "conv=fsync"),)

    @classmethod
    def the_probe(cls, target: str | None, devices: Sequence[UsbDevice], own: Sequence[str]) -> str | None:
        return str(the_drive(str(target), mount_folders()))

    def succeeded(self, code: int, output: str) -> bool:
        # A boot loader that has the whole file may be gone before the drive's last word.
        return code == 0 or ("Input/output error" in output and not self._drive_is_there())

    def check_written(self) -> None:
        deadline = time.monotonic() + RESTART_TIMEOUT_S
        while self._drive_is_there():
            if time.monotonic() > deadline:
                raise RunError(
                    f"the boot loader did not take the image: {self.probe} stays, {RESTART_TIMEOUT_S:g} s after",
                    hint="is this the board that the image was built for?",
                )
            time.sleep(0.1)

    def _drive_is_there(self) -> bool:
        return (Path(self.probe or "") / INFO_FILE).exists()


def mount_folders() -> tuple[Path, ...]:
    """Where systems mount what is plugged in."""
    user = getpass.getuser()
    return (Path("/media"), Path("/media") / user, Path("/run/media") / user, Path("/mnt"), Path("/Volumes"))


def the_drive(name: str, folders: Sequence[Path]) -> Path:
    """The boot loader's drive ``name`` in ``folders``. Raises ``ToolError`` when there is none, or more than one."""
    # A second drive of one name is mounted with a number behind it.
    found = sorted(drive for folder in folders for drive in folder.glob(f"{name}*") if (drive / INFO_FILE).is_file())
    if len(found) == 1:
        return found[0]
    if not found:
        raise ToolError(
            f"no drive {name} is mounted",
            hint="start the boot loader (BOOTSEL held while plugging in), mount its drive, or give --probe FOLDER",
        )
    raise ToolError(
        f"{len(found)} boot loaders are connected",
        details=tuple(str(drive) for drive in found),
        hint="say which: --probe FOLDER",
    )


FLASHER = Uf2Copy
