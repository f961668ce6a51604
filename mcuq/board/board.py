"""A whole board, and that its parts fit together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from mcuq.board.clock import Clock
from mcuq.board.fields import Address, Name, Table, Title, ToolTarget, UsbId, told
from mcuq.board.memory import Bank, Placement
from mcuq.board.simulators import Qemu, Renode
from mcuq.board.uart import Uart
from mcuq.core import Core, core_named
from mcuq.errors import BoardError


class Counter(Table):
    """What ticks are counted with: ``dwt-systick`` is DWT's cycle counter where it runs, else SysTick."""

    driver: Literal["dwt-systick", "nrf51-timer"]


class Link(Table):
    """``payload_bytes`` is the longest frame, without its encoding; the device keeps two buffers of it."""

    payload_bytes: Annotated[int, Field(ge=128, le=8192)]


class FlashStream(Table):
    """What data from flash cost beside data from RAM, as somebody measured it on the chip at this clock.

    ``cycles_per_byte`` for bytes that come from the flash itself; ``cache_bytes`` of a data cache before it (0: none).
    """

    cycles_per_byte: Annotated[float, Field(ge=0, le=16)]
    cache_bytes: Annotated[int, Field(ge=0, le=1 << 20, multiple_of=128)]


class FlashRunner(Table):
    """One way to write the board's flash: a ``runner`` of ``mcuq/flash``, and what it calls the board or chip."""

    runner: Name
    target: ToolTarget | None = None


class Board(Table):
    """One board.

    ``qemu`` is its own machine in QEMU; ``simulate_on`` names a board that has one and whose core runs this one's code.
    ``renode`` makes a machine of it in Renode. ``usb`` are the vendor and product ids of its own probe or serial port;
    ``flash`` the tools that can write it, the preferred one first. ``uf2_family`` is the chip's number in UF2 files,
    where its boot loader takes them.
    """

    name: Name
    title: Title
    aliases: tuple[Name, ...] = ()
    core: str
    fpu: Literal["fpv4-sp-d16", "fpv5-sp-d16", "fpv5-d16", "auto"] | None = None
    caches: bool = False
    simulate_on: Name | None = None
    clock: Clock
    memory: Annotated[tuple[Bank, ...], Field(min_length=2, max_length=16)]
    placement: Placement
    uart: Uart
    counter: Counter
    link: Link
    flash_stream: FlashStream | None = None
    usb: tuple[UsbId, ...] = ()
    flash: tuple[FlashRunner, ...] = ()
    uf2_family: Address | None = None
    qemu: Qemu | None = None
    renode: Renode | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Board:
        try:
            core = self.core_with_fpu
        except BoardError as error:
            raise ValueError(error.message) from error
        if self.caches and not core.has_caches:
            raise ValueError(f"{core.name} has no caches that the firmware could enable")
        if self.qemu and self.simulate_on:
            raise ValueError("a board has qemu or simulate_on, not both")
        if len({way.runner for way in self.flash}) != len(self.flash):
            raise ValueError("flash names a runner twice")
        self._check_memory()
        if self.renode:
            self._check_renode(self.renode)
        return self

    def _check_renode(self, renode: Renode) -> None:
        uart = next(peripheral for peripheral in renode.peripherals if peripheral.name == renode.uart)
        if uart.address != self.uart.base:
            raise ValueError(f"renode.uart is at 0x{uart.address:08X}, but uart.base is 0x{self.uart.base:08X}")
        banks = {bank.name for bank in self.memory}
        for peripheral in renode.peripherals:
            if peripheral.name in banks:
                raise ValueError(f"a renode peripheral and a memory bank are both called {peripheral.name!r}")

    def _check_memory(self) -> None:
        kinds = {bank.name: bank.kind for bank in self.memory}
        if len(kinds) != len(self.memory):
            raise ValueError("two memory banks have one name")
        for role, name in self.placement.banks().items():
            wanted = "flash" if role == "code" else "ram"
            if kinds.get(name) != wanted:
                raise ValueError(
                    f"placement.{role} is {name!r}, but there is no memory of that name and kind {wanted!r}"
                )
        banks = sorted(self.memory, key=lambda bank: bank.origin)
        for low, high in itertools.pairwise(banks):
            if low.end > high.origin:
                raise ValueError(f"memory banks {low.name!r} and {high.name!r} overlap")
        if banks[-1].end > 0x1_0000_0000:
            raise ValueError(f"memory bank {banks[-1].name!r} ends beyond 4 GB")

    @property
    def core_with_fpu(self) -> Core:
        """The core with this chip's FPU."""
        return core_named(self.core).with_fpu(self.fpu)

    @property
    def flash_bytes(self) -> int:
        return sum(bank.size for bank in self.memory if bank.kind == "flash")

    @property
    def ram_bytes(self) -> int:
        """RAM that an image can use: of the banks in which ``placement`` puts anything."""
        used = set(self.placement.banks().values())
        return sum(bank.size for bank in self.memory if bank.kind == "ram" and bank.name in used)

    def bank(self, name: str) -> Bank:
        """The memory bank ``name``, which ``placement`` guarantees to exist for its own names."""
        for bank in self.memory:
            if bank.name == name:
                return bank
        raise BoardError(f"board {self.name} has no memory bank {name!r}")


def placed(board: Board, changes: Mapping[str, str]) -> Board:
    """``board`` with other banks for some roles. ``BoardError``: there is no such role or bank, or it is of no use."""
    if unknown := sorted(set(changes) - set(Placement.model_fields)):
        known = ", ".join(Placement.model_fields)
        raise BoardError(f"nothing called {unknown[0]!r} is placed in memory", hint=f"what is placed: {known}")
    table = board.model_dump()
    try:
        return Board.model_validate({**table, "placement": {**table["placement"], **changes}})
    except ValidationError as error:
        banks = ", ".join(f"{bank.name} ({bank.kind})" for bank in board.memory)
        details = told(error)
        raise BoardError(
            f"board {board.name} has no such placement", details=details, hint=f"banks: {banks}"
        ) from error
