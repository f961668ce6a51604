"""What Renode is told about a board: a platform description (.repl) and the commands that make the machine.

Text only; nothing is started here. The platform is written from the board file, with the board's own memory and clock,
rather than taken from Renode, whose descriptions have other memory sizes and no cycle counter, and download files.
"""

from __future__ import annotations

import re
from pathlib import Path

from mcuq import robot_library
from mcuq.board import Board, Renode, RenodePeripheral
from mcuq.errors import BoardError
from mcuq.firmware import vector_table

OLDEST_VERSION = (1, 16)
"""Earlier ones compute some instructions of FPv5 wrongly."""
TERMINAL = "mcuq_uart"

_CPU_TYPES = {"cortex-m0plus": "cortex-m0+"}
"""Where Renode's name of a core is another than the compiler's. Its ``cortex-m4`` has the FPU."""
_PRIORITY_MASK = 0xF0
_DWT = 0xE000_1000
_NVIC = 0xE000_E000
_PORTS = 0xFFFF
_LOG_LINE = re.compile(r"\[(?P<level>WARNING|ERROR)\] (?:[\w-]+/)?(?P<source>\w+): (?P<text>.*)")
_MHZ = 1_000_000


def machine_of(board: Board) -> Renode:
    """The board's machine in Renode. Raises ``BoardError`` when its file tells of none."""
    if board.renode is None:
        raise BoardError(
            f"board {board.name} has no machine in Renode", hint="its board file needs a [renode] section, or use QEMU"
        )
    return board.renode


def has_cycle_counter(board: Board) -> bool:
    """Whether the machine gets a DWT: Armv6-M has none, and firmware with another counter does not look for it."""
    return board.counter.driver == "dwt-systick" and board.core_with_fpu.architecture != "armv6-m"


def counts_instructions(board: Board) -> bool:
    """Whether a tick of the machine's cycle counter is one instruction.

    Renode executes ``PerformanceInMips`` million instructions in a second of simulated time, in which the counter makes
    ``clock.hz`` ticks: the same, where the clock is whole MHz.
    """
    return has_cycle_counter(board) and board.clock.hz % _MHZ == 0


def platform_text(board: Board) -> str:
    """The platform description: memory, core, cycle counter, and the peripherals that the firmware touches."""
    machine = machine_of(board)
    entries = [
        _entry(bank.name, "Memory.MappedMemory", f"0x{bank.origin:08X}", {"size": f"0x{bank.size:X}"})
        for bank in board.memory
    ]
    nvic = {
        "priorityMask": f"0x{_PRIORITY_MASK:X}",
        "systickFrequency": str(board.clock.hz),
        "IRQ -> cpu@0": None,
    }
    cpu = {
        "cpuType": f'"{_CPU_TYPES.get(board.core, board.core)}"',
        "PerformanceInMips": str(max(1, board.clock.hz // _MHZ)),
        "nvic": "nvic",
    }
    entries += [_entry("nvic", "IRQControllers.NVIC", f"0x{_NVIC:08X}", nvic), _entry("cpu", "CPU.CortexM", None, cpu)]
    if has_cycle_counter(board):
        entries.append(_entry("dwt", "Miscellaneous.DWT", f"0x{_DWT:08X}", {"frequency": str(board.clock.hz)}))
    entries += [_peripheral(peripheral) for peripheral in machine.peripherals]
    title = f"// {board.title}, for Renode {_version(OLDEST_VERSION)} or later; written by mcuq from {board.name}.toml."
    return "\n\n".join((title, *entries)) + "\n"


def commands(board: Board, platform: str, image: str, port: str) -> tuple[str, ...]:
    """Monitor commands that make the machine, load it and give its UART a TCP port; all but ``start``.

    ``platform`` and ``image`` are paths as ``monitor_path`` or a robot file writes them.
    """
    machine = machine_of(board)
    return (
        f'mach create "{board.name}"',
        f"machine LoadPlatformDescription {platform}",
        f"sysbus LoadELF {image}",
        f"sysbus.cpu VectorTableOffset 0x{vector_table(board):08X}",
        f'emulation CreateServerSocketTerminal {port} "{TERMINAL}" false',
        f"connector Connect sysbus.{machine.uart} {TERMINAL}",
    )


def script_text(board: Board, platform: Path, image: Path, port: int) -> str:
    """The script (.resc) that runs ``image`` with its UART at TCP ``port``."""
    if not 0 < port <= _PORTS:
        raise ValueError(f"no TCP port: {port}")
    lines = commands(board, monitor_path(platform), monitor_path(image), str(port))
    return "\n".join((*lines, "start")) + "\n"


def monitor_path(path: Path) -> str:
    """A path as Renode's monitor reads it. Raises ``BoardError`` for one that it cannot."""
    text = str(path.absolute())
    if not text.isprintable() or set(text) & set("\"'`;$\\"):
        raise BoardError(f"Renode cannot be told of the path {text!r}", hint="use a folder without such characters")
    return robot_library.monitor_path(text)


def unexpected(board: Board, line: str) -> bool:
    """Whether a line of Renode's log says that the firmware met something which the machine lacks.

    Peripherals whose model is known to be incomplete, and the core's own, may miss a register.
    """
    if "non existing peripheral" in line:
        return True
    if (said := _LOG_LINE.search(line)) is None:
        return False
    if said["level"] == "ERROR":
        return said["source"] in ("cpu", "sysbus")
    known = {peripheral.name for peripheral in machine_of(board).peripherals if peripheral.incomplete}
    return "Unhandled" in said["text"] and said["source"] not in known | {"nvic", "dwt"}


def _peripheral(peripheral: RenodePeripheral) -> str:
    place = f"0x{peripheral.address:08X}"
    if peripheral.size is not None:
        place = f"<{place}, +0x{peripheral.size:X}>"
    settings: dict[str, str | None] = {name: _setting(value) for name, value in peripheral.settings.items()}
    return _entry(peripheral.name, peripheral.model, place, settings | dict(peripheral.uses))


def _setting(value: bool | int | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'


def _entry(name: str, model: str, place: str | None, settings: dict[str, str | None] | dict[str, str]) -> str:
    """An entry of a platform description; a setting of None is a line of its own, such as an interrupt."""
    head = f"{name}: {model} @ sysbus" + (f" {place}" if place else "")
    lines = [f"    {key}" if value is None else f"    {key}: {value}" for key, value in settings.items()]
    return "\n".join((head, *lines))


def _version(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)
