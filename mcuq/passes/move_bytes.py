"""Layers that only move elements move bytes, not the floats that they stand for.

Before: a bound graph. After: where such a layer (TILE, REVERSE_V2, RESHAPE, GATHER …) reads real values from
DEQUANTIZE, all of one quantization, it reads their bytes, and DEQUANTIZE comes behind it: the same values at a quarter
of the memory. Quantizers leave operators in float that they do not know; the QUANTIZE behind then meets its DEQUANTIZE.
"""

from __future__ import annotations

from mcuq.ir import DType, Graph, Layer, Node, Tensor, TensorType
from mcuq.ops import operators

LOOK_UPS = ("GATHER", "GATHER_ND", "EMBEDDING_LOOKUP", "RESIZE_NEAREST_NEIGHBOR")


def move_bytes(graph: Graph) -> Graph:
    tensors = dict(graph.tensors)
    bytes_of: dict[str, str] = {}  # real values → the bytes that DEQUANTIZE makes them of
    nodes: list[Node] = []
    for node in graph.nodes:
        layer = graph.layer(node)
        source = _common_bytes(layer, bytes_of, tensors)
        if source is None:
            nodes.append(node)
            if node.op == "DEQUANTIZE":
                bytes_of[node.outputs[0]] = layer.input(0).name
            continue
        made = []
        for tensor in layer.outputs:
            name = f"{tensor.name} in bytes"
            tensors[name] = Tensor(name, TensorType(tensor.shape, source.dtype, source.quantization))
            bytes_of[tensor.name] = name
            made.append(name)
        read = tuple(bytes_of.get(name or "", name) for name in node.inputs)
        nodes.append(Node(node.name, node.op, node.attributes, read, tuple(made)))
        nodes += [
            Node(f"{node.name} real", "DEQUANTIZE", None, (name,), (output,))
            for name, output in zip(made, node.outputs, strict=True)
        ]
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)


def _common_bytes(layer: Layer, bytes_of: dict[str, str], tensors: dict[str, Tensor]) -> TensorType | None:
    """What all real values that ``layer`` moves are quantized like; None where it computes, or they differ."""
    operator = operators()[layer.op]
    if operator.moves is None and not operator.aliases and layer.op not in LOOK_UPS:
        return None
    real = [t for t in layer.inputs if t is not None and t.type.dtype is DType.FLOAT32]
    types = [tensors[bytes_of[t.name]].type for t in real if t.name in bytes_of]
    if not real or len(types) < len(real):
        return None
    kinds = {(found.dtype, found.quantization) for found in types}
    return types[0] if len(kinds) == 1 else None
