"""Which firmware sources a board is built from, and the header and linker script generated for it.

Says what to compile and how to link; compiling is the toolchain's work.
"""

from __future__ import annotations

from pathlib import Path

from mcuq.board import Board
from mcuq.codegen.render import render
from mcuq.paths import FIRMWARE

_PORTABLE = ("main.c", "protocol.c", "frame.c", "profile.c")
_CORTEX_M = ("startup.c", "fault.c", "stack.c", "memory.c")

_SMALLER = ("-fno-move-loop-invariants", "-fno-ipa-cp", "-fno-schedule-insns2", "-fno-if-conversion")
"""What gcc does at -Os for speed all the same; without them this code is 3 % smaller."""

FIRMWARE_FLAGS = ("-ffreestanding", "-Os", *_SMALLER)
"""Further compiler flags for the firmware's own sources, which define memcpy; kernels want it inlined."""

LINK_FLAGS = ("-nostdlib", "-nostartfiles", "-lgcc")
"""To stand after the objects. The firmware brings memcpy and its kin; of the compiler's libraries it needs libgcc."""


_CLOCK_SOURCES = {"rp2040": "rp2", "rp2350": "rp2"}
_UART_SOURCES = {"stm32-lpuart": "stm32-usart-v2"}
"""Drivers that share a source; all others have one of their name."""

_BOOT2_BYTES = 256
_BOOTS = {"rp2040": _BOOT2_BYTES, "rp2350": 0}
"""Chips whose boot ROM wants something in the image, and how much of it before the vector table."""


_COPIED = {
    "weights": ("constant tables", "obj/model/*_weights.o", ".rodata .rodata.*"),
    "hot": ("code, kernels included", "obj/model/*.o", ".text .text.*"),
}
"""What start-up copies to RAM for a placement that wants it: in words, and from which objects and sections."""


def firmware_sources(board: Board) -> tuple[Path, ...]:
    """The C files of ``board``'s firmware; the model's and the kernels' come on top."""
    platform = FIRMWARE / "platform"
    cortex_m = (*_CORTEX_M, "cache.c") if board.caches else _CORTEX_M
    clock, uart = board.clock.driver, board.uart.driver
    return (
        *(FIRMWARE / name for name in _PORTABLE),
        *(platform / "cortexm" / name for name in cortex_m),
        platform / "clock" / f"{_CLOCK_SOURCES.get(clock, clock)}.c",
        platform / "counter" / f"{board.counter.driver.replace('-', '_')}.c",
        platform / "uart" / f"{_UART_SOURCES.get(uart, uart).replace('-', '_')}.c",
        *((platform / "boot" / f"{clock}.c",) if clock in _BOOTS else ()),
    )


def firmware_includes(board: Board) -> tuple[Path, ...]:
    """Folders to search for headers, beside the one that ``board.h`` is written to."""
    platform = FIRMWARE / "platform"
    return (FIRMWARE, *(platform / name for name in ("cortexm", "clock", "uart", "chip")))


def host_sources() -> tuple[Path, ...]:
    """The same firmware as a process of the development machine, its serial line on standard input and output."""
    return (*(FIRMWARE / name for name in _PORTABLE), FIRMWARE / "platform" / "host" / "host.c")


def host_includes() -> tuple[Path, ...]:
    return (FIRMWARE, FIRMWARE / "platform" / "host")


def board_header(board: Board) -> str:
    """The text of ``board.h``."""
    pins = [(name, pin) for name, pin in (("TX", board.uart.tx), ("RX", board.uart.rx)) if pin is not None]
    bus = board.uart.bus.upper().replace("-", "_") if board.uart.bus else None
    return render(
        "board.h.j2",
        board=board,
        pins=pins,
        uart_bus=bus,
        systick_handler_ticks=board.qemu.systick_handler_ticks if board.qemu else 0,
    )


def vector_table(board: Board) -> int:
    """Where the image's vector table lies: first in the code's bank, but for what a boot ROM wants before it."""
    return board.bank(board.placement.code).origin + _BOOTS.get(board.clock.driver, 0)


def linker_script(board: Board, stack_bytes: int) -> str:
    """The text of the linker script; ``stack_bytes`` is rounded up to the 8 that the procedure call standard wants."""
    return render(
        "memory.ld.j2",
        board=board,
        place=board.placement.banks(),
        copied=[(role, *what) for role, what in _COPIED.items() if role in board.placement.banks()],
        stack_bytes=(stack_bytes + 7) // 8 * 8,
        vectors=vector_table(board),
    )
