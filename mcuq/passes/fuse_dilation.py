"""A convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND becomes a dilated one.

Before: a bound graph. After: where a convolution of stride 1, also a depthwise one, alone reads what SPACE_TO_BATCH_ND
made, through shapes of the same bytes as in Conv1D, and BATCH_TO_SPACE_ND alone reads what it writes, the convolution
reads the image itself, dilated by the block's size and padded by what was padded and not cropped. Padding is the zero
point, which adds nothing in both forms.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from mcuq.ir import Graph, Layer, Node, Tensor
from mcuq.ops import operators
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.reshape import Reshape
from mcuq.passes.fuse_padding import keeps_taps_inside

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


@dataclass(frozen=True, slots=True)
class _Detour:
    """The three layers, and all nodes from the first to the last."""

    into: Layer
    conv: Layer
    out: Layer
    nodes: tuple[Node, ...]


def fuse_dilation(graph: Graph) -> Graph:
    for node in graph.nodes:
        found = _detour(graph, node) if node.op == "SPACE_TO_BATCH_ND" else None
        axes = None if found is None else _axes(found)
        if found is not None and axes is not None:
            graph = _straight(graph, found, axes)
    return graph


def _detour(graph: Graph, first: Node) -> _Detour | None:
    """What begins at ``first``, each tensor on the way read by one layer only."""
    nodes = [first]
    while nodes[-1].op != "BATCH_TO_SPACE_ND":
        name = nodes[-1].outputs[0]
        readers = graph.consumers(name)
        if len(readers) != 1 or name in graph.outputs:
            return None
        (reader,) = readers
        wanted = reader.op in (*CONVOLUTIONS, "BATCH_TO_SPACE_ND") or operators()[reader.op].aliases
        if not wanted or reader.inputs[0] != name:
            return None
        nodes.append(reader)
    convolutions = [node for node in nodes if node.op in CONVOLUTIONS]
    if len(convolutions) != 1:
        return None
    into, conv, out = (graph.layer(node) for node in (first, convolutions[0], nodes[-1]))
    same = into.input(0).type.quantization == into.output.type.quantization == conv.input(0).type.quantization
    same = same and conv.output.type.quantization == out.input(0).type.quantization == out.output.type.quantization
    return _Detour(into, conv, out, tuple(nodes)) if same else None


def _axes(found: _Detour) -> tuple[Axis, Axis] | None:
    """Height and width of the dilated convolution; None where it does not do the same."""
    into, out, given = found.into.attributes, found.out.attributes, found.conv.attributes
    read, written = found.conv.input(0).shape, found.conv.output.shape
    new = _new_axis(len(into.block), read, written)
    if out.block != into.block or new is None:
        return None
    if read[1:-1] != new.placed(found.into.output.shape[1:-1], 1):
        return None
    if written[1:-1] != new.placed(found.out.input(0).shape[1:-1], 1):
        return None
    before = tuple(pad - crop for (pad, _), (crop, _) in zip(into.margins, out.margins, strict=True))
    height, width = (
        Axis(size, result, axis.window, axis.stride, step, pad)
        for axis, size, result, step, pad in zip(
            (given.height, given.width),
            new.placed(found.into.input(0).shape[1:-1], 1),
            new.placed(found.out.output.shape[1:-1], 1),
            new.placed(into.block, 1),
            new.placed(before, 0),
            strict=True,
        )
    )
    plain = all((a.stride, a.dilation, a.pad_before, a.pad_after) == (1, 1, 0, 0) for a in (given.height, given.width))
    fits = all(axis.pad_before >= 0 and keeps_taps_inside(axis) for axis in (height, width))
    return (height, width) if plain and fits else None


@dataclass(frozen=True, slots=True)
class _NewAxis:
    """Which of height and width Conv1D adds, of size 1; None where the image has both."""

    index: int | None

    def placed(self, values: tuple[int, ...], missing: int) -> tuple[int, ...]:
        """``values`` for height and width, ``missing`` for the new one."""
        if self.index is None:
            return values
        return (missing, *values) if self.index == 0 else (*values, missing)


def _new_axis(axes: int, read: tuple[int, ...], written: tuple[int, ...]) -> _NewAxis | None:
    if axes == 2:
        return _NewAxis(None)
    index = next((i for i in (0, 1) if read[1 + i] == written[1 + i] == 1), None)
    return None if index is None else _NewAxis(index)


def _straight(graph: Graph, found: _Detour, axes: tuple[Axis, Axis]) -> Graph:
    """``graph`` with the dilated convolution in the place of the detour; Conv1D keeps its shapes of the same bytes."""
    height, width = axes
    x, y, layer = found.into.input(0), found.out.output, found.conv
    read = _shaped(x, f"{y.name} image", (x.shape[0], height.input, width.input, x.shape[-1]))
    written = _shaped(y, f"{y.name} dilated", (y.shape[0], height.output, width.output, y.shape[-1]))
    attributes = dataclasses.replace(layer.attributes, height=height, width=width)
    constants = tuple(None if tensor is None else tensor.name for tensor in layer.inputs[1:])
    made = [Node(layer.name, layer.op, attributes, (read.name, *constants), (written.name,))]
    if read is not x:
        made = [
            Node(found.into.name, "RESHAPE", Reshape(None), (x.name,), (read.name,)),
            *made,
            Node(found.out.name, "RESHAPE", Reshape(None), (written.name,), (y.name,)),
        ]
    nodes: list[Node] = []
    for node in graph.nodes:
        if node is found.nodes[-1]:
            nodes += made
        elif node not in found.nodes:
            nodes.append(node)
    tensors = {**graph.tensors, read.name: read, written.name: written}
    return Graph(graph.name, tensors, tuple(nodes), graph.inputs, graph.outputs)


def _shaped(tensor: Tensor, name: str, shape: tuple[int, ...]) -> Tensor:
    """``tensor``, or one of another shape."""
    return tensor if tensor.shape == shape else Tensor(name, dataclasses.replace(tensor.type, shape=shape))
