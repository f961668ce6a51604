"""pyOCD: ``target`` is its name for the chip, built in or from a CMSIS pack.

It compares nothing after writing, and takes any chip of the named family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mcuq.flash.base import CMSIS_DAP, J_LINK, ST_LINK, Flasher, Trouble


@dataclass(frozen=True, slots=True)
class PyOcd(Flasher):
    name = "pyocd"
    program = "pyocd"
    install = "pip install pyocd"
    probes = (ST_LINK, J_LINK, *CMSIS_DAP)
    verifies = False
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"[Aa]ccess denied|insufficient permissions|Permission denied",
        Trouble.NO_PROBE: r"No connected debug probes|No available debug probes|No target device available",
        Trouble.MANY_PROBES: r"[Mm]ultiple .*probes|Enter the number of the debug probe",
        Trouble.UNKNOWN_TARGET: r"Target type \S+ not recognized",
        Trouble.LOCKED: r"APPROTECT|device is locked|flash security|readout protection",
        Trouble.NO_CHIP: r"No ACK received|SWD/JTAG communication failure|Memory transfer fault|No cores were disc",
    }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        probe = () if self.probe is None else ("--uid", self.probe)
        return (("pyocd", "load", "--no-config", "--no-wait", "--target", str(self.target), *probe, str(self.elf)),)


FLASHER = PyOcd
