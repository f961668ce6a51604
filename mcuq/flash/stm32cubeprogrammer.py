"""STM32CubeProgrammer's command line: STM32 only. Connects under reset, so that firmware that sleeps is no obstacle.

Its exit code is 0 after some failures: what counts is that it says to have verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mcuq.flash.base import ST_LINK, Flasher, Trouble


@dataclass(frozen=True, slots=True)
class Stm32CubeProgrammer(Flasher):
    name = "stm32cubeprogrammer"
    program = "STM32_Programmer_CLI"
    install = "install STM32CubeProgrammer from st.com, and add its bin folder to PATH"
    probes = (ST_LINK,)
    needs_target = False
    proof = "Download verified successfully"
    troubles: ClassVar[Mapping[Trouble, str]] = {
        Trouble.PERMISSION: r"DEV_USB_COMM_ERR|LIBUSB_ERROR_ACCESS|[Pp]ermission denied",
        Trouble.NO_PROBE: r"No (debug probe|ST-?LINK) (is )?detected|ST-LINK error \(DEV_NO_STLINK\)",
        Trouble.LOCKED: r"[Rr]ead ?[Oo]ut [Pp]rotection|RDP|failed to erase memory|not erased or protected",
        Trouble.VERIFY: r"[Dd]ownload verification failed|Data mismatch found",
        Trouble.NO_CHIP: r"No STM32 target found|Unable to get core ID|DEV_TARGET_NOT_CONNECTED",
    }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        probe = () if self.probe is None else (f"sn={self.probe}",)
        connect = ("-c", "port=SWD", "mode=UR", "reset=HWrst", *probe)
        return (("STM32_Programmer_CLI", *connect, "-w", str(self.elf), "-v", "-rst"),)


FLASHER = Stm32CubeProgrammer
