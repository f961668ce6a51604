"""Generated code and firmware into images: ELF, BIN, HEX and map, with their sizes and the bound of their stack.

Works in a folder that already holds the generated C; leaves nothing there but the images and the linker's inputs.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq import stack
from mcuq.board import Board
from mcuq.cmsis_nn import CmsisNN
from mcuq.code_size import code_of, instances_unit
from mcuq.errors import BudgetError
from mcuq.firmware import FIRMWARE_FLAGS, LINK_FLAGS, board_header, firmware_includes, firmware_sources, linker_script
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels.base import CMSIS_NN
from mcuq.paths import FIRMWARE
from mcuq.planner.arena import Plan
from mcuq.planner.choose import CodeOf, LayerOptions
from mcuq.toolchain import RegionOverflowError, Sizes, Toolchain, Unit, elf_sizes
from mcuq.uf2 import segments_of, to_uf2

OPTIMIZE = "-O2"
KERNELS = FIRMWARE / "kernels"
_MODEL_OBJECTS = "obj/model"


@dataclass(frozen=True, slots=True)
class Image:
    """A linked program. ``stack_bytes`` is reserved for it and bounds what it can use, interrupts included."""

    board: Board
    elf: Path
    sizes: Sizes
    stack_bytes: int

    @property
    def ram_bytes(self) -> int:
        return self.sizes.static_ram_bytes + self.stack_bytes


class DoesNotFitError(BudgetError):
    """An image is larger than it may be, by ``flash_excess`` and ``ram_excess`` bytes."""

    def __init__(
        self, message: str, details: tuple[str, ...], hint: str | None, flash_excess: int, ram_excess: int
    ) -> None:
        super().__init__(message, details=details, hint=hint)
        self.flash_excess = flash_excess
        self.ram_excess = ram_excess


@dataclass(frozen=True, slots=True)
class ModelObjects:
    """The models' compiled code, to be linked into the firmware of one or more boards with the same core."""

    objects: tuple[str, ...]
    toolchain: Toolchain


def kernel_units(lowerings: Iterable[tuple[str, Lowering]], cmsis_nn: CmsisNN | None, folder: str) -> tuple[Unit, ...]:
    """The kernel sources that lowerings, each with its kernel library, need: each once."""
    found = tuple(lowerings)
    own = sorted({s for library, lowering in found if library != CMSIS_NN for s in lowering.sources})
    units = [Unit(KERNELS / name, f"{folder}/{Path(name).stem}.o") for name in own]
    names = sorted({s for library, lowering in found if library == CMSIS_NN for s in lowering.sources})
    if names and cmsis_nn is not None:
        units += [Unit(path, f"{folder}/{path.stem}.o", own=False) for path in cmsis_nn.sources(names)]
    return tuple(units)


def compile_kernels(
    surveyed: Sequence[LayerOptions], cmsis_nn: CmsisNN | None, toolchain: Toolchain, folder: Path
) -> CodeOf:
    """Compile the kernels of all options, for ``compile_models`` to take its own from, and count their code."""
    lowerings = [(option.library, option.lowering) for layer in surveyed for option in layer.options]
    units = kernel_units(lowerings, cmsis_nn, _MODEL_OBJECTS)
    instances = instances_unit([lowering for _, lowering in lowerings], folder)
    units += () if instances is None else (instances,)
    toolchain.compile(units, folder, (KERNELS, FIRMWARE), _system(cmsis_nn))
    return code_of(folder / unit.object for unit in units)


def compile_models(
    plans: Iterable[Plan], generated: Sequence[str], cmsis_nn: CmsisNN | None, toolchain: Toolchain, folder: Path
) -> ModelObjects:
    """Compile the generated C files (in ``folder/src``), and the kernels that they call unless that has been done."""
    units = [Unit(Path("src") / name, f"{_MODEL_OBJECTS}/{Path(name).stem}.o") for name in generated]
    steps = [step for plan in plans for step in plan.program.steps]
    kernels = kernel_units(((s.library, s.lowering) for s in steps), cmsis_nn, _MODEL_OBJECTS)
    missing = [unit for unit in kernels if not (folder / unit.object).exists()]
    toolchain.compile([*units, *missing], folder, (KERNELS, FIRMWARE, Path("src")), _system(cmsis_nn))
    return ModelObjects(tuple(unit.object for unit in (*units, *kernels)), toolchain)


