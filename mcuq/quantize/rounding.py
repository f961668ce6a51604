"""The weights of a float model, layer by layer, onto the grids of their schemes, with the errors made taken back.

Each layer is rounded for the inputs that the layers before it, already rounded, give it. Two things take errors back:
rounding feeds its errors to the weights still to come (``gptq``), and the bias takes what is left on average. No labels
are needed, and no training. What feedback is to make small is the error about its mean, since biases take the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.bias_correction import add_to_bias
from mcuq.quantize.bias_range import bias_scales, set_weights
from mcuq.quantize.flatbuffer import add_buffer, tensor_name
from mcuq.quantize.gptq import damped, round_with_feedback
from mcuq.quantize.moments import Moments, moments
from mcuq.quantize.request import LayerScheme
from mcuq.quantize.scheme import Array, Grid, Scheme
from mcuq.quantize.segments import run_layers, run_segment
from mcuq.quantize.weighted_layer import WeightedLayer

MOST_SAMPLES = 128
MOST_BYTES = 1 << 28
"""Of activations of the float model that are kept; for more, fewer samples are used."""


@dataclass(frozen=True, slots=True, eq=False)
class Rounded:
    """A layer's weights: ``integers`` (channels, depth) on ``grid``, by ``scheme``.

    ``sqnr_db`` is how far the layer's output stands above what rounding the weights adds to it (decibels, on the
    calibration data, infinite where nothing is added).
    """

    layer: WeightedLayer
    scheme: Scheme
    grid: Grid
    integers: Array
    sqnr_db: float

    def real_weights(self) -> Array:
        """The rounded weights as real numbers, in the layout of the layer's."""
        return self.layer.unrolled(self.grid.real(self.integers))

    def bias_shift(self, known: Moments) -> Array:
        """What the bias must take back, for inputs with the ``known`` moments: what rounding changes on average."""
        float_mean = (self.layer.rows() * known.float_mean).sum(axis=1)
        return np.asarray(float_mean - (self.grid.real(self.integers) * known.mean).sum(axis=1))

    @property
    def described(self) -> LayerScheme:
        layer, scheme = self.layer, self.scheme
        return LayerScheme(layer.name, layer.op, scheme.name, layer.weights.size, scheme.bits, self.sqnr_db)


def round_model(
    model: Any,
    layers: Sequence[WeightedLayer],
    schemes: Mapping[str, Scheme],
    samples: Sequence[Array],
    progress: Callable[[int, int], None],
) -> Mapping[str, Rounded]:
    """Rounds the weights of ``layers`` in the ``ModelT`` tree, and corrects their biases.

    ``schemes`` by layer; ``samples`` has one array (n, ...) for each input. The result is by the name of the layer's
    output tensor.
    """
    inputs = [int(layer.operator.inputs[0]) for layer in layers]
    values, references = run_layers(model, inputs, samples, MOST_SAMPLES, MOST_BYTES)
    found: dict[str, Rounded] = {}
    position = 0
    for done, (layer, source) in enumerate(zip(layers, inputs, strict=True)):
        values = run_segment(model, position, layer.index, values)
        position = layer.index
        known = moments(layer, values[source], references[source])
        rounded = round_layer(layer, schemes[layer.name], known)
        _put_back(model, rounded, known)
        found[tensor_name(model.subgraphs[0].tensors[layer.operator.outputs[0]])] = rounded
        progress(done + 1, len(layers))
    return found


def round_layer(layer: WeightedLayer, scheme: Scheme, known: Moments) -> Rounded:
    """The layer's weights, rounded for inputs with the ``known`` moments."""
    rows, second = layer.rows(), damped(known.second)
    grid = scheme.grid(rows, np.diagonal(second, axis1=1, axis2=2))
    integers = round_with_feedback(rows, second, grid)
    signal, noise = _power(rows, second), _power(grid.real(integers) - rows, second)
    above = float(10 * np.log10(signal / noise)) if signal and noise else math.inf
    return Rounded(layer, scheme, grid, integers, above)


def _power(rows: Array, second: Array) -> float:
    """Of what ``rows`` make of inputs with these second moments, summed over the channels."""
    products = rows @ second[0] if len(second) == 1 else np.einsum("ck,ckl->cl", rows, second)
    return float((products * rows).sum())


def _put_back(model: Any, rounded: Rounded, known: Moments) -> None:
    """Puts the rounded weights, as floats, into the tree, and what they change on average into the bias."""
    weights = model.subgraphs[0].tensors[rounded.layer.operator.inputs[1]]
    weights.buffer = add_buffer(model, rounded.real_weights().astype(np.float32))
    add_to_bias(model, rounded.layer.operator, rounded.bias_shift(known))


def set_rounded(model: Any, rounded: Mapping[str, Rounded], biases: Mapping[str, Array]) -> None:
    """Gives the layers of a quantized ``ModelT`` tree the integers and scales that they were rounded to.

    Both mappings are by the name of the layer's output. A scale is wider where the bias needs it: those weights are so
    small beside it that what rounding them again does to them hardly counts.
    """
    tensors = model.subgraphs[0].tensors
    for operator in list(model.subgraphs[0].operators):
        name = tensor_name(tensors[operator.outputs[0]])
        if name not in rounded or tensors[operator.inputs[1]].type != schema.TensorType.INT8:
            continue
        found, bias = rounded[name], biases[name]
        grid, source = found.grid, tensors[operator.inputs[0]]
        scales = np.maximum(grid.scales, bias_scales(source, bias))
        integers = np.where(
            (scales > grid.scales)[:, None],
            grid.nearest(found.integers * (grid.scales / scales)[:, None]),
            found.integers,
        )
        values = np.ascontiguousarray(found.layer.unrolled(integers).astype(np.int8))
        set_weights(model, operator, values, scales.astype(np.float32), bias)
