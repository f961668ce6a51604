"""Boards: one TOML file each in ``boards/``, read into a frozen, fully checked ``Board``.

A board file describes hardware; it says nothing about models and runs nothing. Adding a board is adding a file. A file
is not trusted: every text in it that reaches C, a linker script or a command line is held to a pattern.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import json
import math
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from mcuq.core import Core, core_named
from mcuq.errors import BoardError
from mcuq.paths import BOARDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BOARD_FILE_LIMIT_BYTES = 65536
SYSTICK_HANDLER_INSTRUCTIONS = 125
"""What ``firmware/platform/counter/dwt_systick.c`` executes each time SysTick wraps."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
BankName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
Title = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ,.:()+-]{1,60}$")]
UsbId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]
ToolTarget = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*([./:][A-Za-z0-9_-]+)*$", max_length=64)
]
"""What a flashing tool calls a chip, or a file of its own: no absolute path, no ``..``, nothing a shell expands."""
Hz = Annotated[int, Field(ge=1_000, le=2_000_000_000)]
Address = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]

PeripheralName = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9_]{0,30}$")]
PeripheralModel = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]{0,30}\.[A-Z][A-Za-z0-9_]{0,40}$")]
SettingName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{0,40}$")]
SettingText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./+-]{1,80}$")]

STM32_UART_DRIVERS = ("stm32-lpuart", "stm32-usart-v1", "stm32-usart-v2")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Pll(_Table):
    """A PLL: its source's clock / m * n, and from that the core's clock by p, r, or p and q, as the chip has it.

    An STM32F4 or F7 makes USB's clock with q.
    """

    m: Annotated[int, Field(ge=1, le=63)]
    n: Annotated[int, Field(ge=2, le=512)]
    p: Annotated[int, Field(ge=1, le=128)] | None = None
    q: Annotated[int, Field(ge=1, le=15)] | None = None
    r: Annotated[int, Field(ge=2, le=8)] | Literal[1] | None = None


@dataclass(frozen=True, slots=True)
class _PllRules:
    """What a chip's PLL takes: ranges of m, of n and of the clock in between; the values of each divider.

    ``makes`` names the dividers between PLL and core; ``internal_hz`` is the oscillator before the PLL where it is not
    an external clock or crystal.
    """

    m: range
    n: range
    vco_mhz: tuple[int, int]
    dividers: dict[str, Collection[int]]
    makes: tuple[str, ...]
    internal_hz: int | None = None


_F4_DIVIDERS: dict[str, Collection[int]] = {"p": (2, 4, 6, 8), "q": range(2, 16)}
_PLLS = {
    "stm32f1": _PllRules(range(1, 17), range(2, 17), (1, 24), {}, ()),
    "stm32f4": _PllRules(range(2, 64), range(50, 433), (100, 432), _F4_DIVIDERS, ("p",)),
    "stm32f7": _PllRules(range(2, 64), range(50, 433), (100, 432), _F4_DIVIDERS, ("p",)),
    "stm32g0": _PllRules(range(1, 9), range(8, 87), (64, 344), {"r": range(2, 9)}, ("r",), 16_000_000),
    "stm32h7": _PllRules(range(1, 64), range(4, 513), (192, 960), {"p": (1, *range(2, 129, 2))}, ("p",)),
    "stm32l4": _PllRules(range(1, 17), range(8, 128), (64, 344), {"r": (2, 4, 6, 8)}, ("r",), 16_000_000),
    "stm32u5": _PllRules(range(1, 17), range(4, 513), (128, 544), {"r": (1, 2, 4, 6, 8)}, ("r",), 16_000_000),
    "rp2040": _PllRules(range(1, 64), range(16, 321), (750, 1600), {"p": range(1, 8), "q": range(1, 8)}, ("p", "q")),
    "rp2350": _PllRules(range(1, 64), range(16, 321), (750, 1600), {"p": range(1, 8), "q": range(1, 8)}, ("p", "q")),
}
"""Sources: RM0041, RM0090, RM0385, RM0444, RM0433, RM0432, RM0456 (chapter RCC, registers of the PLL) and the chips'
data sheets (PLL characteristics); RP2040 and RP2350 datasheets, chapter PLL."""


ClockDriver = Literal[
    "none",
    "nrf51",
    "nrf52",
    "nrf53",
    "rp2040",
    "rp2350",
    "stm32f1",
    "stm32f4",
    "stm32f7",
    "stm32g0",
    "stm32h7",
    "stm32l4",
    "stm32u5",
]