def _system(cmsis_nn: CmsisNN | None) -> tuple[Path, ...]:
    return () if cmsis_nn is None else cmsis_nn.includes


def board_toolchain(board: Board) -> Toolchain:
    """gcc for the board's core, with what generated code needs to be timed layer by layer."""
    flags = (*board.core_with_fpu.gcc_flags, OPTIMIZE, "-DMCUQ_PROFILE", *stack.FLAGS)
    return Toolchain("arm-none-eabi-", flags)


def link_image(board: Board, model: ModelObjects, name: str, folder: Path, subfolder: str = ".") -> Image:
    """Compile the board's firmware, bound its stack, and link it with the model into ``folder/subfolder/name.elf``.

    Raises ``DoesNotFitError`` when it does not fit the board's memory.
    """
    where = folder / subfolder
    where.mkdir(parents=True, exist_ok=True)
    (where / "board.h").write_text(board_header(board), encoding="utf-8")
    platform = f"obj/{board.name}"
    # The source's folder is part of the object's name: two folders may have files of one name.
    units = [Unit(source, f"{platform}/{source.parent.name}_{source.stem}.o") for source in firmware_sources(board)]
    firmware = dataclasses.replace(model.toolchain, flags=(*model.toolchain.flags, *FIRMWARE_FLAGS))
    firmware.compile(units, folder, (Path(subfolder), *firmware_includes(board)))
    objects = (*(unit.object for unit in units), *model.objects)
    stack_bytes = stack_bound([folder / name for name in objects])
    (where / "memory.ld").write_text(linker_script(board, stack_bytes), encoding="utf-8")
    output = f"{subfolder}/{name}.elf"
    extra = (f"-Wl,-T,{subfolder}/memory.ld", f"-Wl,-Map={subfolder}/{name}.map", *LINK_FLAGS)
    try:
        model.toolchain.link(objects, output, folder, extra)
    except RegionOverflowError as overflow:
        raise _does_not_fit(board, overflow) from overflow
    model.toolchain.objcopy(output, {"binary": f"{subfolder}/{name}.bin", "ihex": f"{subfolder}/{name}.hex"}, folder)
    if board.uf2_family is not None:
        uf2 = to_uf2(segments_of(folder / output), board.uf2_family)
        (where / f"{name}.uf2").write_bytes(uf2)
    return Image(board, folder / output, elf_sizes(folder / output), stack_bytes)


def stack_bound(objects: Sequence[Path]) -> int:
    """Bytes of stack that the linked ``objects`` can use at most.

    The deepest calls from start-up with the counter's interrupt on top; a fault report begins the stack anew.
    """
    graph = stack.read_call_graph(path.with_suffix(".ci") for path in objects)
    deepest = max(graph.depth("mcuq_start") + EXCEPTION_FRAME_BYTES, graph.depth("mcuq_fault_stop"))
    return -(-deepest // 8) * 8


EXCEPTION_FRAME_BYTES = 112
"""Pushed by the core on an interrupt: 26 words with floating-point state, and up to 8 bytes to align.

The SysTick handler, the only one, uses no stack of its own (firmware/platform/counter/dwt_systick.c)."""


def _does_not_fit(board: Board, overflow: RegionOverflowError) -> DoesNotFitError:
    lines = []
    excess = {"flash": 0, "ram": 0}
    for region, bytes_over in overflow.overflows:
        bank = board.bank(region.removeprefix("bank_"))
        excess[bank.kind] += bytes_over
        lines.append(
            f"{bank.kind} {bank.name!r}: needs {bank.size + bytes_over:,} B, the board has {bank.size:,} B "
            f"({bytes_over:,} B too many)"
        )
    hint = "`mcuq boards` lists larger ones"
    return DoesNotFitError(f"the model does not fit {board.name}", tuple(lines), hint, excess["flash"], excess["ram"])


def remove_objects(folder: Path) -> None:
    """Drop the object files, which nothing needs after linking."""
    shutil.rmtree(folder / "obj", ignore_errors=True)
