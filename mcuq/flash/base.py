"""What every flashing tool shares: pure command lines, and the words by which its failures are known.

Nothing is run here; ``mcuq.flash.write`` does that, and is where the errors are worded.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from mcuq.usb import UsbDevice, probe_to_use

ST_LINK, J_LINK = "0483:37*", "1366:*"
CMSIS_DAP = ("0d28:0204", "2e8a:000c", "1fc9:0143", "1fc9:0090", "03eb:21*", "c251:f001")
"""DAPLink, Raspberry Pi's debug probe, NXP's MCU-Link and LPC-Link2, Microchip's EDBG family, Keil's ULINK."""


class Trouble(Enum):
    """What can stand between a tool and a written flash."""

    PERMISSION = "permission"
    MANY_PROBES = "many probes"
    NO_PROBE = "no probe"
    LOCKED = "locked"
    WRONG_CHIP = "wrong chip"
    UNKNOWN_TARGET = "unknown target"
    NO_CHIP = "no chip"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Flasher(ABC):
    """One tool with all it must be told to write one image.

    ``elf`` has its .bin, .hex and .uf2 beside it; ``origin`` is where the .bin goes; ``target`` is what the tool calls
    the chip; ``probe`` is the tool's own word for the probe to use, None where there is one only.
    """

    elf: Path
    origin: int
    target: str | None = None
    probe: str | None = None

    name: ClassVar[str]
    program: ClassVar[str]
    install: ClassVar[str]
    """How to get the program."""
    probes: ClassVar[tuple[str, ...]]
    """Patterns of the USB ids that the tool can use."""
    troubles: ClassVar[Mapping[Trouble, str]]
    """Patterns of what the program prints, looked for in this order."""
    suffix: ClassVar[str] = ".elf"
    """Which of the build's files it takes."""
    needs_target: ClassVar[bool] = True
    proof: ClassVar[str | None] = None
    """What the program prints when all went well, where an exit code of 0 is no proof."""
    verifies: ClassVar[bool] = True
    """Whether it reads the flash back and compares."""
    in_empty_folder: ClassVar[bool] = True
    """Where it is started: OpenOCD and pyOCD also read settings from there. Else where mcuq was."""

    @abstractmethod
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """The exact command lines, one after the other; pure."""

    @property
    def image(self) -> Path:
        """The file that it writes."""
        return self.elf.with_suffix(self.suffix)

    def files(self) -> Mapping[Path, str]:
        """Texts that the commands read, to be written first."""
        return {}

    @classmethod
    def installed(cls) -> bool:
        return shutil.which(cls.program) is not None

    @classmethod
    def the_probe(cls, target: str | None, devices: Sequence[UsbDevice], own: Sequence[str]) -> str | None:
        """The tool's word for the probe to use among what is plugged in; None: there is no other to mistake it for.

        ``own`` are the board's USB ids. Raises ``ToolError`` where it would be a guess.
        """
        device = probe_to_use(devices, cls.probes, own)
        return None if device is None else cls.word_for(device)

    def succeeded(self, code: int, output: str) -> bool:
        """Whether a command did its work, by its exit code."""
        return code == 0

    def check_written(self) -> None:
        """After the commands: raises ``RunError`` where the target itself shows that nothing was written."""
        return

    @classmethod
    def word_for(cls, device: UsbDevice) -> str | None:
        """The tool's own word for a probe."""
        return device.serial
