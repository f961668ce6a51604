"""gcc for Cortex-M and for the host: compile, link, convert, and read sizes. The only module that runs compilers.

Everything runs in the build folder with relative names, and absolute paths are mapped away, so that the same input
gives the same bytes in any folder.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from mcuq.errors import RunError, ToolError
from mcuq.processes import Finished, run_all

WARNINGS = (
    "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wcast-qual", "-Wcast-align",
    "-Wmissing-prototypes", "-Wstrict-prototypes", "-Werror",
)  # fmt: skip
"""What generated code, firmware and kernels are clean under. Code of others is compiled without."""

COMMON = ("-std=c11", "-ffunction-sections", "-fdata-sections", "-fno-common", "-ffp-contract=off", "-fno-math-errno")
"""Of real numbers, each operation rounds once; a square root is the FPU's instruction where there is one."""
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")


@dataclass(frozen=True, slots=True)
class Unit:
    """One C file to compile. ``own`` code is held to ``WARNINGS``."""

    source: Path
    object: str
    own: bool = True


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes by where they lie. Flash holds code, constants and the initial values of data; RAM data and zeros."""

    flash_bytes: int
    data_bytes: int
    bss_bytes: int

    @property
    def static_ram_bytes(self) -> int:
        return self.data_bytes + self.bss_bytes


class RegionOverflowError(Exception):
    """The image does not fit a memory region; ``overflows`` are (region name, bytes too many)."""

    def __init__(self, overflows: Sequence[tuple[str, int]]) -> None:
        super().__init__(overflows)
        self.overflows = tuple(overflows)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A gcc with the flags of one target. ``prefix`` is ``arm-none-eabi-``, or empty for the host's own."""

    prefix: str
    flags: tuple[str, ...]

    @property
    def gcc(self) -> str:
        return find_tool(f"{self.prefix}gcc")

    def compile_command(self, unit: Unit, includes: Sequence[Path], system: Sequence[Path]) -> list[str]:
        """The command line, pure. Objects are named relative to the folder it runs in."""
        command = [f"{self.prefix}gcc", *self.flags, *COMMON, *(WARNINGS if unit.own else ("-w",))]
        command += [f"-I{path}" for path in includes] + [f"-isystem{path}" for path in system]
        return [*command, "-c", str(unit.source), "-o", unit.object]

    def compile(
        self, units: Sequence[Unit], folder: Path, includes: Sequence[Path], system: Sequence[Path] = ()
    ) -> None:
        """Compile all ``units`` inside ``folder``, two and more at a time. Raises ``RunError`` with gcc's words."""
        gcc = self.gcc
        mapped = path_maps(folder, (*includes, *system, *(unit.source.parent for unit in units)))
        commands = []
        for unit in units:
            (folder / unit.object).parent.mkdir(parents=True, exist_ok=True)
            command = self.compile_command(unit, includes, system)
            commands.append([gcc, *mapped, *command[1:]])
        run_tools(commands, folder)

    def link(self, objects: Sequence[str], output: str, folder: Path, extra: Sequence[str]) -> None:
        """Link ``objects`` (relative to ``folder``) into ``output``. ``RegionOverflowError``: it does not fit."""
        command = [self.gcc, *self.flags, *objects, *extra, "-Wl,--gc-sections", "-o", output]
        (finished,) = run_all([command], folder)
        if finished.code == 0:
            return
        if overflows := _OVERFLOW.findall(finished.errors):
            raise RegionOverflowError([(region, int(count)) for region, count in overflows])
        raise _failed(finished)

    def objcopy(self, source: str, outputs: Mapping[str, str], folder: Path) -> None:
        """Convert an ELF: ``outputs`` are files by their form, ``binary`` or ``ihex``."""
        tool = find_tool(f"{self.prefix}objcopy")
        run_tools([[tool, "-O", form, source, output] for form, output in outputs.items()], folder)


_PACKAGES = {
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "arm-none-eabi-objcopy": "binutils-arm-none-eabi",
    "gcc": "gcc libc6-dev",
    "qemu-system-arm": "qemu-system-arm",
}


_ELSEWHERE = {
    "renode": "unpack a portable Renode, 1.16 or later, from https://github.com/renode/renode/releases; put it on PATH"
}
"""Tools that Debian and Ubuntu do not package."""


def install_hint(tool: str) -> str:
    """How to get ``tool`` on Debian and Ubuntu."""
    if tool in _ELSEWHERE:
        return _ELSEWHERE[tool]
    return f"sudo apt-get install {_PACKAGES.get(tool, tool)}"


def find_tool(name: str) -> str:
    """The path of an outside tool. Raises ``ToolError`` with the command that installs it."""
    path = shutil.which(name)
    if path is None:
        raise ToolError(f"{name} was not found", hint=install_hint(name))
    return path


def path_maps(folder: Path, paths: Iterable[Path]) -> list[str]:
    """Flags that keep the build folder's and the source folders' absolute names out of the objects."""
    absolute = sorted({path.resolve() for path in paths if path.is_absolute()})
    maps = [f"-ffile-prefix-map={path}=/{path.name}" for path in absolute]
    return [*maps, f"-ffile-prefix-map={folder.resolve()}=."]


def run_tool(command: Sequence[str], folder: Path) -> str:
    """Standard output of a tool that must succeed. Raises ``RunError`` with its last words."""
    return run_tools([command], folder)[0].output


def run_tools(commands: Sequence[Sequence[str]], folder: Path) -> tuple[Finished, ...]:
    """Run tools that must succeed, several at a time. Raises ``RunError`` with the words of one that does not."""
    finished = run_all(commands, folder)
    if finished and finished[-1].code != 0:
        raise _failed(finished[-1])
    return finished


def _failed(finished: Finished) -> RunError:
    words = finished.errors.strip().splitlines() or finished.output.strip().splitlines()
    how = f"was ended by signal {-finished.code}" if finished.code < 0 else f"failed with exit code {finished.code}"
    return RunError(
        f"{Path(finished.command[0]).name} {how}", details=tuple(words[:20]), hint="`-v` prints the command"
    )


def elf_sizes(elf: Path, stack_section: str = ".stack") -> Sizes:
    """Sizes from the section headers of ``elf``; the section that reserves the stack is left out.

    What lies elsewhere than it is loaded is data, be it variables, tables or code: start-up copies it to RAM.
    """
    flash = data = bss = 0
    try:
        with elf.open("rb") as file:
            parsed = ELFFile(file)
            copied = [
                segment for segment in parsed.iter_segments("PT_LOAD") if segment["p_vaddr"] != segment["p_paddr"]
            ]
            for section in parsed.iter_sections():
                if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC or section.name == stack_section:
                    continue
                size = int(section["sh_size"])
                if section["sh_type"] == "SHT_NOBITS":
                    bss += size
                    continue
                flash += size
                if any(segment.section_in_segment(section) for segment in copied):
                    data += size
    except (ELFError, OSError) as error:
        raise RunError(f"{elf.name} cannot be read as an ELF file: {error}") from error
    return Sizes(flash, data, bss)
