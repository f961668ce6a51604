"""Count every instruction of one inference, layer by layer, with a QEMU plugin that is compiled when first needed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mcuq.board import simulated_board
from mcuq.built import Built
from mcuq.errors import RunError
from mcuq.estimate.disassembly import Program
from mcuq.measure import check_identity
from mcuq.runners.qemu import QemuRunner
from mcuq.toolchain import find_tool, run_tool

Counts = Mapping[int, int]
"""Instruction address → how often it ran."""

_OWN = frozenset(
    (
        *("mcuq_profile_layer", "mcuq_profile_pause", "mcuq_profile_resume"),
        *("mcuq_ticks64", "mcuq_ticks", "mcuq_systick_handler", "dwt_ticks"),
        *("mcuq_input_read", "ask_for_input", "receive", "repeated", "respond", "mcuq_uart_read", "mcuq_uart_write"),
        *("mcuq_frame_decode", "mcuq_frame_send", "mcuq_frame_resend", "decoder_push", "decoder_restart", "crc_update"),
        *("mcuq_load_u32", "mcuq_store_u32"),
    )
)
"""Functions that time the layers, or wait for the model's input, and are no part of them."""


def count_layers(
    built: Built, program: Program, inputs: Sequence[npt.NDArray[np.generic]], timeout_s: float
) -> tuple[Counts, ...]:
    """What ran in each layer of an inference on the first sample of ``inputs``.

    Raises ``ToolError`` without a host compiler, ``RunError`` when QEMU does not do what it should.
    """
    machine = simulated_board(built.board)
    plugin = _plugin()
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        out = Path(folder) / "counts"
        runner = QemuRunner(machine, built.simulated_image or built.image, count=False)
        begin, mark = (_address(program, name) for name in ("mcuq_model_invoke", "mcuq_profile_layer"))
        runner = dataclasses.replace(runner, plugin=f"{plugin},begin={begin:#x},mark={mark:#x},out={out}")
        with runner.start() as target, target.open_link(run_timeout_s=timeout_s) as link:
            check_identity(link, built.report.build_id, built.model.name)
            link.run([array[0].tobytes() for array in inputs])
        layers = _read(out)
    if len(layers) != len(built.parts):
        raise RunError(f"QEMU's plugin saw {len(layers)} parts of layers, the build has {len(built.parts)}")
    own = {i.address for i in program.instructions.values() if i.function.split(".")[0] in _OWN}
    totals: list[dict[int, int]] = [{} for _ in built.report.layers]
    for index, part in zip(built.parts, layers, strict=True):
        for address, count in part.items():
            if address not in own:
                totals[index][address] = totals[index].get(address, 0) + count
    return tuple(totals)


def _address(program: Program, function: str) -> int:
    try:
        return program.functions[function]
    except KeyError:
        raise RunError(f"the image has no function {function}", hint="build again") from None


def _read(path: Path) -> list[dict[int, int]]:
    """The layers of the last inference in the plugin's output."""
    layers: list[dict[int, int]] = []
    current: dict[int, int] = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line == "end":
            layers.append(current)
            current = {}
            continue
        layer, address, count = line.split()
        if int(layer) == 0 and not current:
            layers = []
        current[int(address, 16)] = int(count)
    return layers


def _plugin() -> Path:
    """The compiled plugin, in the user's cache under a name that its source decides."""
    source = resources.files("mcuq.estimate").joinpath("count.c").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcuq"
    goal = cache / f"count-{hashlib.sha256(source).hexdigest()[:16]}.so"
    if goal.is_file():
        return goal
    gcc = find_tool("gcc")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plugin-", dir=cache) as folder:
        (Path(folder) / "count.c").write_bytes(source)
        run_tool([gcc, "-O2", "-shared", "-fPIC", "-Wall", "-Werror", "-o", "count.so", "count.c"], Path(folder))
        with contextlib.suppress(FileExistsError):
            (Path(folder) / "count.so").replace(goal)
    return goal