class Clock(_Table):
    """``hz`` is the core clock that the driver sets up (``none``: that simply is there).

    ``hse_hz`` is the crystal's or external clock's (``hse_bypass``) frequency.
    """

    driver: ClockDriver
    hz: Hz
    hse_hz: Hz | None = None
    hse_bypass: bool = False
    pll: Pll | None = None
    flash_wait_states: Annotated[int, Field(ge=0, le=15)] | None = None

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> Clock:
        rules = _PLLS.get(self.driver)
        needed = {
            "pll": rules is not None,
            "hse_hz": rules is not None and rules.internal_hz is None,
            "flash_wait_states": self.driver.startswith("stm32"),
        }
        missing = [key for key, wanted in needed.items() if wanted and getattr(self, key) is None]
        if missing:
            raise ValueError(f"driver {self.driver!r} needs {' and '.join(missing)}")
        idle = [key for key, wanted in needed.items() if not wanted and getattr(self, key) is not None]
        if self.hse_bypass and not needed["hse_hz"]:
            idle.append("hse_bypass")
        if idle:
            raise ValueError(f"driver {self.driver!r} has no use for {' and '.join(idle)}")
        if rules is not None and self.pll is not None:
            self._check_pll(rules, self.pll)
        return self

    def _check_pll(self, rules: _PllRules, pll: Pll) -> None:
        for key, values in {"m": rules.m, "n": rules.n, **rules.dividers}.items():
            if getattr(pll, key) not in values:
                raise ValueError(f"pll.{key} is {getattr(pll, key)}, which the PLL of {self.driver!r} cannot be set to")
        if idle := [key for key in ("p", "q", "r") if getattr(pll, key) is not None and key not in rules.dividers]:
            raise ValueError(f"driver {self.driver!r} has no use for pll.{idle[0]}")
        source = rules.internal_hz or self.hse_hz or 0
        vco = source * pll.n // pll.m
        if not rules.vco_mhz[0] * 10**6 <= vco <= rules.vco_mhz[1] * 10**6:
            raise ValueError(f"the PLL runs at {vco} Hz, but may run at {rules.vco_mhz[0]} to {rules.vco_mhz[1]} MHz")
        made = source * pll.n // (pll.m * math.prod(getattr(pll, key) for key in rules.makes))
        if made != self.hz:
            named = "hse_hz" if rules.internal_hz is None else f"the oscillator of {source} Hz"
            raise ValueError(f"{named} and pll make {made} Hz, but hz is {self.hz}")


class Bank(_Table):
    """A memory: ``size`` bytes from ``origin``."""

    name: BankName
    kind: Literal["flash", "ram"]
    origin: Address
    size: Annotated[int, Field(ge=1024, le=0x4000_0000)]

    @property
    def end(self) -> int:
        return self.origin + self.size


class Placement(_Table):
    """Which bank holds what: code with constants, the stack, variables, and the arena.

    ``weights``, the model's constant tables, and ``hot``, the code of the model and its kernels, may lie in a RAM that
    start-up copies them to; by default both stay in the code's bank.
    """

    code: BankName
    stack: BankName
    data: BankName
    arena: BankName
    weights: BankName | None = None
    hot: BankName | None = None

    def banks(self) -> dict[str, BankName]:
        """The bank of each role, of those that have one of their own."""
        return {role: name for role, name in self if name is not None}


COPIED_ROLES = ("weights", "hot")
"""What start-up copies to RAM where a placement wants it."""


class Pin(_Table):
    """``port`` and alternate ``function`` are STM32's; other chips number their pins (P1.00 of an nRF is 32)."""

    pin: Annotated[int, Field(ge=0, le=47)]
    port: Literal["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K"] | None = None
    function: Annotated[int, Field(ge=0, le=15)] | None = None


class Uart(_Table):
    """The serial line that the link uses.

    ``clock_hz`` is for chips whose UART clock is fixed; on an STM32 the clock follows from the ``bus`` that the USART
    hangs on, and ``enable_bit`` is its bit in that bus's RCC enable register (``apb1-2``: the bus's second register).
    """

    driver: Literal["cmsdk", "nrf-uart", "nrf-uarte", "pl011", "stm32-lpuart", "stm32-usart-v1", "stm32-usart-v2"]
    base: Address
    baud: Annotated[int, Field(ge=1200, le=4_000_000)]
    clock_hz: Hz | None = None
    bus: Literal["apb1", "apb1-2", "apb2"] | None = None
    enable_bit: Annotated[int, Field(ge=0, le=31)] | None = None
    tx: Pin | None = None
    rx: Pin | None = None

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> Uart:
        stm32 = self.driver in STM32_UART_DRIVERS
        pins = [pin for pin in (self.tx, self.rx) if pin is not None]
        if (self.clock_hz is not None) != (self.driver == "cmsdk"):
            raise ValueError("clock_hz goes with driver 'cmsdk', and only with it")
        if (len(pins) == 2) != (self.driver != "cmsdk"):
            raise ValueError("tx and rx go with every driver but 'cmsdk'")
        if (self.bus is not None) != stm32 or (self.enable_bit is not None) != stm32:
            raise ValueError("bus and enable_bit go with the stm32 drivers, and only with them")
        if any((pin.port is not None) != stm32 or (pin.function is not None) != stm32 for pin in pins):
            raise ValueError("a pin has port and function with the stm32 drivers, and only with them")
        if any(stm32 and pin.pin > 15 for pin in pins):
            raise ValueError("a port has pins 0 to 15")
        return self


