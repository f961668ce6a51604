"""st-flash, of the open ST-LINK tools: STM32 only. Compares what it has written, and knows the chip by its id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mcuq.flash.base import ST_LINK, Flasher, Trouble


@dataclass(frozen=True, slots=True)
class StFlash(Flasher):
    name = "st-flash"
    suffix = ".bin"
    program = "st-flash"
    install = "sudo apt-get install stlink-tools"
    probes = (ST_LINK,)
    needs_target = False
    proof = "Flash written and verified"
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"access error|LIBUSB_ERROR_ACCESS",
        Trouble.NO_PROBE: r"Couldn't find .*ST-Link",
        Trouble.LOCKED: r"write protected|Failed to unlock flash|Flash unlock failed|readout protection",
        Trouble.VERIFY: r"Verification of flash failed",
        Trouble.NO_CHIP: r"unknown chip id|Failed to connect to target|Failed to enter SWD mode|Failed to read core_id",
    }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        probe = () if self.probe is None else ("--serial", self.probe)
        return (("st-flash", "--reset", *probe, "write", str(self.image), f"0x{self.origin:08x}"),)


FLASHER = StFlash
