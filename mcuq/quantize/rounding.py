"""The weights of a float model, layer by layer, onto the grids of their schemes, with the errors made taken back.

Each layer is rounded for the inputs that the layers before it, already rounded, give it. Two things take errors back:
rounding feeds its errors to the weights still to come (``gptq``), and the bias takes what is left on average. No labels
are needed, and no training. What feedback is to make small is the error about its mean, since biases take the mean.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.bias_correction import add_to_bias
from mcuq.quantize.bias_range import bias_scales, set_weights
from mcuq.quantize.double import coarse_bias, raised
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


BRANCH_ROUNDS = 3
"""Of fitting the rounded weights and the branch beside them in turns."""

BRANCH_BITS = 1.5
"""A branch that takes more, for each weight of its layer, is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """What is added to rounded weights: ``second`` (channels, rank) times ``first`` (rank, depth)."""

    second: Array
    first: Array

    @property
    def bits(self) -> float:
        """For each weight of the layer, as int8."""
        return float(8 * (self.second.size + self.first.size) / (len(self.second) * self.first.shape[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Rounded:
    """A layer's weights: ``integers`` (channels, depth) on ``grid``, by ``scheme``, and the ``branch`` beside them.

    ``sqnr_db`` is how far the layer's output stands above what rounding the weights adds to it (decibels, on the
    calibration data, infinite where nothing is added).
    """

    layer: WeightedLayer
    scheme: Scheme
    grid: Grid
    integers: Array
    sqnr_db: float
    branch: Branch | None = None

    def real_rows(self) -> Array:
        """What weights and branch are together, as real numbers (channels, depth)."""
        real = self.grid.real(self.integers)
        return real if self.branch is None else real + self.branch.second @ self.branch.first

    def real_weights(self) -> Array:
        """The same in the layout of the layer's weights."""
        return self.layer.unrolled(self.real_rows())

    def bias_shift(self, known: Moments) -> Array:
        """What the bias must take back, for inputs with the ``known`` moments: what rounding changes on average."""
        float_mean = (self.layer.rows() * known.float_mean).sum(axis=1)
        return np.asarray(float_mean - (self.real_rows() * known.mean).sum(axis=1))

    @property
    def described(self) -> LayerScheme:
        layer, scheme = self.layer, self.scheme
        bits = scheme.bits + (0.0 if self.branch is None else self.branch.bits)
        return LayerScheme(layer.name, layer.op, scheme.name, layer.weights.size, bits, self.sqnr_db)


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
    importance = np.diagonal(second, axis1=1, axis2=2)
    grid = scheme.grid(rows, importance)
    integers, branch = round_with_feedback(rows, second, grid), None
    if scheme.rank and not layer.depthwise and scheme.rank < min(rows.shape):
        for _ in range(BRANCH_ROUNDS):
            branch = _branch(rows - grid.real(integers), second[0], scheme.rank)
            if branch.bits > BRANCH_BITS:
                branch = None
                break
            left = rows - branch.second @ branch.first
            grid = scheme.grid(left, importance)
            integers = round_with_feedback(left, second, grid)
    found = Rounded(layer, scheme, grid, integers, math.inf, branch)
    signal, noise = _power(rows, second), _power(found.real_rows() - rows, second)
    above = float(10 * np.log10(signal / noise)) if signal and noise else math.inf
    return dataclasses.replace(found, sqnr_db=above)


def _branch(rows: Array, second: Array, rank: int) -> Branch:
    """Of that ``rank``, what is nearest to ``rows`` for inputs with these second moments."""
    factor = np.linalg.cholesky(second)
    left, sizes, right = np.linalg.svd(rows @ factor, full_matrices=False)
    share = np.sqrt(sizes[:rank])
    return Branch(left[:, :rank] * share, np.linalg.solve(factor.T, (share[:, None] * right[:rank]).T).T)


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
        if found.scheme.double:
            scales = raised(scales, grid.scales)
            bias = coarse_bias(bias, scales * float(source.quantization.scale[0]))
        integers = np.where(
            (scales > grid.scales)[:, None],
            grid.nearest(found.integers * (grid.scales / scales)[:, None]),
            found.integers,
        )
        values = np.ascontiguousarray(found.layer.unrolled(integers).astype(np.int8))
        set_weights(model, operator, values, scales.astype(np.float32), bias)
