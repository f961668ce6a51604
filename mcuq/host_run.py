"""A model's runs on the host: what LiteRT computes, in the bytes that cross the link, and the figures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.data import Dataset
from mcuq.expected import Expectations, library_layers
from mcuq.ir import Layer, Tensor
from mcuq.model import Model, Progress
from mcuq.ops.floats import tflite_name
from mcuq.reference import WHOLE, Reference, accuracy, agreement, run_float
from mcuq.report import Accuracy, Agreement
from mcuq.sliding import fed_bytes

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class HostRuns:
    """What the host computed for n samples.

    ``inputs`` and ``outputs`` are the compiled graph's, one array (n, 1, ...) each, in the device's own types: what is
    sent and what must come back. For the step of a sliding window, the one array of ``inputs`` has the bytes of all
    steps of each sample (n, bytes), and ``outputs`` what the last one gives. ``floats`` is the float model's first
    output (n, ...), None without a float model.
    ``notes`` say what else than LiteRT's bytes must come back, and why.
    """

    inputs: tuple[npt.NDArray[np.generic], ...]
    outputs: tuple[npt.NDArray[np.generic], ...]
    floats: npt.NDArray[Any] | None
    output: Tensor
    notes: tuple[str, ...] = ()

    def real(self, values: npt.NDArray[np.generic]) -> npt.NDArray[Any]:
        """The real values (float32) of the first output's quantized ``values``; whole numbers stay as they are."""
        quantization = self.output.type.quantization
        if quantization is None:
            return values if values.dtype in WHOLE else values.astype(np.float32)
        shifted = values.astype(np.float32) - np.float32(quantization.zero_point)
        real: npt.NDArray[np.float32] = shifted * np.float32(quantization.scale)
        return real


@dataclass(frozen=True, slots=True)
class Figures:
    """How good the model is on some data, which ``data`` names."""

    samples: int = 0
    data: str = "no data"
    accuracy: Accuracy = field(default_factory=Accuracy)
    agreement: Agreement = field(default_factory=Agreement)


def run_host(model: Model, data: Dataset, progress: Progress, *, comparable: bool = True) -> HostRuns:
    """Run ``data`` through LiteRT's reference kernels, and the float model where there is one.

    Where LiteRT calls a library's functions, whose last places differ from one to the next, the outputs are those of
    mcuq's references, unless no device's are to be compared with them (not ``comparable``).
    """
    reference = Reference(model.tflite, all_tensors=True)
    input_indices = [model.tensor_index(name) for name in model.graph.inputs]
    output_indices = [model.tensor_index(name) for name in model.graph.outputs]
    inputs: list[list[npt.NDArray[np.generic]]] = [[] for _ in input_indices]
    outputs: list[list[npt.NDArray[np.generic]]] = [[] for _ in output_indices]
    for sample in range(data.count):
        reference.run([array[sample] for array in data.inputs])
        found = reference.tensors_at((*input_indices, *output_indices))
        for kept, values in zip((*inputs, *outputs), found, strict=True):
            kept.append(values)
        if model.sliding is not None:
            for kept, name in zip(outputs, model.graph.outputs, strict=True):
                kept.append(model.sliding.newest(name, kept.pop()))
        progress("int8 in LiteRT", sample + 1, data.count)
    notes: tuple[str, ...] = ()
    if comparable and (library := library_layers(model.graph)):
        expectations = Expectations(model)
        held = [expectations.of([array[i] for array in data.inputs]).tensors for i in range(data.count)]
        references = [[one[name] for one in held] for name in model.graph.outputs]
        notes = (_distance(library, references, outputs),)
        outputs = references
    if model.sliding is not None:
        inputs = [[fed_bytes(model.graph, [array[i] for array in inputs]) for i in range(data.count)]]
    floats = None
    if model.float_tflite is not None:
        floats = run_float(model.float_tflite, data.inputs, lambda done, of: progress("float in LiteRT", done, of))[0]
    return HostRuns(
        tuple(np.stack(kept) for kept in inputs),
        tuple(np.stack(kept) for kept in outputs),
        floats,
        model.graph.output_tensors[0],
        notes,
    )


def _distance(library: Sequence[Layer], own: Sequence[Sequence[Array]], litert: Sequence[Sequence[Array]]) -> str:
    """What the outputs are held to, and how far LiteRT's lie from that."""
    pairs = [(a, b) for one, other in zip(own, litert, strict=True) for a, b in zip(one, other, strict=True)]
    most = max(float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max(initial=0.0)) for a, b in pairs)
    differing = sum(int((a != b).sum()) for a, b in pairs)
    elements = sum(a.size for a, _ in pairs)
    functions = ", ".join(sorted({tflite_name(layer.op) for layer in library}))
    return (
        f"outputs are held to mcuq's reference: for {functions} in float32 LiteRT calls a library, whose last places "
        f"differ between libraries; here {differing:,} of {elements:,} output elements, by up to {most:.3g}"
    )


def figures(runs: HostRuns, target: npt.NDArray[np.generic] | None, data: Dataset, what: str) -> Figures:
    """Accuracy and agreement of the host's runs, and of the target's first output (n, ...) where it ran."""
    elements = sum(int(array[0].size) for array in data.inputs)

    def agrees(values: npt.NDArray[Any] | None) -> float | None:
        if runs.floats is None or values is None:
            return None
        return agreement(runs.floats, values, input_elements=elements)

    int8 = runs.real(runs.outputs[0])
    measured = None if target is None else runs.real(target)
    return Figures(
        data.count,
        what,
        Accuracy(
            None if runs.floats is None else accuracy(runs.floats, data.labels),
            accuracy(int8, data.labels),
            None if measured is None else accuracy(measured, data.labels),
        ),
        Agreement(agrees(int8), agrees(measured)),
    )
