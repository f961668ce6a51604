"""Builds the firmware with the echo model, for a board or for the host, with the compilers themselves."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from mcuq.board import Board
from mcuq.firmware import (
    FIRMWARE_FLAGS,
    LINK_FLAGS,
    board_header,
    firmware_includes,
    firmware_sources,
    host_includes,
    host_sources,
    linker_script,
)

HERE = Path(__file__).parent
ECHO_MODEL = HERE / "echo_model.c"
FED_MODEL = HERE / "fed_model.c"
STACK_BYTES = 2048
STRICT = (
    *("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wcast-qual", "-Wcast-align"),
    *("-Wmissing-prototypes", "-Wstrict-prototypes", "-Werror"),
)
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def run(command: Sequence[str | Path]) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build_for_board(
    board: Board, folder: Path, *, flags: tuple[str, ...] = ("-O2", "-DMCUQ_PROFILE"), model: Path = ECHO_MODEL
) -> tuple[Path, list[Path]]:
    """The ELF and the objects of the firmware's own files."""
    (folder / "board.h").write_text(board_header(board))
    (folder / "memory.ld").write_text(linker_script(board, STACK_BYTES))
    gcc = ["arm-none-eabi-gcc", *board.core_with_fpu.gcc_flags, *flags, *STRICT, "-ffunction-sections"]
    includes = [f"-I{path}" for path in (folder, *firmware_includes(board))]
    objects = []
    for source in (*firmware_sources(board), model):
        objects.append(folder / f"{source.stem}.o")
        run([*gcc, *FIRMWARE_FLAGS, *includes, "-c", source, "-o", objects[-1]])
    elf = folder / "firmware.elf"
    run([*gcc, f"-T{folder / 'memory.ld'}", "-Wl,--gc-sections", *objects, *LINK_FLAGS, "-o", elf])
    return elf, objects[:-1]


def build_for_host(folder: Path, flags: tuple[str, ...] = SANITIZERS, model: Path = ECHO_MODEL) -> Path:
    program = folder / "firmware"
    includes = [f"-I{path}" for path in host_includes()]
    run(["gcc", "-O1", "-g", *STRICT, *flags, *includes, "-DMCUQ_PROFILE", *host_sources(), model, "-o", program])
    return program
