"""Code of others behind mcuq's firmware: counted by the same plugin, run over the same link, held to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mcuq.board import Board, simulated_board
from mcuq.estimate.counting import count_run
from mcuq.estimate.disassembly import disassemble
from mcuq.estimate.timing import cycles
from mcuq.firmware import FIRMWARE_FLAGS, LINK_FLAGS, board_header, firmware_includes, firmware_sources, linker_script
from mcuq.image import board_toolchain
from mcuq.link import Link
from mcuq.paths import FIRMWARE
from mcuq.toolchain import Unit, elf_sizes

Array = npt.NDArray[np.generic]
STACK_BYTES = 16384
"""Nobody bounded the stack of this code; so much is enough, and is counted nowhere."""

GLUE = """#include "mcuq_model.h"
{prologue}
static int8_t input[{input_bytes}U];
static int8_t output[{output_bytes}U];
static const mcuq_buffer given[] = {{{{(uint8_t *)input, {input_bytes}U}}}};
static const mcuq_buffer made[] = {{{{(uint8_t *)output, {output_bytes}U}}}};
const mcuq_model mcuq_models[] = {{{{"foreign", given, made, 1U, 1U, 1U, {arena_bytes}U}}}};
const uint32_t mcuq_model_count = 1U;
uint8_t *const mcuq_arena = (uint8_t *)output;
uint32_t mcuq_layer_ticks[1];
const uint8_t mcuq_build_id[16] = {{0}};
void mcuq_model_reset(uint32_t model)
{{
    (void)model;
}}
int32_t mcuq_model_invoke(uint32_t model)
{{
    (void)model;
    {infer};
    mcuq_profile_layer(0U);
    return 0;
}}
"""


@dataclass(frozen=True)
class ForeignCode:
    """C files that make one inference in the statement ``infer``, from ``input`` to ``output``; ``prologue`` declares
    what that takes. ``objects`` and ``link`` go to the linker as they are.
    """

    sources: tuple[Path, ...]
    includes: tuple[Path, ...]
    flags: tuple[str, ...]
    prologue: str
    infer: str
    arena_bytes: int
    objects: tuple[str, ...] = ()
    link: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Figures:
    """Of one inference: instructions and bytes are counted, cycles estimated. Flash is the whole image."""

    instructions: int
    cycles: int
    arena_bytes: int
    flash_bytes: int
    mismatched_bytes: int
    compared_bytes: int


def build_foreign(code: ForeignCode, board: Board, folder: Path, input_bytes: int, output_bytes: int) -> Path:
    """The ELF, compiled with the flags that mcuq's own builds have."""
    folder.mkdir(parents=True, exist_ok=True)
    glue = GLUE.format(
        prologue=code.prologue,
        infer=code.infer,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        arena_bytes=code.arena_bytes,
    )
    (folder / "glue.c").write_text(glue, encoding="utf-8")
    (folder / "board.h").write_text(board_header(board), encoding="utf-8")
    (folder / "memory.ld").write_text(linker_script(board, STACK_BYTES), encoding="utf-8")
    tools = board_toolchain(board)
    theirs = type(tools)(tools.prefix, (*tools.flags, *code.flags))
    units = [Unit(path.resolve(), f"theirs/{i}_{path.stem}.o", own=False) for i, path in enumerate(code.sources)]
    units.append(Unit(Path("glue.c"), "theirs/glue.o", own=False))
    theirs.compile(units, folder, (FIRMWARE, *(path.resolve() for path in code.includes)))
    firmware = [Unit(path, f"firmware/{path.parent.name}_{path.stem}.o") for path in firmware_sources(board)]
    ours = type(tools)(tools.prefix, (*tools.flags, *FIRMWARE_FLAGS))
    ours.compile(firmware, folder, (Path(), *firmware_includes(board)))
    objects = (*(unit.object for unit in (*firmware, *units)), *code.objects)
    tools.link(objects, "foreign.elf", folder, (*code.link, "-Wl,-T,memory.ld", *LINK_FLAGS))
    return folder / "foreign.elf"


def run_foreign(elf: Path, board: Board, arena_bytes: int, inputs: Array, expected: Array) -> Figures:
    """One inference after another on ``inputs`` (n, ...), the last one counted."""
    program = disassemble(elf)
    wrong = 0

    def run(link: Link) -> None:
        nonlocal wrong
        for sample, wanted in zip(inputs, expected, strict=True):
            answer = link.run([sample.tobytes()]).outputs[0]
            wrong += int((np.frombuffer(answer, np.uint8) != np.frombuffer(wanted.tobytes(), np.uint8)).sum())

    (layer,) = count_run(simulated_board(board), elf, program, 0, 120.0, run)
    return Figures(
        sum(layer.counts.values()),
        cycles(board.core, program, layer.counts),
        arena_bytes,
        elf_sizes(elf).flash_bytes,
        wrong,
        expected.nbytes,
    )
