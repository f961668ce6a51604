"""What every layer of a model must write, for one sample: LiteRT's bytes, with what shows that they are that.

Passes change the graph, so not every tensor of it is one of the file. Each layer is therefore computed twice: by
LiteRT, which runs the file as it is, and by the operators' integer references, which run the graph that was compiled.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.errors import MismatchError
from mcuq.ir import Graph, Layer
from mcuq.model import Model
from mcuq.ops import operators
from mcuq.ops.floats import ulps_between
from mcuq.reference import Reference
from mcuq.sliding import fed_bytes, steps_of
from mcuq.verification import NEAR

Array = npt.NDArray[Any]


class HeldTo(enum.Enum):
    """What a tensor's expected bytes are."""

    LITERT = "LiteRT"
    """LiteRT's tensor of the same name."""
    LITERT_CHANNELS = "LiteRT's channels"
    """Channels of LiteRT's tensor of the same name, fewer or in another order."""
    REFERENCE = "reference"
    """The operator's integer reference: the file has no such tensor."""
    NEAR_LITERT = NEAR
    """The operator's reference: LiteRT calls a library's function that may differ by as many units in the last place as
    the operator says, in this layer or before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """One sample: the compiled graph's ``inputs``, and the ``tensors`` that its layers must write, by name. For the
    step of a sliding window, the bytes of all steps are the one input, and ``tensors`` are the last step's.

    ``held_to`` says what each is; LiteRT's where it differs from the operator's reference, which is then wrong.
    """

    inputs: tuple[Array, ...]
    tensors: Mapping[str, Array]
    held_to: Mapping[str, HeldTo]


class Expectations:
    """A model's two referees, started once and asked for each sample."""

    def __init__(self, model: Model) -> None:
        self._graph, self._sliding = model.graph, model.sliding
        self._reference = Reference(model.tflite, all_tensors=True)
        activations = [tensor.name for layer in self._graph.layers() for tensor in layer.written]
        indices = {name: index for index, name in enumerate(model.file_graph.tensors)}
        computed = self._reference.computed
        self._in_file = {n: indices[n] for n in (*self._graph.inputs, *activations) if indices.get(n) in computed}

    def of(self, sample: Sequence[Array]) -> Expected:
        """``sample`` is as ``Reference.run`` takes it. Raises ``MismatchError`` when the two can be no same layer's."""
        self._reference.run(sample)
        found = self._reference.tensors_at(tuple(self._in_file.values()))
        litert = dict(zip(self._in_file, found, strict=True))
        inputs = tuple(litert[name] for name in self._graph.inputs)
        fed = inputs
        if self._sliding is not None:
            litert = {name: self._sliding.newest(name, values) for name, values in litert.items()}
            fed = (fed_bytes(self._graph, inputs),)
        tensors: dict[str, Array] = {}
        held_to: dict[str, HeldTo] = {}
        values = reference_values(self._graph, inputs)
        near: set[str] = set()
        for layer in self._graph.layers():
            reads_near = any(tensor is not None and tensor.name in near for tensor in layer.inputs)
            for tensor in layer.written:
                own, theirs = values[tensor.name], litert.get(tensor.name)
                agreed = agreed_bytes(own, theirs, whole=tensor.name in self._graph.outputs)
                if agreed[0] is not own and (reads_near or within_ulps(layer, own, agreed[0], values)):
                    agreed = own, HeldTo.NEAR_LITERT
                if reads_near or agreed[1] is HeldTo.NEAR_LITERT:
                    near.add(tensor.name)
                if agreed[0].nbytes != tensor.type.bytes:
                    raise MismatchError(
                        f"layer {layer.name} ({layer.op}) gives other bytes than LiteRT after mcuq's passes",
                        hint="this is a defect of mcuq; please report it with the model",
                    )
                tensors[tensor.name], held_to[tensor.name] = agreed
        return Expected(fed, tensors, held_to)


def reference_values(graph: Graph, inputs: Sequence[Array]) -> Mapping[str, Array]:
    """Every activation of ``graph`` for its ``inputs``, by the operators' integer references; states begin anew.

    Those of the last step, where ``graph`` is the step of a window that ``inputs`` have.
    """
    values: dict[str, Array] = {t.name: t.initial for t in graph.states if t.initial is not None}
    for given in steps_of(graph, inputs) if graph.steps else (inputs,):
        values.update(zip(graph.inputs, given, strict=True))
        for layer in graph.layers():
            values.update(zip((t.name for t in layer.outputs), reference_outputs(layer, values), strict=True))
    return values


def reference_outputs(layer: Layer, values: Mapping[str, Array]) -> Sequence[Array]:
    """What ``layer`` makes of the activations ``values``, by its operator's integer reference."""
    inputs = [None if t is None else t.data if t.data is not None else values[t.name] for t in layer.inputs]
    return operators()[layer.op].reference(layer, inputs)


def within_ulps(layer: Layer, own: Array, theirs: Array, values: Mapping[str, Array]) -> bool:
    """Do the reference and LiteRT differ by no more than a library's functions may in this ``layer``?"""
    operator = operators()[layer.op]
    if not operator.ulps or own.dtype != theirs.dtype or own.shape != theirs.shape:
        return False
    of = values.get(layer.input(0).name) if operator.ulps_of_input else None
    return ulps_between(own, theirs, of) <= operator.ulps


def library_layers(graph: Graph) -> tuple[Layer, ...]:
    """The layers in which LiteRT calls functions of a library, so that its bytes are not the same everywhere."""
    return tuple(layer for layer in graph.layers() if operators()[layer.op].ulps)


def agreed_bytes(own: Array, theirs: Array | None, *, whole: bool) -> tuple[Array, HeldTo]:
    """The bytes to expect of a tensor that the reference and LiteRT have computed; of one that is not ``whole``, passes
    may have removed channels, or put them elsewhere."""
    if theirs is None:
        return own, HeldTo.REFERENCE
    if theirs.dtype == own.dtype and theirs.tobytes() == own.tobytes():
        return own, HeldTo.LITERT
    if not whole and theirs.dtype == own.dtype and _channels(own) <= _channels(theirs):
        return own, HeldTo.LITERT_CHANNELS
    return theirs, HeldTo.LITERT


def _channels(values: Array) -> set[bytes]:
    """The bytes of each channel."""
    return {channel.tobytes() for channel in np.moveaxis(values, -1, 0)} if values.ndim else {values.tobytes()}
