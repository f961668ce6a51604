"""Which layers of a model lose most when it is quantized: each alone, and what has come together at each of them.

Everything is measured in LiteRT, on the samples that the model is calibrated with.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.errors import UsageError
from mcuq.frontend.tflite import read_tflite
from mcuq.host_run import Figures
from mcuq.model import Model, Progress
from mcuq.quantize.flatbuffer import operator_name, read_model, tensor_name, write_model
from mcuq.quantize.prepare import prepare
from mcuq.quantize.request import Request, assigned
from mcuq.quantize.schemes import DEFAULT, scheme_named
from mcuq.quantize.sensitivity import Alone, Place, int8_outputs, sensitivities
from mcuq.quantize.weighted_layer import weighted_layers
from mcuq.reference import Reference

SCHEMA_VERSION = 1
SAMPLES = 64
"""Compared layer by layer, at most."""

ADVICE = 3
"""Layers that something is said about, at most."""

WORTH_SAYING = 0.1
"""The share of the error from which on something is said about a layer."""

LITTLE = 1e-3
"""Noise of all layers, in parts of the output's variance, that is not worth a word."""


@dataclass(frozen=True, slots=True)
class AnalyzedLayer:
    """``weights`` and ``output`` are the layer with only these quantized, ``alone`` with both (None: it has none).

    ``share`` is the layer's of the sum over all layers; ``saved`` of it would go with eight bits. ``so_far_db``: how
    far the layer's output in the quantized model stands above its difference to the float model's.
    """

    name: str
    op: str
    scheme: str | None
    weights: Alone | None
    output: Alone | None
    alone: Alone
    share: float
    saved: float
    so_far_db: float | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """``layers`` in the order of execution; ``advice`` in words, what matters most first."""

    model: str
    scheme: str
    samples: int
    layers: tuple[AnalyzedLayer, ...]
    advice: tuple[str, ...]
    figures: Figures

    def ranked(self) -> tuple[AnalyzedLayer, ...]:
        """The layers, what costs most first."""
        return tuple(sorted(self.layers, key=lambda layer: -layer.share))

    def as_json(self) -> str:
        """One JSON object, keys in a fixed order; the layers ranked."""
        return json.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "command": "analyze",
                "model": self.model,
                "scheme": self.scheme,
                "kind": "measured",
                "layer_samples": self.samples,
                "layers": [_described(layer) for layer in self.ranked()],
                "advice": list(self.advice),
                **dataclasses.asdict(self.figures),
            },
            indent=2,
        )


def _described(layer: AnalyzedLayer) -> dict[str, Any]:
    def told(alone: Alone | None) -> dict[str, Any] | None:
        if alone is None:
            return None
        return {"sqnr_db": alone.sqnr_db if alone.noise else None, "agreement": alone.agreement}

    parts = {"weights": told(layer.weights), "output": told(layer.output), "alone": told(layer.alone)}
    rest = {"share": layer.share, "saved": layer.saved, "so_far_db": layer.so_far_db}
    return {"name": layer.name, "op": layer.op, "scheme": layer.scheme, **parts, **rest}


def analyze(model: Model, request: Request, figures: Figures, progress: Progress) -> Analysis:
    """What quantizing ``model`` as ``request`` says costs, layer by layer. Raises ``UsageError`` without float model
    or samples.
    """
    if model.float_tflite is None or model.data is None:
        raise UsageError(
            f"{model.name} is quantized already" if model.float_tflite is None else "no data given",
            hint="give the float model, and samples of its inputs with --data",
        )
    tree, quantized = prepare(read_model(model.float_tflite)).model, read_model(model.tflite)
    samples = [np.asarray(array) for array in model.data.inputs]
    places, wanted = _places(tree, int8_outputs(quantized), request)
    found = sensitivities(tree, places, samples, lambda done, of: progress("each layer alone", done, of))
    together = _so_far(write_model(tree), model.tflite, [array[:SAMPLES] for array in samples], progress)
    total = sum(one.alone[-1].noise for one in found) or 1.0
    layers = []
    for place, one in zip(places, found, strict=True):
        tried = {(alone.scheme, alone.output): alone for alone in one.alone}
        scheme = wanted.get(place.name)
        weights, usual = tried.get((scheme, False)), tried.get((DEFAULT, False))
        saved = max(0.0, weights.noise - usual.noise) / total if weights and usual else 0.0
        alone, output = one.alone[-1], tried.get((None, True))
        where = together.get(_written(tree, place.index))
        layers.append(
            AnalyzedLayer(place.name, place.op, scheme, weights, output, alone, alone.noise / total, saved, where)
        )
    count = min(SAMPLES, len(samples[0]))
    return Analysis(model.name, request.scheme, count, tuple(layers), _advice(layers), figures)


