"""Conversions from and to float at the edges of the graph are left to the host.

Before: a bound graph. After: a float input that only one QUANTIZE reads is replaced by that node's output, and a
float output that a DEQUANTIZE writes by that node's input; the host converts with the tensor's scale and zero point,
exactly as the operators' references do. Inputs and outputs keep their order. A QUANTIZE between two kinds of bytes
stays: the host then feeds what the model's file says.
"""

from __future__ import annotations

from collections.abc import Iterable

from mcuq.ir import DType, Graph, Node


def peel_edges(graph: Graph) -> Graph:
    return _peel_outputs(_peel_inputs(graph))


def _peel_inputs(graph: Graph) -> Graph:
    replaced: dict[str, Node] = {}
    for name in graph.inputs:
        readers = graph.consumers(name)
        if name in graph.outputs or len(readers) != 1 or graph.tensors[name].type.dtype is not DType.FLOAT32:
            continue
        if readers[0].op == "QUANTIZE" and readers[0].outputs[0] not in graph.outputs:
            replaced[name] = readers[0]
    inputs = tuple(replaced[name].outputs[0] if name in replaced else name for name in graph.inputs)
    return _without(graph, replaced.values(), inputs, graph.outputs)


def _peel_outputs(graph: Graph) -> Graph:
    replaced: dict[str, Node] = {}
    for name in graph.outputs:
        writer = graph.producer(name)
        if writer is None or writer.op != "DEQUANTIZE" or graph.consumers(name):
            continue
        source = writer.inputs[0]
        assert source is not None  # DEQUANTIZE has its input: its rules were checked
        # Outputs stay distinct tensors that nodes write.
        taken = {*graph.outputs, *(node.inputs[0] for node in replaced.values())}
        if graph.producer(source) is not None and source not in taken and graph.outputs.count(name) == 1:
            replaced[name] = writer
    outputs = tuple(str(replaced[name].inputs[0]) if name in replaced else name for name in graph.outputs)
    return _without(graph, replaced.values(), graph.inputs, outputs)


def _without(graph: Graph, nodes: Iterable[Node], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Graph:
    gone = {node.outputs for node in nodes}
    kept = tuple(node for node in graph.nodes if node.outputs not in gone)
    return Graph(graph.name, graph.tensors, kept, inputs, outputs)
