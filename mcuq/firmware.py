"""Which firmware sources a board is built from, and the header and linker script generated for it.

Says what to compile and how to link; compiling is the toolchain's work.
"""

from __future__ import annotations

from pathlib import Path

from mcuq.board import STM32_UART_DRIVERS, Board
from mcuq.codegen.render import render
from mcuq.paths import FIRMWARE

_PORTABLE = ("main.c", "protocol.c", "frame.c", "profile.c")
_CORTEX_M = ("startup.c", "fault.c", "stack.c", "memory.c")

FIRMWARE_FLAGS = ("-ffreestanding", "-Os")
"""Further compiler flags for the firmware's own sources, which define memcpy; kernels want it inlined."""

LINK_FLAGS = ("-nostdlib", "-nostartfiles", "-lgcc")
"""To stand after the objects. The firmware brings memcpy and its kin; of the compiler's libraries it needs libgcc."""


def firmware_sources(board: Board) -> tuple[Path, ...]:
    """The C files of ``board``'s firmware; the model's and the kernels' come on top."""
    platform = FIRMWARE / "platform"
    cortex_m = (*_CORTEX_M, "cache.c") if board.caches else _CORTEX_M
    return (
        *(FIRMWARE / name for name in _PORTABLE),
        *(platform / "cortexm" / name for name in cortex_m),
        platform / "clock" / f"{board.clock.driver}.c",
        platform / "counter" / f"{board.counter.driver.replace('-', '_')}.c",
        platform / "uart" / f"{board.uart.driver.replace('-', '_')}.c",
    )


def firmware_includes(board: Board) -> tuple[Path, ...]:
    """Folders to search for headers, beside the one that ``board.h`` is written to."""
    platform = FIRMWARE / "platform"
    return (FIRMWARE, platform / "cortexm", platform / "clock", platform / "uart")


def host_sources() -> tuple[Path, ...]:
    """The same firmware as a process of the development machine, its serial line on standard input and output."""
    return (*(FIRMWARE / name for name in _PORTABLE), FIRMWARE / "platform" / "host" / "host.c")


def host_includes() -> tuple[Path, ...]:
    return (FIRMWARE, FIRMWARE / "platform" / "host")


def board_header(board: Board) -> str:
    """The text of ``board.h``."""
    pins = [(name, pin) for name, pin in (("TX", board.uart.tx), ("RX", board.uart.rx)) if pin is not None]
    stm32 = board.uart.driver in STM32_UART_DRIVERS
    return render(
        "board.h.j2",
        board=board,
        pins=pins,
        # RCC_APB1ENR and RCC_APB2ENR, and the prescalers that firmware/platform/clock/stm32_rcc.h sets.
        uart_enable_offset=0x40 if board.uart.bus == "apb1" else 0x44,
        uart_clock_divider=(4 if board.uart.bus == "apb1" else 2) if stm32 else 1,
        systick_handler_ticks=board.qemu.systick_handler_ticks if board.qemu else 0,
    )


def linker_script(board: Board, stack_bytes: int) -> str:
    """The text of the linker script; ``stack_bytes`` is rounded up to the 8 that the procedure call standard wants."""
    return render(
        "memory.ld.j2",
        board=board,
        place=board.placement,
        stack_bytes=(stack_bytes + 7) // 8 * 8,
        code_origin=board.bank(board.placement.code).origin,
    )
