"""Counted instructions and core timings into an estimate of one inference."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from mcuq.built import Built
from mcuq.estimate.counting import count_layers
from mcuq.estimate.disassembly import disassemble
from mcuq.estimate.timing import cycles
from mcuq.host_run import run_host
from mcuq.kernels.work import multiply_accumulates
from mcuq.model import Progress
from mcuq.simulate import random_data

_MULTIPLYING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True, slots=True)
class LayerEstimate:
    """One layer: instructions are counted, cycles estimated. ``macs`` is 0 for layers that multiply by no weights."""

    name: str
    op: str
    kernel: str
    instructions: int
    cycles: int
    macs: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """One inference on ``core`` at ``core_hz``."""

    model: str
    board: str
    core: str
    core_hz: int
    layers: tuple[LayerEstimate, ...]

    @property
    def instructions(self) -> int:
        return sum(layer.instructions for layer in self.layers)

    @property
    def cycles(self) -> int:
        return sum(layer.cycles for layer in self.layers)

    @property
    def seconds(self) -> float:
        return self.cycles / self.core_hz

    def as_dict(self) -> dict[str, Any]:
        return {
            "schema_version": 1,
            **dataclasses.asdict(self),
            "instructions": {"kind": "counted", "value": self.instructions},
            "cycles": {"kind": "estimated", "value": self.cycles, "error": "unknown"},
            "seconds": {"kind": "estimated", "value": self.seconds, "error": "unknown"},
        }


def estimate(built: Built, timeout_s: float, progress: Progress) -> Estimate:
    """Estimate ``built`` on its board. Raises ``ToolError`` or ``RunError`` when counting fails."""
    elf = built.simulated_image or built.image
    program = disassemble(elf)
    runs = run_host(built.model, random_data(built).head(1), progress)
    progress("counting in QEMU", 0, 1)
    counts = count_layers(built, program, runs.inputs, timeout_s)
    progress("counting in QEMU", 1, 1)
    core = built.board.core
    layers = zip(built.report.layers, built.model.graph.layers(), counts, strict=True)
    return Estimate(
        built.model.name,
        built.board.name,
        core,
        built.board.clock.hz,
        tuple(
            LayerEstimate(
                reported.name,
                reported.op,
                reported.kernel,
                sum(counted.values()),
                cycles(core, program, counted),
                multiply_accumulates(layer) if layer.op in _MULTIPLYING else 0,
            )
            for reported, layer, counted in layers
        ),
    )
