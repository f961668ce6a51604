"""picotool, for Raspberry Pi's chips in BOOTSEL mode. It knows the chip, and compares after writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mcuq.flash.base import Flasher, Trouble


@dataclass(frozen=True, slots=True)
class Picotool(Flasher):
    name = "picotool"
    suffix = ".uf2"
    program = "picotool"
    install = "get picotool from https://github.com/raspberrypi/picotool/releases"
    probes = ("2e8a:0003", "2e8a:000f")
    needs_target = False
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"unable to connect|[Pp]ermission denied|LIBUSB_ERROR_ACCESS",
        Trouble.MANY_PROBES: r"[Mm]ultiple .*devices",
        Trouble.NO_PROBE: r"No accessible RP-?\w* devices in BOOTSEL mode",
        Trouble.WRONG_CHIP: r"family ID .* (cannot|does not|not)|wrong (chip|family)|incompatible",
        Trouble.LOCKED: r"NOT_PERMITTED|not permitted",
        Trouble.VERIFY: r"contents did not match|[Vv]erif\w+ failed",
    }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        probe = () if self.probe is None else ("--ser", self.probe)
        return (("picotool", "load", "--verify", "--execute", str(self.image), *probe),)


FLASHER = Picotool
