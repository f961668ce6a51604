"""Is a graph well formed? Run after every pass; it checks structure, not what operators require."""

from __future__ import annotations

from mcuq.ir.graph import Graph


def verify(graph: Graph) -> None:
    """Raise ``ValueError`` unless every tensor is defined once, before use, and constants match their types.

    States are defined from the start, and may be written again.
    """
    for name, tensor in graph.tensors.items():
        if tensor.name != name:
            raise ValueError(f"tensor {tensor.name!r} is filed under {name!r}")
        values = tensor.data if tensor.data is not None else tensor.initial
        if values is not None and (values.shape != tensor.shape or values.dtype != tensor.type.dtype.numpy):
            raise ValueError(f"constant {name!r} holds {values.dtype}{values.shape}, not {tensor.type}")
    defined = set(graph.inputs) | {name for name, tensor in graph.tensors.items() if not tensor.in_arena}
    for node in graph.nodes:
        for read in node.inputs:
            if read is not None and read not in defined:
                raise ValueError(f"{node.op} {node.name!r} reads {read!r} before it is written")
        for name in node.outputs:
            if name in defined and not (name in graph.tensors and graph.tensors[name].state):
                raise ValueError(f"{node.op} {node.name!r} writes {name!r}, which has a value already")
            if name not in graph.tensors:
                raise ValueError(f"{node.op} {node.name!r} writes {name!r}, which is no tensor of the graph")
            defined.add(name)
    for name in graph.outputs:
        if name not in defined:
            raise ValueError(f"output {name!r} is never written")
