"""The instructions of an ELF, as binutils prints them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mcuq.toolchain import find_tool, run_tool

_FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; ``mnemonic`` is without width (``.w``) but with condition, ``operands`` as printed."""

    address: int
    mnemonic: str
    operands: str
    function: str

    @property
    def registers(self) -> int:
        """How many registers a register list in the operands holds; 1 without one."""
        listed = re.search(r"\{(.*)\}", self.operands)
        if listed is None:
            return 1
        total = 0
        for part in listed[1].split(","):
            bounds = re.fullmatch(r"\s*[rsdq](\d+)-[rsdq](\d+)\s*", part)
            total += int(bounds[2]) - int(bounds[1]) + 1 if bounds else 1
        return total


@dataclass(frozen=True, slots=True)
class Program:
    """The instructions of an image by address, and the addresses of its functions."""

    instructions: Mapping[int, Instruction]
    functions: Mapping[str, int]


def disassemble(elf: Path) -> Program:
    """All code of ``elf``. Raises ``ToolError`` without binutils, ``RunError`` when they fail."""
    text = run_tool([find_tool("arm-none-eabi-objdump"), "-d", "--no-show-raw-insn", elf.name], elf.parent)
    instructions: dict[int, Instruction] = {}
    functions: dict[str, int] = {}
    function = "?"
    starts = False
    for line in text.splitlines():
        if named := _FUNCTION.match(line):
            function, starts = named[1], True
        elif found := _INSTRUCTION.match(line):
            address = int(found[1], 16)
            if starts:
                functions[function], starts = address, False
            mnemonic = re.sub(r"\.[wn]$", "", found[2])
            operands = re.split(r"\s[;@]", found[3])[0].strip()
            instructions[address] = Instruction(address, mnemonic, operands, function)
    return Program(MappingProxyType(instructions), MappingProxyType(functions))
