"""Boards: one TOML file each in ``boards/``, read into a frozen, fully checked ``Board``.

A board file describes hardware; it says nothing about models and runs nothing. Adding a board is adding a file. A file
is not trusted: every text in it that reaches C, a linker script or a command line is held to a pattern.
"""

from __future__ import annotations

from mcuq.board.board import Board, Counter, FlashRunner, FlashStream, Link, placed
from mcuq.board.clock import Clock
from mcuq.board.files import all_boards, board_named, copying, load_board, simulated_board
from mcuq.board.memory import COPIED_ROLES, Bank, Placement
from mcuq.board.simulators import Qemu, Renode, RenodePeripheral
from mcuq.board.uart import Pin, Uart

__all__ = [
    "COPIED_ROLES",
    "Bank",
    "Board",
    "Clock",
    "Counter",
    "FlashRunner",
    "FlashStream",
    "Link",
    "Pin",
    "Placement",
    "Qemu",
    "Renode",
    "RenodePeripheral",
    "Uart",
    "all_boards",
    "board_named",
    "copying",
    "load_board",
    "placed",
    "simulated_board",
]
