"""What is plugged in over USB: devices by vendor and product id with their serial numbers, and serial ports.

Only looks; opens nothing. Two things that fit are never guessed between: the caller has to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mcuq.board import Board
from mcuq.errors import ToolError

SYSFS = Path("/sys/bus/usb/devices")


@dataclass(frozen=True, slots=True, order=True)
class UsbDevice:
    """One device. ``id`` is vendor:product in lower-case hex; ``port`` is set for a serial port."""

    id: str
    serial: str | None = None
    product: str = ""
    port: str | None = None

    def __str__(self) -> str:
        named = f"{self.id} {self.product}".rstrip()
        number = f"serial number {self.serial}" if self.serial else "without a serial number"
        return f"{self.port}: {named}, {number}" if self.port else f"{named}, {number}"


def usb_devices(folder: Path = SYSFS) -> tuple[UsbDevice, ...]:
    """What Linux's sysfs lists, sorted; nothing on other systems, whose tools then have to tell."""
    found = []
    for device in folder.iterdir() if folder.is_dir() else ():
        vendor, product = _word(device / "idVendor"), _word(device / "idProduct")
        if vendor and product:
            found.append(UsbDevice(f"{vendor}:{product}", _word(device / "serial"), _word(device / "product") or ""))
    return tuple(sorted(found, key=lambda device: (device.id, device.serial or "")))


def serial_ports() -> tuple[UsbDevice, ...]:
    """The serial ports that hang on USB, sorted by name."""
    from serial.tools import list_ports  # noqa: PLC0415 - not needed to build

    found = [
        UsbDevice(f"{port.vid:04x}:{port.pid:04x}", port.serial_number, port.product or "", port.device)
        for port in list_ports.comports()
        if port.vid is not None and port.pid is not None
    ]
    return tuple(sorted(found, key=lambda device: device.port or ""))


def board_port(board: Board, ports: Sequence[UsbDevice]) -> str:
    """The one of ``ports`` that is the board's own. Raises ``ToolError`` when there is none, or more than one."""
    if not board.usb:
        raise ToolError(
            f"board {board.name} has no serial port of its own over USB",
            details=_listed(ports),
            hint="connect a serial adapter to the board's TX and RX, and give --port /dev/tty...",
        )
    own = [port for port in ports if port.id in board.usb]
    if len(own) == 1 and own[0].port:
        return own[0].port
    if not own:
        raise ToolError(
            f"no serial port of {board.name} was found (USB {', '.join(board.usb)})",
            details=_listed(ports),
            hint="plug the board in with a data cable, or give --port /dev/tty...",
        )
    raise ToolError(
        f"{len(own)} serial ports may be {board.name}'s", details=_listed(own), hint="say which: --port /dev/tty..."
    )


def probe_to_use(devices: Sequence[UsbDevice], patterns: Sequence[str], own: Sequence[str]) -> UsbDevice | None:
    """Of ``devices`` that match a pattern, such as ``0483:37*``, the one to name to a tool; None: it need not be told.

    A board's ``own`` ids decide between several. Raises ``ToolError`` when they do not.
    """
    probes = [device for device in devices if any(fnmatchcase(device.id, pattern) for pattern in patterns)]
    if len(probes) < 2:
        return None
    boards = [probe for probe in probes if probe.id in own]
    if len(boards) == 1 and boards[0].serial:
        return boards[0]
    raise ToolError(
        f"{len(probes)} debug probes or boot loaders are connected",
        details=tuple(str(probe) for probe in probes),
        hint="say which: --probe SERIAL-NUMBER",
    )


def _listed(ports: Sequence[UsbDevice]) -> tuple[str, ...]:
    return tuple(str(port) for port in ports) or ("no serial port is connected over USB",)


def _word(file: Path) -> str | None:
    """A short text from sysfs, None when there is none that can be printed."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if text.isprintable() and text else None
