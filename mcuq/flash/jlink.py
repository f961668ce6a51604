"""SEGGER's J-Link Commander with a script: ``target`` is SEGGER's name for the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mcuq.flash.base import J_LINK, Flasher, Trouble


@dataclass(frozen=True, slots=True)
class JLink(Flasher):
    name = "jlink"
    program = "JLinkExe"
    install = "install the J-Link software from segger.com"
    probes = (J_LINK,)
    proof = r"Verify successful"
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"[Pp]ermission denied|Could not open .*udev",
        Trouble.UNKNOWN_TARGET: r"[Uu]nknown device|Device .* is unknown",
        Trouble.NO_PROBE: r"Connecting to J-Link .*FAILED|Cannot connect to (the )?(J-Link|probe)|No emulators? found",
        Trouble.MANY_PROBES: r"[Mm]ultiple (emulators|J-Links)|Select emulator",
        Trouble.LOCKED: r"readout protection|[Dd]evice (is )?(secured|locked)|APPROTECT",
        Trouble.VERIFY: r"Verify failed|Compare failed",
        Trouble.NO_CHIP: r"Cannot connect to target|Could not connect to (the )?target|VTref=0\.0",
    }

    @property
    def script(self) -> Path:
        return self.elf.with_suffix(".jlink")

    def files(self) -> Mapping[Path, str]:
        binary = f'"{self.elf.with_suffix(".bin")}"'
        lines = (
            *("r", "h", f'loadfile "{self.elf.with_suffix(".hex")}"', f"verifybin {binary}, 0x{self.origin:08X}"),
            *("r", "g", "exit"),
        )
        return {self.script: "".join(f"{line}\n" for line in lines)}

    def commands(self) -> tuple[tuple[str, ...], ...]:
        probe = () if self.probe is None else ("-SelectEmuBySN", self.probe)
        connect = ("-Device", str(self.target), "-If", "SWD", "-Speed", "4000", "-AutoConnect", "1")
        quiet = ("-NoGui", "1", "-ExitOnError", "1")
        return (("JLinkExe", *quiet, *probe, *connect, "-CommandFile", str(self.script)),)


FLASHER = JLink
