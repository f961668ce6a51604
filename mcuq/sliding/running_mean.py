"""A mean over all frames of a ring is kept up to date instead: no frame is read twice, and sums take its place.

Before: a step's graph. After: where the one reader of all that a ring keeps is a MEAN of int8 over everything but the
channels, a RUNNING_MEAN reads what went into the ring.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mcuq.ir import DType, Graph, Layer, Node, Tensor, TensorType
from mcuq.ops.base import Array
from mcuq.ops.mean import count, requantization
from mcuq.ops.ring import Ring
from mcuq.ops.running_mean import RunningMean, frame_sums

MOST_ELEMENTS = 255
"""Of a frame, for each channel: their sum fits int16."""


def with_running_means(graph: Graph) -> Graph:
    for node in graph.nodes:
        if node.op == "RING" and (mean := _mean_of_all(graph, graph.layer(node))) is not None:
            graph = _replaced(graph, graph.layer(node), mean)
    return graph


def _mean_of_all(graph: Graph, ring: Layer) -> Layer | None:
    """The layer that makes of the ring's frames a mean of each channel, and is alone in reading them."""
    a: Ring = ring.attributes
    x, read = ring.input(0), ring.output
    readers = graph.consumers(read.name)
    if len(a.reads) != 1 or len(readers) != 1 or readers[0].op != "MEAN" or read.name in graph.outputs:
        return None
    (only,) = a.reads
    mean = graph.layer(readers[0])
    channels = len(x.shape) - 1
    kept = {axis for axis, size in enumerate(read.shape) if size > 1} - {*mean.attributes.axes}
    alone = kept <= {channels} and channels not in mean.attributes.axes and a.axis != channels
    elements = x.type.elements // x.shape[a.axis] // x.shape[channels]
    whole = (only.age + 1, only.step) == (only.count, 1) and x.shape[a.axis] <= only.count
    return mean if alone and whole and x.type.dtype is DType.INT8 and elements <= MOST_ELEMENTS else None


def _replaced(graph: Graph, ring: Layer, mean: Layer) -> Graph:
    x, kept = ring.input(0), ring.input(1)
    assert kept.initial is not None
    sums = frame_sums(kept.initial)
    narrow = DType.INT8 if kept.initial[0].size == sums.shape[1] else DType.INT16
    states = (
        _state(f"{mean.output.name} sums", sums.astype(narrow.numpy), narrow),
        _state(f"{mean.output.name} total", sums.sum(axis=0, dtype=np.int32), DType.INT32),
        ring.input(2),
    )
    multiplier, shift = requantization(mean)
    offset = -mean.input(0).type.zero_point * count(mean)
    names = tuple(state.name for state in states)
    attributes = RunningMean(ring.attributes.axis, offset, multiplier, shift)
    made = Node(mean.name, "RUNNING_MEAN", attributes, (x.name, *names), (mean.output.name, *names))
    nodes = tuple(made if node.name == mean.name else node for node in graph.nodes if node.name != ring.name)
    gone = {kept.name, ring.output.name}
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in gone}
    return dataclasses.replace(graph, tensors={**tensors, **{state.name: state for state in states}}, nodes=nodes)


def _state(name: str, initial: Array, dtype: DType) -> Tensor:
    return Tensor(name, TensorType(initial.shape, dtype), initial=initial)
