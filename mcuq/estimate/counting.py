"""Count every instruction of one inference, and what it loads from flash, layer by layer.

With a QEMU plugin that is compiled when first needed. ``PluginError``: it cannot be had here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mcuq.board import Board, simulated_board
from mcuq.built import Built
from mcuq.codegen.names import model_identifier
from mcuq.errors import RunError, ToolError
from mcuq.estimate.disassembly import Program
from mcuq.link import Link
from mcuq.measure import check_identity
from mcuq.runners.base import Target
from mcuq.runners.qemu import QemuRunner
from mcuq.toolchain import find_tool, run_tool

BEGIN = "mcuq_model_invoke"

Counts = Mapping[int, int]
"""Instruction address → how often it ran."""

_OWN = frozenset(
    (
        *("mcuq_profile_layer", "mcuq_profile_pause", "mcuq_profile_resume"),
        *("mcuq_ticks64", "mcuq_ticks", "mcuq_systick_handler", "dwt_ticks"),
        *("mcuq_input_read", "ask_for_input", "receive", "repeated", "respond", "mcuq_uart_read", "mcuq_uart_write"),
        *("mcuq_frame_decode", "mcuq_frame_send", "mcuq_frame_resend", "decoder_push", "decoder_restart", "crc_update"),
        "mcuq_crc32",
        *("mcuq_load_u32", "mcuq_store_u32"),
    )
)
"""Functions that time the layers, or wait for the model's input, and are no part of them."""


class PluginError(ToolError):
    """The counting plugin cannot be compiled, or this QEMU takes no plugins."""


@dataclass(frozen=True, slots=True)
class LayerCounts:
    """What ran in a layer.

    ``loaded_bytes`` were loaded by instructions from flash (weights, tables, literals); ``fetched_bytes`` had to come
    from the flash itself for them: whole lines where the board has a data cache before it.
    """

    counts: Counts
    loaded_bytes: int
    fetched_bytes: int


def count_layers(
    built: Built, program: Program, inputs: Sequence[npt.NDArray[np.generic]], timeout_s: float
) -> tuple[LayerCounts, ...]:
    """What ran in each layer of an inference on the first sample of ``inputs``.

    Raises ``PluginError`` without a host compiler, ``RunError`` when QEMU does not do what it should.
    """
    machine, image = simulated_board(built.board), built.simulated_image or built.image
    stream = built.board.flash_stream

    def run(link: Link) -> None:
        check_identity(link, built.report.build_id, built.model.name, built.number)
        link.run([array[0].tobytes() for array in inputs])

    begin = f"{model_identifier(built.model.name)}_invoke" if built.model.graph.steps else BEGIN
    layers = count_run(machine, image, program, 0 if stream is None else stream.cache_bytes, timeout_s, run, begin)
    if len(layers) != len(built.parts):
        raise RunError(f"QEMU's plugin saw {len(layers)} parts of layers, the build has {len(built.parts)}")
    return tuple(
        _sum(part for index, part in zip(built.parts, layers, strict=True) if index == layer)
        for layer in range(len(built.report.layers))
    )


def _sum(parts: Iterable[LayerCounts]) -> LayerCounts:
    """A layer that ran in parts."""
    counts: Counter[int] = Counter()
    loaded = fetched = 0
    for part in parts:
        counts.update(part.counts)
        loaded += part.loaded_bytes
        fetched += part.fetched_bytes
    return LayerCounts(counts, loaded, fetched)


def count_run(
    machine: Board,
    image: Path,
    program: Program,
    cache_bytes: int,
    timeout_s: float,
    run: Callable[[Link], None],
    begin: str = BEGIN,
) -> tuple[LayerCounts, ...]:
    """What ran in each layer of the last inference that ``run`` asked ``image`` for, on ``machine`` in QEMU; the
    function ``begin`` begins one."""
    plugin = _plugin()
    flash = machine.bank(machine.placement.code)
    first, mark = (_address(program, name) for name in (begin, "mcuq_profile_layer"))
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        out = Path(folder) / "counts"
        options = (
            f"begin={first:#x},mark={mark:#x},flash={flash.origin:#x},flash_end={flash.end:#x},cache={cache_bytes}"
        )
        runner = QemuRunner(machine, image, count=False, extra=("-plugin", f"{plugin},{options},out={out}"))
        with _started(runner) as target, target.open_link(run_timeout_s=timeout_s) as link:
            run(link)
        layers = _read(out)
    own = {i.address for i in program.instructions.values() if i.function.split(".")[0] in _OWN}
    return tuple(
        dataclasses.replace(layer, counts={address: n for address, n in layer.counts.items() if address not in own})
        for layer in layers
    )


def _started(runner: QemuRunner) -> Target:
    try:
        return runner.start()
    except RunError as error:
        raise PluginError(
            "QEMU did not start with the counting plugin", details=(error.message, *error.details)
        ) from error


def _address(program: Program, function: str) -> int:
    try:
        return program.functions[function]
    except KeyError:
        raise RunError(f"the image has no function {function}", hint="build again") from None


def _read(path: Path) -> list[LayerCounts]:
    """The layers of the last inference in the plugin's output."""
    layers: list[LayerCounts] = []
    current: dict[int, int] = {}
    for line in path.read_text(encoding="ascii").splitlines():
        first, second, third = line.split()
        if first == "end":
            layers.append(LayerCounts(current, int(second), int(third)))
            current = {}
            continue
        if int(first) == 0 and not current:
            layers = []
        current[int(second, 16)] = int(third)
    return layers


def _plugin() -> Path:
    """The compiled plugin, in the user's cache under a name that its source decides."""
    source = resources.files("mcuq.estimate").joinpath("count.c").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcuq"
    goal = cache / f"count-{hashlib.sha256(source).hexdigest()[:16]}.so"
    if goal.is_file():
        return goal
    try:
        gcc = find_tool("gcc")
    except ToolError as error:
        raise PluginError(error.message, hint=error.hint) from error
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plugin-", dir=cache) as folder:
        (Path(folder) / "count.c").write_bytes(source)
        try:
            run_tool([gcc, "-O2", "-shared", "-fPIC", "-Wall", "-Werror", "-o", "count.so", "count.c"], Path(folder))
        except RunError as error:
            raise PluginError("gcc cannot compile the counting plugin", details=error.details) from error
        with contextlib.suppress(FileExistsError):
            (Path(folder) / "count.so").replace(goal)
    return goal
