"""The weights of a float model, layer by layer, onto the grids of their schemes, with the errors made taken back.

Each layer is rounded for the inputs that the layers before it, already rounded, give it. Three things take errors back:
weights are first moved to where they make the float model's output of these inputs (in the directions in which inputs
vary most: no samples say enough of the others), rounding is done with the errors at the output in view (``roundings``),
and the scale and the bias of each channel take what is left in proportion and on average. No labels are needed, and no
training.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from threadpoolctl import threadpool_limits

from mcuq.quantize.bias_correction import add_to_bias
from mcuq.quantize.bias_range import bias_scales, set_weights
from mcuq.quantize.double import coarse_bias, raised
from mcuq.quantize.flatbuffer import add_buffer, tensor_name
from mcuq.quantize.gptq import damped
from mcuq.quantize.moments import Moments, moments, powers, products
from mcuq.quantize.request import LayerScheme
from mcuq.quantize.roundings import NEAREST, Rounding, with_scales
from mcuq.quantize.scheme import Array, Grid, Scheme
from mcuq.quantize.segments import run_layers, run_segment
from mcuq.quantize.weighted_layer import WeightedLayer

MOST_SAMPLES = 128
MOST_BYTES = 1 << 28
"""Of activations of the float model that are kept; for more, fewer samples are used."""


PENALTY = 1.0
"""On moving weights, in parts of the mean power of the inputs."""

SCALE_WINDOWS = 16
"""Inputs of a layer from which the factor for its scales would be trusted half."""

MOST_FACTOR = 2.0

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
    rounding: Rounding,
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
    with threadpool_limits(1, "blas"):  # matrices are small: further threads take time, and give other last places
        for done, (layer, source) in enumerate(zip(layers, inputs, strict=True)):
            values = run_segment(model, position, layer.index, values)
            position = layer.index
            known = moments(layer, values[source], references[source])
            rounded = round_layer(layer, schemes[layer.name], known, rounding)
            _put_back(model, rounded, known)
            found[tensor_name(model.subgraphs[0].tensors[layer.operator.outputs[0]])] = rounded
            progress(done + 1, len(layers))
    return found


def round_layer(layer: WeightedLayer, scheme: Scheme, known: Moments, rounding: Rounding) -> Rounded:
    """The layer's weights, rounded for inputs with the ``known`` moments."""
    rows, second = layer.rows(), damped(known.trusted_second())
    if rounding.name != NEAREST:
        rows = _moved(rows, known)
    (grid, integers), branch = rounding.rounded(rows, second, scheme), None
    if scheme.rank and not layer.depthwise and scheme.rank < min(rows.shape):
        for _ in range(BRANCH_ROUNDS):
            branch = _branch(rows - grid.real(integers), second[0], scheme.rank)
            if branch.bits > BRANCH_BITS:
                branch = None
                break
            grid, integers = rounding.rounded(rows - branch.second @ branch.first, second, scheme)
    found = Rounded(layer, scheme, grid, integers, math.inf, branch)
    signal, noise = powers(rows, second).sum(), powers(found.real_rows() - rows, second).sum()
    above = float(10 * np.log10(signal / noise)) if signal and noise else math.inf
    found = dataclasses.replace(found, sqnr_db=above)
    return found if rounding.name == NEAREST or not scheme.free_scales else _in_proportion(found, known)


def _moved(rows: Array, known: Moments) -> Array:
    """``rows`` moved to where they make of the rounded model's inputs what they make of the float model's.

    By least squares, with a penalty on moving, so that nothing moves for what few or small inputs would say.
    """
    depth = rows.shape[1]
    mean_power = np.trace(known.second, axis1=1, axis2=2) / depth
    penalty = PENALTY * (1 + depth / known.windows) * mean_power + 1e-10
    missing = products(rows, known.cross.transpose(0, 2, 1) - known.second)
    return np.asarray(rows + products(missing, np.linalg.inv(known.second + penalty[:, None, None] * np.eye(depth))))


def _in_proportion(found: Rounded, known: Moments) -> Rounded:
    """``found`` with the scales that bring its output nearest to the float model's."""
    wanted = products(found.layer.rows(), known.cross.transpose(0, 2, 1))
    if found.branch is not None:
        wanted -= products(found.branch.second @ found.branch.first, known.second)
    scales = found.grid.scales
    factors = with_scales(found.grid, found.integers, wanted, known.second).scales / scales
    trust = known.windows / (known.windows + SCALE_WINDOWS)
    factors = 1 + trust * (np.clip(factors, 1 / MOST_FACTOR, MOST_FACTOR) - 1)
    return dataclasses.replace(found, grid=Grid(found.grid.levels, scales * factors))


def _branch(rows: Array, second: Array, rank: int) -> Branch:
    """Of that ``rank``, what is nearest to ``rows`` for inputs with these second moments."""
    factor = np.linalg.cholesky(second)
    left, sizes, right = np.linalg.svd(rows @ factor, full_matrices=False)
    share = np.sqrt(sizes[:rank])
    return Branch(left[:, :rank] * share, np.linalg.solve(factor.T, (share[:, None] * right[:rank]).T).T)


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
