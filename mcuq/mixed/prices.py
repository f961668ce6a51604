"""What layers take in flash and cycles with each scheme: the same model, its weights rounded to one scheme after the
other, is lowered with every kernel. Constants are counted, as packed; code is counted for a board, where a compiler is,
or else estimated.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mcuq.check import BESIDE_BYTES, FIRMWARE_CODE_BYTES, LAYER_CODE_BYTES, STACK_BYTES
from mcuq.code_estimate import code_estimates
from mcuq.errors import ToolError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.image import board_toolchain, compile_kernels
from mcuq.mixed.machine import Machine
from mcuq.passes import run_passes
from mcuq.planner.choose import Budget, CodeOf, Cost, LayerOptions, Optimize, choose, survey
from mcuq.toolchain import find_tool

COUNTED, ESTIMATED = "counted", "estimated"


class Prices:
    """``surveys``: by scheme, the options of all layers of the model with all weights in that scheme. ``code_kind``
    says how sizes of code were got.
    """

    def __init__(self, machine: Machine, surveys: Mapping[str, Sequence[LayerOptions]], usual: str) -> None:
        self._machine, self._usual = machine, usual
        self._by_scheme = {scheme: {one.layer.name: one for one in surveyed} for scheme, surveyed in surveys.items()}
        every = [one for surveyed in surveys.values() for one in surveyed]
        self.code_kind, self._code_of = _code(machine, every)

    def constants(self, layer: str, scheme: str) -> int:
        """Bytes of the layer's constants where they are fewest."""
        return min(option.lowering.constant_bytes for option in self._options(layer, scheme).options)

    def size(self, layer: str, scheme: str, cycle_bytes: float) -> float:
        """The least that the layer's constants and its cycles, each worth ``cycle_bytes``, come to; 0 for a layer that
        passes have done away with.
        """
        if layer not in self._by_scheme[self._usual]:
            return 0.0
        options = self._options(layer, scheme).options
        return min(option.lowering.constant_bytes + cycle_bytes * option.cycles for option in options)

    def all_constants(self, schemes: Mapping[str, str]) -> int:
        """Bytes of the constants of the whole model where they are fewest, with these ``schemes`` by layer."""
        return sum(self.constants(name, schemes.get(name, self._usual)) for name in self._by_scheme[self._usual])

    def cost(self, schemes: Mapping[str, str]) -> Cost:
        """What the model takes with the kernels that a build would choose: flash and RAM of the whole image."""
        goals, beside = self._machine.goals, self._beside()
        budget = Budget(
            None if goals.flash_bytes is None else goals.flash_bytes - beside.flash_bytes,
            None if goals.ram_bytes is None else goals.ram_bytes - beside.ram_bytes,
        )
        optimize = goals.optimize if self._machine.cycles is None else Optimize.SPEED
        layers = [self._options(name, schemes.get(name, self._usual)) for name in self._by_scheme[self._usual]]
        found = choose(layers, optimize, budget, self._code_of)[1]
        return Cost(found.cycles, found.flash_bytes + beside.flash_bytes, found.ram_bytes + beside.ram_bytes)

    def fits(self, cost: Cost) -> bool:
        """Is ``cost`` within all limits?"""
        goals, cycles = self._machine.goals, self._machine.cycles
        limits = ((cost.flash_bytes, goals.flash_bytes), (cost.ram_bytes, goals.ram_bytes), (cost.cycles, cycles))
        return all(limit is None or size <= limit for size, limit in limits)

    def _options(self, layer: str, scheme: str) -> LayerOptions:
        """A layer that passes have made another thing of under a scheme is taken as it usually is."""
        found = self._by_scheme.get(scheme, {}).get(layer)
        return self._by_scheme[self._usual][layer] if found is None else found

    def _beside(self) -> Cost:
        """Firmware, calls and stack, estimated."""
        board = self._machine.board
        frames = 0 if board is None else 2 * board.link.payload_bytes
        calls = LAYER_CODE_BYTES * len(self._by_scheme[self._usual])
        return Cost(0, FIRMWARE_CODE_BYTES + calls, STACK_BYTES + BESIDE_BYTES + frames)


def surveyed(tflite: bytes, machine: Machine) -> tuple[LayerOptions, ...]:
    """Every kernel for every layer of an int8 model."""
    return survey(run_passes(bind(read_tflite(tflite, "the model"))), machine.target, machine.goals.policy)


def _code(machine: Machine, layers: Sequence[LayerOptions]) -> tuple[str, CodeOf]:
    try:
        find_tool("arm-none-eabi-gcc")
    except ToolError:
        return ESTIMATED, code_estimates(machine.cmsis_nn)
    if machine.board is None:
        return ESTIMATED, code_estimates(machine.cmsis_nn)
    with tempfile.TemporaryDirectory(prefix="mcuq-") as folder:
        return COUNTED, compile_kernels(layers, machine.cmsis_nn, board_toolchain(machine.board), Path(folder))
