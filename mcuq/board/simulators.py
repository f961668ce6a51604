"""A board's machines: in QEMU, and in Renode."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from mcuq.board.fields import Address, Hz, Name, PeripheralModel, PeripheralName, SettingName, SettingText, Table

SYSTICK_HANDLER_INSTRUCTIONS = 125
"""What ``firmware/platform/counter/dwt_systick.c`` executes each time SysTick wraps."""


class Qemu(Table):
    """The board's machine in QEMU.

    ``serial`` is QEMU's number of the UART. ``tick_hz`` is what the simulated counter runs at, and each instruction
    takes 2^``icount_shift`` ns of simulated time: so ticks are instructions in another unit.
    """

    machine: Name
    serial: Annotated[int, Field(ge=0, le=7)]
    tick_hz: Hz
    icount_shift: Annotated[int, Field(ge=3, le=10)]

    @model_validator(mode="after")
    def _ticks_resolve_instructions(self) -> Qemu:
        if self.tick_hz % 1_000_000:
            raise ValueError("tick_hz must be whole MHz, or the SysTick handler is no whole number of ticks")
        if self.tick_hz << self.icount_shift < 4 * 10**9:
            raise ValueError(
                "icount_shift is too small: an instruction must last 4 ticks or more to be counted exactly"
            )
        return self

    @property
    def systick_handler_ticks(self) -> int:
        """Ticks that SysTick's own handler takes: a whole number, see the firmware's counter."""
        return (SYSTICK_HANDLER_INSTRUCTIONS * self.tick_hz << self.icount_shift) // 10**9

    def instructions(self, ticks: int) -> int:
        """Instructions executed during ``ticks`` of the simulated counter; exact when ``ticks`` are 2 off or less."""
        # QEMU keeps SysTick's period of 2^24 ticks in whole nanoseconds, rounded down: at 168 MHz that is 1 ns in 10^8.
        period_ns = (10**9 << 24) // self.tick_hz
        per_instruction = 1 << 24 << self.icount_shift
        return (ticks * period_ns + per_instruction // 2) // per_instruction


class RenodePeripheral(Table):
    """A peripheral in Renode: ``model`` is the name of Renode's class for it.

    ``settings`` are given to the model as they are, ``uses`` names other peripherals that it is given. ``incomplete``:
    Renode's model lacks registers or bits that the firmware touches, and works all the same (a comment says which).
    """

    name: PeripheralName
    model: PeripheralModel
    address: Address
    size: Annotated[int, Field(ge=4, le=0x1000_0000)] | None = None
    settings: dict[SettingName, bool | int | SettingText] = Field(default_factory=dict)
    uses: dict[SettingName, PeripheralName] = Field(default_factory=dict)
    incomplete: bool = False


class Renode(Table):
    """What Renode needs beside core, memory and clock to run the board's own image: the peripherals that the firmware
    touches. ``uart`` is the name of the one that the link uses. Source of the models' behaviour: docs/renode.md."""

    uart: PeripheralName
    peripherals: Annotated[tuple[RenodePeripheral, ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Renode:
        names = [peripheral.name for peripheral in self.peripherals]
        taken = {"sysbus", "cpu", "nvic", "dwt"}
        for name in names:
            if name in taken:
                raise ValueError(f"the name {name!r} is taken twice, or by Renode")
            taken.add(name)
        for name in (self.uart, *(used for peripheral in self.peripherals for used in peripheral.uses.values())):
            if name not in names:
                raise ValueError(f"there is no peripheral {name!r}")
        return self
