"""Graphs: nodes in execution order over named tensors. ``Graph`` is immutable; passes make new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mcuq.ir.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Node:
    """One operator application. ``name`` is the layer's name for people (the Keras layer where known)."""

    name: str
    op: str
    attributes: Any
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A node with its tensors at hand: what operators and kernels work on."""

    name: str
    op: str
    attributes: Any
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]

    def input(self, index: int) -> Tensor:
        """Input ``index``, which the operator requires to be there (its constraints have been checked)."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise ValueError(f"{self.op} {self.name} has no input {index}")
        return tensor

    def optional_input(self, index: int) -> Tensor | None:
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def written(self) -> tuple[Tensor, ...]:
        """What the layer computes into the arena: its outputs without the states that it changes."""
        return tuple(tensor for tensor in self.outputs if tensor.in_arena)

    @property
    def output(self) -> Tensor:
        return self.outputs[0]


@dataclass(frozen=True, slots=True)
class Graph:
    """``nodes`` in execution order; every name in nodes, ``inputs`` and ``outputs`` is a key of ``tensors``.

    ``steps``: so many runs take in a whole window where the graph is the step of a sliding one (``mcuq.sliding``);
    0 where it is not.
    """

    name: str
    tensors: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", MappingProxyType(dict(self.tensors)))

    def layer(self, node: Node) -> Layer:
        return Layer(
            node.name,
            node.op,
            node.attributes,
            tuple(None if name is None else self.tensors[name] for name in node.inputs),
            tuple(self.tensors[name] for name in node.outputs),
        )

    def layers(self) -> Iterator[Layer]:
        return (self.layer(node) for node in self.nodes)

    def consumers(self, tensor: str) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if tensor in node.inputs)

    def producer(self, tensor: str) -> Node | None:
        return next((node for node in self.nodes if tensor in node.outputs), None)

    @property
    def input_tensors(self) -> tuple[Tensor, ...]:
        return tuple(self.tensors[name] for name in self.inputs)

    @property
    def states(self) -> tuple[Tensor, ...]:
        """What is kept from one inference to the next."""
        return tuple(tensor for tensor in self.tensors.values() if tensor.state)

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        return tuple(self.tensors[name] for name in self.outputs)

    def __str__(self) -> str:
        lines = [f"graph {self.name}({', '.join(f'{n}: {self.tensors[n].type}' for n in self.inputs)})"]
        for node in self.nodes:
            outputs = ", ".join(f"{n}: {self.tensors[n].type}" for n in node.outputs)
            lines.append(f"  {outputs} = {node.op}({', '.join(n or '-' for n in node.inputs)})  # {node.name}")
        return "\n".join([*lines, f"  return {', '.join(self.outputs)}"])