def _written(tree: Any, index: int) -> str:
    """The name of the tensor that operator ``index`` writes."""
    subgraph = tree.subgraphs[0]
    return tensor_name(subgraph.tensors[int(subgraph.operators[index].outputs[0])])


def _places(
    tree: Any, outputs: Mapping[str, tuple[float, int]], request: Request
) -> tuple[tuple[Place, ...], dict[str, str]]:
    """Where quantization rounds anything, and the scheme of each layer with weights, by name.

    The last thing tried at a place is all of it.
    """
    layers = {layer.index: layer for layer in weighted_layers(tree)}
    wanted = {name: scheme.name for name, scheme in assigned(list(layers.values()), request).items()}
    names = {node.outputs[0]: node.name for node in read_tflite(write_model(tree), "the model").nodes}
    tensors, places = tree.subgraphs[0].tensors, []
    for index, operator in enumerate(tree.subgraphs[0].operators):
        written = _written(tree, index)
        output = outputs.get(written)
        read = [outputs.get(tensor_name(tensors[int(i)])) for i in operator.inputs if i >= 0]
        rounds = output is not None and output not in read
        layer = layers.get(index)
        if layer is None and not rounds:
            continue
        name = names[written] if layer is None else layer.name
        scheme = None if layer is None else scheme_named(wanted[name])
        usual = ((scheme_named(DEFAULT), False),) if scheme is not None and scheme.name != DEFAULT else ()
        weights = ((scheme, False),) if scheme is not None else ()
        trials = (*usual, *weights, *(((None, True),) if rounds else ()))
        both = ((scheme, True),) if scheme is not None and rounds else ()
        places.append(Place(index, name, operator_name(tree, operator), layer, output, (*trials, *both)))
    return tuple(places), wanted


def _so_far(
    float_tflite: bytes, tflite: bytes, samples: Sequence[np.ndarray[Any, Any]], progress: Progress
) -> Mapping[str, float]:
    """By tensor name: how far the float activations stand above what the integer ones differ from them (decibels)."""
    floats = Reference(float_tflite, exact=False, all_tensors=True)
    integers = Reference(tflite, all_tensors=True)
    grids = int8_outputs(read_model(tflite))
    count, signal, error = len(samples[0]), dict.fromkeys(grids, 0.0), dict.fromkeys(grids, 0.0)
    for number in range(count):
        sample = [array[number] for array in samples]
        real, whole = floats.tensors(sample), integers.tensors(sample)
        for name in grids.keys() & real.keys() & whole.keys():
            scale, zero_point = grids[name]
            near = scale * (whole[name].astype(np.float64) - zero_point)
            signal[name] += float((real[name].astype(np.float64) ** 2).sum())
            error[name] += float(((real[name] - near) ** 2).sum())
        progress("all layers together", number + 1, count)
    return {name: 10 * math.log10(signal[name] / error[name]) for name in grids if signal[name] and error[name]}


def _advice(layers: Sequence[AnalyzedLayer]) -> tuple[str, ...]:
    """What a person can do, for the layers that make most of the error."""
    ranked = sorted(layers, key=lambda layer: -layer.share)[:ADVICE]
    if sum(layer.alone.noise for layer in layers) < LITTLE:
        return (f"no layer loses much; {ranked[0].name} loses most, {100 * ranked[0].share:.0f} % of the little error",)
    return tuple(_about(layer) for place, layer in enumerate(ranked) if place == 0 or layer.share > WORTH_SAYING)


def _about(layer: AnalyzedLayer) -> str:
    begin = f"{layer.name} makes {100 * layer.share:.0f} % of the error"
    if layer.saved > layer.share / 2:
        line = f'"{layer.name}" = "{DEFAULT}"'
        return f"{begin}, {100 * layer.saved:.0f} % by narrow weights: give it eight bits ({line} in [quantize.layers])"
    if layer.output is not None and (layer.weights is None or layer.output.noise > layer.weights.noise):
        return f"{begin}, most by its output in eight bits: look for samples that widen its range, and give more others"
    return f"{begin}, by weights that have eight bits already"
