"""Where the things in an ELF file lie, for tests that change them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile


def contents(elf: Path) -> Mapping[str, tuple[int, int]]:
    """By symbol: where in the file its bytes begin, and how many there are. Only what is loaded has any."""
    found: dict[str, tuple[int, int]] = {}
    with elf.open("rb") as file:
        parsed = ELFFile(file)
        sections = [
            s for s in parsed.iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_ALLOC and s["sh_type"] != "SHT_NOBITS"
        ]
        for symbol in parsed.get_section_by_name(".symtab").iter_symbols():
            address = symbol["st_value"] & ~1 if symbol["st_info"]["type"] == "STT_FUNC" else symbol["st_value"]
            for section in sections:
                at = address - section["sh_addr"]
                if symbol["st_size"] and 0 <= at < section["sh_size"]:
                    found[symbol.name] = (section["sh_offset"] + at, symbol["st_size"])
    return found
