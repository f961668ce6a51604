"""What layers take in flash and cycles with each scheme: the same model, its weights rounded to one scheme after the
other, is lowered with every kernel. Constants are counted, as packed; code is counted for a board, where a compiler is,
or else estimated.
"""

from __future__ import annotations

import copy
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
from mcuq.planner.choose import Budget, CodeOf, Cost, LayerOptions, Optimize, Option, choose, survey
from mcuq.toolchain import find_tool

WORTH = 2.0**-8
"""Bytes of flash that a cycle is worth, where a layer is looked at alone: about what ``balanced`` makes of it."""

FIRMWARE_BYTES = 3_600
"""Of an image, where layers' code is counted: of the smallest. A build that misses its budget tells how much more."""

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

    def on(self, machine: Machine) -> Prices:
        """The same for other budgets."""
        found = copy.copy(self)
        found._machine = machine
        return found

    def size(self, layer: str, scheme: str, cycle_bytes: float) -> float:
        """Bytes of the layer's constants, and its cycles, each worth ``cycle_bytes``; 0 for a layer that passes have
        done away with.
        """
        if layer not in self._by_scheme[self._usual]:
            return 0.0
        picked = self._picked(layer, scheme, cycle_bytes or WORTH)
        return picked.lowering.constant_bytes + cycle_bytes * picked.cycles

    def all_constants(self, schemes: Mapping[str, str]) -> int:
        """Bytes of the constants of the whole model, with these ``schemes`` by layer."""
        return sum(option.lowering.constant_bytes for option in self._all(schemes))

    def cost(self, schemes: Mapping[str, str]) -> Cost:
        """What the whole image takes: within budgets with the kernels that a build would choose, else with those that
        are worth their bytes.
        """
        found, beside = self._chosen(schemes) if self._machine.budgets else self._near(schemes), self._beside()
        return Cost(found.cycles, found.flash_bytes + beside.flash_bytes, found.ram_bytes + beside.ram_bytes)

    def _chosen(self, schemes: Mapping[str, str]) -> Cost:
        """The quickest kernels that fit, or what comes nearest: layers share code."""
        goals, beside = self._machine.goals, self._beside()
        budget = Budget(
            None if goals.flash_bytes is None else goals.flash_bytes - beside.flash_bytes,
            None if goals.ram_bytes is None else goals.ram_bytes - beside.ram_bytes,
        )
        layers = [self._options(name, schemes.get(name, self._usual)) for name in self._by_scheme[self._usual]]
        return choose(layers, Optimize.SPEED, budget, self._code_of)[1]

    def _near(self, schemes: Mapping[str, str]) -> Cost:
        picked = self._all(schemes)
        pieces = {piece for option in picked for piece in self._code_of(option.lowering)}
        constants = sum(option.lowering.constant_bytes for option in picked)
        return Cost(
            sum(option.cycles for option in picked),
            constants + sum(piece.bytes for piece in pieces),
            max((option.ram_bytes for option in picked), default=0),
        )

    def _all(self, schemes: Mapping[str, str]) -> list[Option]:
        layers = self._by_scheme[self._usual]
        return [self._picked(name, schemes.get(name, self._usual), WORTH) for name in layers]

    def _picked(self, layer: str, scheme: str, cycle_bytes: float) -> Option:
        """The kernel with the fewest bytes and cycles, each worth ``cycle_bytes``."""
        options = self._options(layer, scheme).options
        return min(options, key=lambda option: option.lowering.constant_bytes + cycle_bytes * option.cycles)

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
        """Firmware and stack, estimated, and calls where layers are not counted with theirs."""
        board = self._machine.board
        frames = 0 if board is None else 2 * board.link.payload_bytes
        calls = LAYER_CODE_BYTES * len(self._by_scheme[self._usual])
        code = FIRMWARE_BYTES if self.code_kind == COUNTED else FIRMWARE_CODE_BYTES + calls
        return Cost(0, code, STACK_BYTES + BESIDE_BYTES + frames)


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
