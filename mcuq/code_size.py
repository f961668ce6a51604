"""How much code the calls of a lowering bring into an image, counted: kernels are compiled as they will be for the
board, and what a linker would keep of them is followed from section to section. libgcc's share is not counted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from mcuq.ir.kernel_call import Lowering
from mcuq.planner.call_size import calling_bytes, shared_name, struct_bytes, structs_of
from mcuq.planner.choose import CodeOf, Piece
from mcuq.toolchain import Unit

CHECK = "mcuq_is_whole"
"""What code of a model with coded weights calls."""

INSTANCES = "obj/instances"
"""Where the functions that lowerings define with macros are compiled, for their size only."""


@dataclass(frozen=True, slots=True)
class Sections:
    """Pieces of code, which of them each piece refers to, and the one that each function lies in."""

    references: Mapping[Piece, frozenset[Piece]]
    functions: Mapping[str, Piece]

    def reachable(self, functions: Iterable[str]) -> frozenset[Piece]:
        """All pieces that a call of ``functions`` can need; unknown functions are not counted."""
        found: set[Piece] = set()
        waiting = [self.functions[name] for name in functions if name in self.functions]
        while waiting:
            piece = waiting.pop()
            if piece not in found:
                found.add(piece)
                waiting.extend(self.references[piece])
        return frozenset(found)


def instances_unit(lowerings: Sequence[Lowering], folder: Path) -> Unit | None:
    """A C file, written to ``folder``, with every function that the lowerings' definitions make, if there are any."""
    specialised = [lowering for lowering in lowerings if lowering.definitions]
    if not specialised:
        return None
    headers = sorted({call.header for lowering in specialised for call in lowering.calls})
    functions = sorted({call.function for lowering in specialised for call in lowering.calls})
    lines = [f'#include "{header}"' for header in headers]
    lines += sorted({definition for lowering in specialised for definition in lowering.definitions})
    # The compiler drops static functions that nobody refers to.
    lines += ["extern const void *const instances[];", "const void *const instances[] = {"]
    lines += [f"    (const void *){function}," for function in functions] + ["};"]
    source = folder / f"{INSTANCES}.c"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Unit(Path(f"{INSTANCES}.c"), f"{INSTANCES}.o", own=False)


def code_of(objects: Iterable[Path]) -> CodeOf:
    """Count the code of lowerings whose kernels and instances are compiled (``objects``), and what calling takes."""
    sections = read_sections(objects)

    found: dict[int, tuple[Lowering, frozenset[Piece]]] = {}  # by identity; the lowering is kept, so that it stays one

    @functools.cache
    def kernels(functions: frozenset[str]) -> frozenset[Piece]:
        return sections.reachable(functions)

    def pieces(lowering: Lowering) -> frozenset[Piece]:
        if id(lowering) not in found:
            functions = {call.function for call in lowering.calls}
            checks = {CHECK} if any(constant.coded for constant in lowering.constants) else set()
            code = kernels(frozenset(functions | checks))
            found[id(lowering)] = lowering, code | set(calling(lowering, len(found)))
        return found[id(lowering)][1]

    return pieces


def calling(lowering: Lowering, number: int) -> Iterator[Piece]:
    """What calling takes beside kernels: structs, which layers that have them alike share, and the calls' own code."""
    for place, struct in enumerate(structs_of(lowering)):
        yield Piece(shared_name(struct) or f"struct {place} of lowering {number}", struct_bytes(struct))
    yield Piece(f"calls of lowering {number}", calling_bytes(lowering))


def read_sections(objects: Iterable[Path]) -> Sections:
    """The sections of object files that were compiled with a section for each function."""
    pieces: list[Piece] = []
    functions: dict[str, Piece] = {}
    links: list[tuple[Piece, Piece | str]] = []
    for path in objects:
        with path.open("rb") as file:
            elf = ELFFile(file)
            own = {
                index: Piece(f"{path.name}:{section.name}", int(section["sh_size"]))
                for index, section in enumerate(elf.iter_sections())
                if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_type"] == "SHT_PROGBITS"
            }
            pieces += own.values()
            symbols = elf.get_section_by_name(".symtab")
            assert isinstance(symbols, SymbolTableSection)
            for symbol in symbols.iter_symbols():
                if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] in own:
                    functions.setdefault(symbol.name, own[symbol["st_shndx"]])
            for section in elf.iter_sections():
                if not isinstance(section, RelocationSection) or section["sh_info"] not in own:
                    continue
                source = own[section["sh_info"]]
                for relocation in section.iter_relocations():
                    symbol = symbols.get_symbol(relocation["r_info_sym"])
                    goal = own.get(symbol["st_shndx"], symbol.name)
                    links.append((source, goal))
    references: dict[Piece, set[Piece]] = {piece: set() for piece in pieces}
    for source, goal in links:
        target = functions.get(goal) if isinstance(goal, str) else goal
        if target is not None:
            references[source].add(target)
    return Sections({piece: frozenset(goals) for piece, goals in references.items()}, functions)
