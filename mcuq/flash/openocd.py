"""OpenOCD (0.11 or later): ``target`` is a configuration file of its own, such as ``board/st_nucleo_f7.cfg``.

It identifies the chip by its debug port and flash driver, and compares the flash with the image after writing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mcuq.flash.base import CMSIS_DAP, J_LINK, ST_LINK, Flasher, Trouble


@dataclass(frozen=True, slots=True)
class OpenOcd(Flasher):
    name = "openocd"
    program = "openocd"
    install = "sudo apt-get install openocd"
    probes = (ST_LINK, J_LINK, *CMSIS_DAP)
    proof = r"\*\* Verified OK \*\*"
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"LIBUSB_ERROR_ACCESS|insufficient permissions",
        Trouble.LOCKED: r"AP lock engaged|device protected|[Dd]evice [Ss]ecurity|device is secured|readout protection",
        Trouble.WRONG_CHIP: r"UNEXPECTED idcode|Cannot identify target|expected \d+ of \d+: 0x",
        Trouble.UNKNOWN_TARGET: r"Can't find \S+\.cfg",
        Trouble.NO_CHIP: r"unable to connect to the target|Error connecting DP|Could not find MEM-AP|may be too low",
        Trouble.NO_PROBE: r"Error: open failed|unable to open CMSIS-DAP|No J-Link device found|No device found",
        Trouble.VERIFY: r"\*\* Verify Failed \*\*",
    }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        probe = () if self.probe is None else ("-c", f"adapter serial {_tcl(self.probe)}")
        write = f"program {_tcl(str(self.elf))} verify reset exit"
        return (("openocd", "-f", str(self.target), *probe, "-c", write),)


def _tcl(word: str) -> str:
    """``word`` as one word of Tcl: whatever could mean something to it is escaped."""
    return re.sub(r"([^\w./+:-])", r"\\\1", word)


FLASHER = OpenOcd
