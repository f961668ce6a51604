"""Counted instructions and core timings into an estimate of one inference, held to published results."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from mcuq.board import FlashStream
from mcuq.built import Built
from mcuq.errors import ToolError
from mcuq.estimate.counting import LayerCounts, PluginError, count_layers
from mcuq.estimate.disassembly import Program, disassemble
from mcuq.estimate.published import ErrorBar, error_bar, typical
from mcuq.estimate.timing import cycles
from mcuq.host_run import run_host
from mcuq.kernels.work import multiply_accumulates
from mcuq.model import Progress
from mcuq.simulate import SimulationOptions, random_data, simulate

_MULTIPLYING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
BY_ADDRESS = "core timings for each counted instruction"
BY_OPERATOR = "typical cycles per counted instruction, by operator"


@dataclass(frozen=True, slots=True)
class LayerEstimate:
    """One layer: instructions and bytes are counted, cycles estimated. ``macs`` is 0 without weights.

    ``flash_bytes`` had to come from flash (None: not counted) and took ``flash_cycles`` of the cycles.
    """

    name: str
    op: str
    kernel: str
    instructions: int
    cycles: int
    macs: int
    flash_bytes: int | None
    flash_cycles: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """One inference on ``core`` at ``core_hz``. ``error`` is None when no published result of the core is known."""

    model: str
    board: str
    core: str
    core_hz: int
    method: str
    flash_stream: FlashStream | None
    error: ErrorBar | None
    notes: tuple[str, ...]
    layers: tuple[LayerEstimate, ...]

    @property
    def instructions(self) -> int:
        return sum(layer.instructions for layer in self.layers)

    @property
    def cycles(self) -> int:
        return sum(layer.cycles for layer in self.layers)

    @property
    def flash_bytes(self) -> int:
        return sum(layer.flash_bytes or 0 for layer in self.layers)

    @property
    def flash_cycles(self) -> int:
        return sum(layer.flash_cycles for layer in self.layers)

    @property
    def seconds(self) -> float:
        return self.cycles / self.core_hz

    def as_dict(self) -> dict[str, Any]:
        """For JSON: every total with its kind, estimated ones with their error."""
        counted = self.method == BY_ADDRESS
        return {
            "schema_version": 2,
            "model": self.model,
            "board": self.board,
            "core": self.core,
            "core_hz": self.core_hz,
            "method": self.method,
            "instructions": {"kind": "counted", "value": self.instructions},
            "flash_bytes": {
                "kind": "counted" if counted else "unknown",
                "value": self.flash_bytes if counted else None,
            },
            "flash_cycles": {
                "kind": "unknown" if self.flash_stream is None or not counted else "estimated",
                "value": self.flash_cycles if self.flash_stream is not None and counted else None,
                "cycles_per_byte": None if self.flash_stream is None else self.flash_stream.cycles_per_byte,
            },
            "cycles": {"kind": "estimated", "value": self.cycles, "error": self._error()},
            "seconds": {"kind": "estimated", "value": self.seconds, "error": self._error()},
            "notes": list(self.notes),
            "layers": [dataclasses.asdict(layer) for layer in self.layers],
        }

    def _error(self) -> dict[str, Any]:
        if self.error is None:
            return {"kind": "unknown"}
        return {"kind": "published results of boards", **dataclasses.asdict(self.error)}


def estimate(built: Built, timeout_s: float, progress: Progress) -> Estimate:
    """Estimate ``built`` on its board, as well as the tools that are here allow.

    Raises ``ToolError`` or ``RunError`` when nothing can be counted.
    """
    try:
        program = disassemble(built.simulated_image or built.image)
        runs = run_host(built.model, random_data(built).head(1), progress, comparable=False)
        progress("counting in QEMU", 0, 1)
        counts = count_layers(built, program, runs.inputs, timeout_s)
        progress("counting in QEMU", 1, 1)
    except PluginError as error:
        return _by_operator(built, timeout_s, progress, error)
    return _by_address(built, program, counts)


def _by_address(built: Built, program: Program, counts: tuple[LayerCounts, ...]) -> Estimate:
    core, stream = built.board.core, built.board.flash_stream
    layers = []
    for reported, macs, counted in zip(built.report.layers, _macs(built), counts, strict=True):
        flash_cycles = 0 if stream is None else round(stream.cycles_per_byte * counted.fetched_bytes)
        layers.append(
            LayerEstimate(
                reported.name,
                reported.op,
                reported.kernel,
                sum(counted.counts.values()),
                cycles(core, program, counted.counts) + flash_cycles,
                macs,
                counted.fetched_bytes,
                flash_cycles,
            )
        )
    return _estimate(built, BY_ADDRESS, error_bar(core), (), tuple(layers))


def _by_operator(built: Built, timeout_s: float, progress: Progress, reason: ToolError) -> Estimate:
    """Without the plugin: the firmware's own count of each layer, times what its operator's instructions take."""
    core = built.board.core
    report = simulate(built, None, SimulationOptions(timeout_s, limit=1), progress)
    layers = []
    least = most = 0.0
    for layer, macs in zip(report.layers, _macs(built), strict=True):
        ratio, instructions = typical(core, layer.op), layer.instructions or 0
        spent = round(instructions * ratio.cycles_per_instruction)
        least, most = least + instructions * ratio.least, most + instructions * ratio.most
        layers.append(LayerEstimate(layer.name, layer.op, layer.kernel, instructions, spent, macs, None, 0))
    total = sum(layer.cycles for layer in layers) or 1
    known = error_bar(core)
    note = f"{reason.message}, so cycles are typical ones by operator, and rougher"
    hint = () if reason.hint is None else (f"for an estimate by instruction: {reason.hint}",)
    error = None if known is None else known.widened(least / total, most / total)
    return _estimate(built, BY_OPERATOR, error, (note, *hint), tuple(layers))


def _estimate(
    built: Built, method: str, error: ErrorBar | None, notes: tuple[str, ...], layers: tuple[LayerEstimate, ...]
) -> Estimate:
    board = built.board
    return Estimate(
        built.model.name, board.name, board.core, board.clock.hz, method, board.flash_stream, error, notes, layers
    )


def _macs(built: Built) -> list[int]:
    return [multiply_accumulates(one) if one.op in _MULTIPLYING else 0 for one in built.model.graph.layers()]
