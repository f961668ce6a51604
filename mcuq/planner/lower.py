"""Lowering: choose a kernel for each layer and make its calls. No memory is laid out here."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mcuq.errors import UnsupportedError
from mcuq.ir import Graph, Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels import kernels_for
from mcuq.kernels.base import CMSIS_NN, MCUQ, Target
from mcuq.ops import operators


class KernelPolicy(enum.Enum):
    """Which kernels may run layers. AUTO prefers CMSIS-NN where it is found and exact."""

    AUTO = "auto"
    CMSIS_NN = "cmsis-nn"
    MCUQ = "mcuq"

    @property
    def libraries(self) -> tuple[str, ...]:
        """Kernel libraries, best first. mcuq's own kernels run what the others refuse."""
        return (MCUQ,) if self is KernelPolicy.MCUQ else (CMSIS_NN, MCUQ)


@dataclass(frozen=True, slots=True)
class Step:
    """One layer with the kernel chosen for it. ``refusals`` say why better-liked kernels do not run it.

    ``kernel`` is "alias" where the output is the input's bytes and nothing runs.
    """

    layer: Layer
    kernel: str
    library: str
    lowering: Lowering
    refusals: tuple[str, ...] = ()

    @property
    def aliases(self) -> bool:
        return not self.lowering.calls


@dataclass(frozen=True, slots=True)
class Program:
    """A graph whose every layer has a kernel, in execution order."""

    graph: Graph
    target: Target
    steps: tuple[Step, ...]


def lower(graph: Graph, target: Target, policy: KernelPolicy = KernelPolicy.AUTO) -> Program:
    """Raises ``UnsupportedError`` when a layer has no kernel, which means that an operator lacks one for its rules."""
    return Program(graph, target, tuple(_step(layer, target, policy) for layer in graph.layers()))


def _step(layer: Layer, target: Target, policy: KernelPolicy) -> Step:
    if operators()[layer.op].aliases:
        return Step(layer, "alias", MCUQ, Lowering(calls=()))
    refusals: list[str] = []
    for library in policy.libraries:
        for kernel in kernels_for(layer.op):
            if kernel.library != library:
                continue
            refusal = kernel.refuses(layer, target)
            if refusal is None:
                return Step(layer, kernel.name, kernel.library, kernel.lower(layer, target), tuple(refusals))
            refusals.append(f"{kernel.name}: {refusal}")
    raise UnsupportedError(
        f"no kernel runs layer {layer.name} ({layer.op})", details=tuple(refusals), hint="report this as a defect of mcuq"
    )
