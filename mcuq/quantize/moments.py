"""What rounding needs to know of a layer's inputs: means and second moments of the windows that weights multiply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcuq.quantize.scheme import Array
from mcuq.quantize.weighted_layer import WeightedLayer

MOST_WINDOWS = 1 << 15
"""Of a layer over all samples; more are drawn from."""


UNCHANGING = 1e-6
"""Of its mean square: an input whose variance is less is taken as constant; sums in single precision know no better."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """``mean`` of the inputs in the rounded model and ``float_mean`` in the float model, (n, depth), and ``second``
    moments about the mean in the rounded model, (n, depth, depth): ``cross`` of its inputs with the float model's.
    n is 1, or the channels in depthwise layers. They are of ``windows`` windows.
    """

    mean: Array
    float_mean: Array
    second: Array
    cross: Array
    windows: int

    def trusted_second(self) -> Array:
        """``second`` with correlations smaller, the fewer windows they were seen in: what few samples happen to have in
        common, others have not.
        """
        depth = self.second.shape[-1]
        share = self.windows / (self.windows + depth)
        return np.asarray(self.second * np.where(np.eye(depth, dtype=bool), 1.0, share))


def moments(layer: WeightedLayer, inputs: Sequence[Array], float_inputs: Sequence[Array]) -> Moments:
    """Of the layer's inputs, one array with batch for each sample, in the rounded and in the float model."""
    most = max(1, MOST_WINDOWS // len(inputs))
    generator = np.random.default_rng(layer.index)
    rows, depth = layer.row_kinds
    means, drawn = np.zeros((2, rows, depth)), np.zeros((2, rows, depth))
    seconds, count = np.zeros((2, rows, depth, depth)), 0
    for values, float_values in zip(inputs, float_inputs, strict=True):
        windows = layer.windows(values)
        floats = windows if values is float_values else layer.windows(float_values)
        means += _mean(windows), _mean(floats)
        if windows.shape[1] > most:
            chosen = generator.choice(windows.shape[1], most, replace=False)
            windows, floats = windows[:, chosen], floats[:, chosen]
        drawn += _mean(windows), _mean(floats)
        turned = windows.transpose(0, 2, 1)
        seconds += turned @ windows / windows.shape[1], turned @ floats / windows.shape[1]
        count += windows.shape[1]
    (mean, float_mean), drawn = means / len(inputs), drawn / len(inputs)
    squares = np.diagonal(seconds[0], axis1=1, axis2=2) / len(inputs)
    central = seconds / len(inputs) - drawn[0][:, :, None] * drawn[:, :, None, :]
    changing = np.diagonal(central[0], axis1=1, axis2=2) > UNCHANGING * squares
    second, cross = central * (changing[:, :, None] & changing[:, None, :])
    return Moments(mean, float_mean, second, cross, count)


def products(rows: Array, matrices: Array) -> Array:
    """Each of ``rows`` (channels, depth) times its matrix: (channels, depth, depth), or (1, depth, depth) for all."""
    return np.asarray(rows @ matrices[0] if len(matrices) == 1 else np.einsum("ck,ckl->cl", rows, matrices))


def powers(rows: Array, second: Array) -> Array:
    """Of what each of ``rows`` makes of inputs with these second moments."""
    return np.asarray((products(rows, second) * rows).sum(axis=1))


def _mean(windows: Array) -> Array:
    return np.asarray(windows.mean(axis=1, dtype=np.float64))