class Counter(_Table):
    """What ticks are counted with: ``dwt-systick`` is DWT's cycle counter where it runs, else SysTick."""

    driver: Literal["dwt-systick", "nrf51-timer"]


class Link(_Table):
    """``payload_bytes`` is the longest frame, without its encoding; the device keeps two buffers of it."""

    payload_bytes: Annotated[int, Field(ge=128, le=8192)]


class FlashStream(_Table):
    """What data from flash cost beside data from RAM, as somebody measured it on the chip at this clock.

    ``cycles_per_byte`` for bytes that come from the flash itself; ``cache_bytes`` of a data cache before it (0: none).
    """

    cycles_per_byte: Annotated[float, Field(ge=0, le=16)]
    cache_bytes: Annotated[int, Field(ge=0, le=1 << 20, multiple_of=128)]


class FlashRunner(_Table):
    """One way to write the board's flash: a ``runner`` of ``mcuq/flash``, and what it calls the board or chip."""

    runner: Name
    target: ToolTarget | None = None


class Qemu(_Table):
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


class RenodePeripheral(_Table):
    """A peripheral in Renode: ``model`` is the name of Renode's class for it.

    ``settings`` are given to the model as they are, ``uses`` names other peripherals that it is given. ``incomplete``:
    Renode's model lacks registers or bits that the firmware touches, and works all the same (a comment says which).
    """

    name: PeripheralName
    model: PeripheralModel
    address: Address
    size: Annotated[int, Field(ge=4, le=0x1000_0000)] | None = None
    settings: dict[SettingName, bool | int | SettingText] = {}
    uses: dict[SettingName, PeripheralName] = {}
    incomplete: bool = False


class Renode(_Table):
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


class Board(_Table):
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
        if self.caches and core.name != "cortex-m7":
            raise ValueError(f"caches are enabled by the firmware on cortex-m7 only, not on {core.name}")
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
        details = tuple(_explain(problem["loc"], problem["msg"]) for problem in error.errors()[:12])
        raise BoardError(
            f"board {board.name} has no such placement", details=details, hint=f"banks: {banks}"
        ) from error


def load_board(path: Path) -> Board:
    """The board in the file ``path``. ``BoardError`` names the file and each key that is wrong."""
    try:
        with path.open("rb") as file:
            raw = file.read(BOARD_FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise BoardError(f"board file {path} cannot be read: {error.strerror}") from error
    if len(raw) > BOARD_FILE_LIMIT_BYTES:
        raise BoardError(f"board file {path} is larger than {BOARD_FILE_LIMIT_BYTES} B")
    try:
        table = tomllib.loads(raw.decode())
        # Through JSON, since that is what pydantic's strict mode takes arrays and tables from.
        return Board.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        details = tuple(_explain(problem["loc"], problem["msg"]) for problem in error.errors()[:12])
        raise BoardError(f"board file {path} is wrong", details=details) from error
    except (ValueError, RecursionError) as error:
        reason = str(error) or "it is nested too deeply"
        raise BoardError(f"board file {path} is not TOML: {reason}") from error


def _explain(location: tuple[str | int, ...], message: str) -> str:
    """``memory.0.size: Input should be ...``; a rule over the whole file has no key."""
    where = ".".join(str(part)[:40] for part in location)
    text = message.removeprefix("Value error, ")
    return f"{where}: {text}" if where else text


@functools.cache
def all_boards() -> tuple[Board, ...]:
    """Every board of ``boards/``, sorted by name. ``BoardError`` when a file is wrong or a name is taken twice."""
    boards = tuple(sorted((load_board(path) for path in BOARDS.glob("*.toml")), key=lambda board: board.name))
    taken: set[str] = set()
    for board in boards:
        for name in (board.name, *board.aliases):
            if name in taken:
                raise BoardError(f"two boards are called {name!r}")
            taken.add(name)
    return boards


def board_named(name: str) -> Board:
    """The board with this name or alias; ``BoardError`` with the nearest name when there is none."""
    by_name = {alias: board for board in all_boards() for alias in (board.name, *board.aliases)}
    if name in by_name:
        return by_name[name]
    close = difflib.get_close_matches(name.lower(), by_name, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else "`mcuq boards` lists them"
    raise BoardError(f"no such board: {name!r}", hint=hint)


def simulated_board(board: Board) -> Board:
    """The board whose machine in QEMU runs ``board``'s models: what ``board`` copies to RAM lies in RAM there, too.

    ``BoardError``: there is none, or its core differs.
    """
    if board.qemu is not None:
        return board
    if board.simulate_on is None:
        raise BoardError(f"board {board.name} has no simulator", hint="run it on the board itself")
    other = board_named(board.simulate_on)
    if other.qemu is None or not other.core_with_fpu.runs_code_of(board.core_with_fpu):
        raise BoardError(f"board {board.name}: simulate_on names {other.name}, which has no machine or another core")
    copied = {role: other.placement.data for role in COPIED_ROLES if role in board.placement.banks()}
    return placed(other, copied) if copied else other
