"""dfu-util, for the USB boot loader in an STM32's ROM: ``target`` is its USB id. It does not read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mcuq.flash.base import Flasher, Trouble


@dataclass(frozen=True, slots=True)
class DfuUtil(Flasher):
    name = "dfu-util"
    suffix = ".bin"
    program = "dfu-util"
    install = "sudo apt-get install dfu-util"
    probes = ("0483:df11",)
    verifies = False
    proof = "File downloaded successfully"
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"LIBUSB_ERROR_ACCESS",
        Trouble.MANY_PROBES: r"More than one DFU capable USB device",
        Trouble.NO_PROBE: r"No DFU capable USB device",
        Trouble.LOCKED: r"[Rr]ead.?protect|Device's firmware is corrupt|errVENDOR",
    }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        probe = () if self.probe is None else ("--serial", self.probe)
        address = f"0x{self.origin:08x}:leave"
        device = ("--device", str(self.target), "--alt", "0", *probe)
        return (("dfu-util", *device, "--dfuse-address", address, "--download", str(self.image)),)


FLASHER = DfuUtil
