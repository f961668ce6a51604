"""Lowering: choose a kernel for each layer and make its calls. No memory is laid out here."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mcuq.errors import UnsupportedError, UsageError
from mcuq.ir import Graph, Layer
from mcuq.ir.kernel_call import Lowering, Part
from mcuq.kernels import kernels_of
from mcuq.kernels.base import CMSIS_NN, MCUQ, Kernel, Target
from mcuq.kernels.mcuq_copy import parts_of_input, parts_of_output
from mcuq.ops import operators
from mcuq.planner.stage import Stage

NO_CHOICES: Mapping[str, str] = MappingProxyType({})


class KernelPolicy(enum.Enum):
    """Which kernels may run layers."""

    AUTO = "auto"
    CMSIS_NN = "cmsis-nn"
    MCUQ = "mcuq"

    @property
    def tiers(self) -> tuple[tuple[str, ...], ...]:
        """Kernel libraries in groups, best group first: a layer runs with the quickest kernel of the first that can.

        AUTO takes the quickest of all; CMSIS_NN takes mcuq's own kernels only where CMSIS-NN's are not exact or absent.
        """
        return {
            KernelPolicy.AUTO: ((CMSIS_NN, MCUQ),),
            KernelPolicy.CMSIS_NN: ((CMSIS_NN,), (MCUQ,)),
            KernelPolicy.MCUQ: ((MCUQ,),),
        }[self]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kernel that runs a layer exactly, with its estimated cycles (for choosing only)."""

    kernel: Kernel
    cycles: int


@dataclass(frozen=True, slots=True)
class Step:
    """One layer with the kernel chosen for it. ``refusals`` say why other kernels do not run it: they refuse it, or
    are estimated to be slower.

    ``kernel`` is "alias" where the outputs are the inputs' bytes, or parts of them, and nothing runs.
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
    """A graph whose every layer has a kernel, in execution order. The steps of a stage run together, row by row."""

    graph: Graph
    target: Target
    steps: tuple[Step, ...]
    stages: tuple[Stage, ...] = ()

    def stage_of(self, step: int) -> Stage | None:
        """The stage that ``step`` runs in, if any."""
        return next((stage for stage in self.stages if stage.first <= step <= stage.last), None)

    def parts(self) -> Iterator[int]:
        """The step of each part of the program in the order in which they run: outside stages, each step is one."""
        for index in range(len(self.steps)):
            stage = self.stage_of(index)
            if stage is None:
                yield index
            elif index == stage.first:
                yield from stage.parts()

    @property
    def joined(self) -> frozenset[str]:
        """Tensors that lie in others, or have others in them."""
        parts = [part for step in self.steps for part in step.lowering.parts]
        return frozenset(name for part in parts for name in (part.inner, part.outer))

    @property
    def fed_input(self) -> str | None:
        """The input that is read row by row while the model runs; None when all are written before."""
        return next((stage.fed for stage in self.stages if stage.fed is not None), None)


def lower(
    graph: Graph,
    target: Target,
    policy: KernelPolicy = KernelPolicy.AUTO,
    choices: Mapping[str, str] = NO_CHOICES,
) -> Program:
    """Every layer with its kernel: the one that ``choices`` names for the layer's name, else the quickest by estimate.

    Raises ``UnsupportedError`` when a layer has no kernel, which means that an operator lacks one for its rules, and
    ``UsageError`` when a chosen kernel does not run its layer.
    """
    layers = tuple(graph.layers())
    parts = _parts(graph, layers, choices)
    return Program(
        graph,
        target,
        tuple(_step(layer, target, policy, choices.get(layer.name), parts.get(layer.name, ())) for layer in layers),
    )


def _parts(graph: Graph, layers: Sequence[Layer], choices: Mapping[str, str]) -> Mapping[str, tuple[Part, ...]]:
    """By layer that no kernel is chosen for: which inputs and outputs are bytes of others, so that it need not run.

    An input lies in one output only, with its whole buffer: what it shares that with has no other place either.
    """
    found: dict[str, tuple[Part, ...]] = {}
    root = {name: name for name in graph.inputs}
    placed: set[str] = set()
    for layer in layers:
        root.update((tensor.name, tensor.name) for tensor in layer.written)
        if operators()[layer.op].aliases:
            root[layer.output.name] = root.get(layer.input(0).name, layer.output.name)
        elif layer.name in choices:
            continue
        elif parts := parts_of_input(layer):
            found[layer.name] = parts
            root.update((part.inner, root[part.outer]) for part in parts)
        elif parts := parts_of_output(layer):
            roots = [root[part.inner] for part in parts]
            sizes = [(graph.tensors[name].type.bytes, graph.tensors[part.inner].type.bytes)
                     for name, part in zip(roots, parts, strict=True)]  # fmt: skip
            whole = all(buffer == inner for buffer, inner in sizes)
            if whole and len(set(roots)) == len(roots) and placed.isdisjoint(roots):
                found[layer.name] = parts
                placed.update(roots)
    return found


def candidates(layer: Layer, target: Target, policy: KernelPolicy) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """The kernels that run ``layer`` exactly, best first, and in words why the others do not."""
    found: list[Candidate] = []
    refusals: list[str] = []
    for tier in policy.tiers:
        able: list[Candidate] = []
        for kernel in kernels_of(layer):
            if kernel.library not in tier:
                continue
            refusal = kernel.refuses(layer, target)
            if refusal is None:
                able.append(Candidate(kernel, kernel.cycles(layer, target)))
            else:
                refusals.append(f"{kernel.name}: {refusal}")
        found += sorted(able, key=lambda candidate: (candidate.cycles, candidate.kernel.name))
    return tuple(found), tuple(refusals)


def _step(layer: Layer, target: Target, policy: KernelPolicy, choice: str | None, parts: tuple[Part, ...]) -> Step:
    if operators()[layer.op].aliases:
        return Step(layer, "alias", MCUQ, Lowering(calls=()))
    if parts:
        return Step(layer, "alias", MCUQ, Lowering(calls=(), parts=parts))
    found, refusals = candidates(layer, target, policy)
    if not found:
        raise UnsupportedError(
            f"no kernel runs layer {layer.name} ({layer.op})", details=refusals, hint="report this as a defect of mcuq"
        )
    best = found[0] if choice is None else next((c for c in found if c.kernel.name == choice), None)
    if best is None:
        raise UsageError(
            f"kernel {choice!r} does not run layer {layer.name} ({layer.op})",
            details=refusals,
            hint=f"kernels that do: {', '.join(candidate.kernel.name for candidate in found)}",
        )
    others = tuple(
        f"{other.kernel.name}: estimated {other.cycles:,} cycles against {best.cycles:,}"
        for other in found
        if other is not best and other.cycles >= best.cycles
    )
    kernel = best.kernel
    return Step(layer, kernel.name, kernel.library, kernel.lower(layer, target), refusals + others)
