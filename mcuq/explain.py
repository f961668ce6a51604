"""Why a model gives other bytes elsewhere: LiteRT's reference kernels beside what LiteRT does by default.

Only what is computed is told. Each layer runs twice by default: in the whole model, where differences add up, and
alone on the reference's inputs, where what differs is its own. For layers of sums, roundings are tried on these bytes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.data import Dataset
from mcuq.frontend.tflite import bind
from mcuq.litert import LiteRT
from mcuq.model import Model, Progress
from mcuq.quantize.flatbuffer import read_model, write_model
from mcuq.reference import Reference
from mcuq.rounding import SUMS, roundings_that_give
from mcuq.verification import Explanation, LayerExplained

Array = npt.NDArray[Any]


@dataclass(slots=True)
class _Seen:
    """What has been seen of one layer so far."""

    elements: int = 0
    differing: int = 0
    largest: float = 0.0
    own: int = 0
    own_largest: float = 0.0
    reference_rounds: frozenset[str] | None = None
    default_rounds: frozenset[str] | None = None


def explain(model: Model, samples: Dataset, progress: Progress) -> Explanation:
    """Compare LiteRT's reference kernels with its default over ``samples``, output by output and layer by layer."""
    reference = Reference(model.tflite, all_tensors=True)
    default = LiteRT(model.tflite, exact=False, all_tensors=False, delegate=True)
    whole, shown = _all_outputs(model.tflite)
    apart, fed = _layers_apart(model.tflite)
    in_whole = LiteRT(whole, exact=False, all_tensors=False, delegate=True)
    alone = LiteRT(apart, exact=False, all_tensors=False, delegate=True)
    file_inputs = [model.tensor_index(name) for name in model.file_graph.inputs]
    file_outputs = [model.tensor_index(name) for name in model.file_graph.outputs]
    layers = _Layers(model)
    seen = _Seen()
    kept_alike = True
    for sample in range(samples.count):
        reference.run([array[sample] for array in samples.inputs])
        wanted = dict(zip(shown, reference.tensors_at(shown), strict=True))
        inputs = reference.tensors_at(file_inputs)
        given = dict(zip(fed, reference.tensors_at(fed), strict=True))
        by_default = default.run(inputs)
        shown_by_default = dict(zip(shown, in_whole.run(inputs), strict=True))
        for index, values in zip(file_outputs, by_default, strict=True):
            _add(seen, wanted[index], values)
            kept_alike &= values.tobytes() == shown_by_default[index].tobytes()
        layers.add(wanted, given, shown_by_default, dict(zip(shown, alone.run(list(given.values())), strict=True)))
        progress("LiteRT's default", sample + 1, samples.count)
    return Explanation(
        samples.count,
        bool(default.description["delegated"]),
        seen.elements,
        seen.differing,
        seen.largest,
        kept_alike,
        layers.explained(),
    )


class _Layers:
    """The layers of the file, and what has been seen of them."""

    def __init__(self, model: Model) -> None:
        self._layers = tuple(bind(model.file_graph).layers())
        self._index = {name: index for index, name in enumerate(model.file_graph.tensors)}
        self._seen = tuple(_Seen() for _ in self._layers)

    def add(
        self,
        wanted: dict[int, Array],
        given: dict[int, Array],
        in_whole: dict[int, Array],
        alone: dict[int, Array],
    ) -> None:
        """Tensors by index: the reference's outputs and inputs of layers, and what the default makes of them."""
        for layer, seen in zip(self._layers, self._seen, strict=True):
            for index in (self._index[t.name] for t in layer.outputs if self._index.get(t.name) in wanted):
                _add(seen, wanted[index], in_whole[index])
                own, largest = _differing(wanted[index], alone[index])
                seen.own += own
                seen.own_largest = max(seen.own_largest, largest)
            x = given.get(self._index.get(layer.input(0).name, -1)) if layer.op in SUMS else None
            if x is None:
                continue
            y = self._index[layer.output.name]
            found = [frozenset(roundings_that_give(values[y], layer, x)) for values in (wanted, alone)]
            one, other = (seen.reference_rounds, seen.default_rounds)
            seen.reference_rounds = found[0] if one is None else one & found[0]
            seen.default_rounds = found[1] if other is None else other & found[1]

    def explained(self) -> tuple[LayerExplained, ...]:
        return tuple(
            LayerExplained(
                name=layer.name,
                op=layer.op,
                elements=seen.elements,
                differing=seen.differing,
                largest=seen.largest,
                own=seen.own,
                own_largest=seen.own_largest,
                reference_rounds=tuple(sorted(seen.reference_rounds or ())),
                default_rounds=tuple(sorted(seen.default_rounds or ())),
            )
            for layer, seen in zip(self._layers, self._seen, strict=True)
        )


def _add(seen: _Seen, wanted: Array, found: Array) -> None:
    differing, largest = _differing(wanted, found)
    seen.elements += wanted.size
    seen.differing += differing
    seen.largest = max(seen.largest, largest)


def _differing(wanted: Array, found: Array) -> tuple[int, float]:
    """How many elements differ, and by how much at most."""
    gaps = np.abs(wanted.astype(np.float64) - found.astype(np.float64))
    return int(np.count_nonzero(gaps)), float(np.nan_to_num(gaps).max(initial=0.0))


def _all_outputs(content: bytes) -> tuple[bytes, tuple[int, ...]]:
    """The model with every computed tensor among its outputs, for no delegate to keep to itself; which these are."""
    model = read_model(content)
    graph = model.subgraphs[0]
    graph.outputs = _computed(graph)
    model.signatureDefs = None
    return write_model(model), tuple(graph.outputs)


def _layers_apart(content: bytes) -> tuple[bytes, tuple[int, ...]]:
    """The model with each layer on its own: all that it reads is an input; which tensors are to be given there."""
    model = read_model(content)
    graph = model.subgraphs[0]
    outputs = _computed(graph)
    computed = {*outputs, *map(int, graph.inputs)}
    fed: dict[int, int] = {}
    for operator in graph.operators:
        operator.inputs = [_input(graph, int(index), computed, fed) for index in operator.inputs]
    graph.inputs, graph.outputs = list(fed.values()), outputs
    model.signatureDefs = None
    return write_model(model), tuple(fed)


def _input(graph: Any, index: int, computed: set[int], fed: dict[int, int]) -> int:
    """A tensor of its own in the place of a computed one."""
    if index not in computed:
        return index
    if index not in fed:
        tensor = copy.copy(graph.tensors[index])
        tensor.name = f"given {index}".encode()
        graph.tensors.append(tensor)
        fed[index] = len(graph.tensors) - 1
    return fed[index]


def _computed(graph: Any) -> list[int]:
    """The indices of all tensors that operators compute, in order."""
    return [int(index) for operator in graph.operators for index in operator.outputs]
