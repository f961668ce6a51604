"""probe-rs: ``target`` is its name for the chip. ``probe`` is VID:PID:SERIAL, as ``probe-rs list`` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mcuq.flash.base import CMSIS_DAP, J_LINK, ST_LINK, Flasher, Trouble
from mcuq.usb import UsbDevice


@dataclass(frozen=True, slots=True)
class ProbeRs(Flasher):
    name = "probe-rs"
    program = "probe-rs"
    install = "cargo install probe-rs-tools --locked, or see https://probe.rs"
    probes = (ST_LINK, J_LINK, *CMSIS_DAP)
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"[Pp]ermission denied|Access denied|insufficient permissions",
        Trouble.MANY_PROBES: r"\d+ probes were found|[Mm]ultiple .*probes",
        Trouble.NO_PROBE: r"No connected probes were found|No probe was found|[Pp]robe not found",
        Trouble.LOCKED: r"core is locked|[Mm]issing permissions|allow-erase-all|is locked",
        Trouble.UNKNOWN_TARGET: r"chip '?\S+'? was not found",
        Trouble.WRONG_CHIP: r"connected chip .* does not match|[Cc]hip .* is not the one",
        Trouble.NO_CHIP: r"[Tt]arget device did not respond|NoAcknowledge|No ACK|Connecting to the chip was un",
        Trouble.VERIFY: r"[Vv]erif\w+ failed|contents do not match",
    }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        probe = () if self.probe is None else ("--probe", self.probe)
        chip = ("--chip", str(self.target), "--non-interactive", *probe)
        return (
            ("probe-rs", "download", *chip, "--verify", "--disable-progressbars", str(self.elf)),
            ("probe-rs", "reset", *chip),
        )

    @classmethod
    def word_for(cls, device: UsbDevice) -> str | None:
        return f"{device.id}:{device.serial}" if device.serial else None


FLASHER = ProbeRs
