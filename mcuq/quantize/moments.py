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
    moments about the mean in the rounded model, (n, depth, depth). n is 1, or the channels in depthwise layers.
    """

    mean: Array
    float_mean: Array
    second: Array


def moments(layer: WeightedLayer, inputs: Sequence[Array], float_inputs: Sequence[Array]) -> Moments:
    """Of the layer's inputs, one array with batch for each sample, in the rounded and in the float model."""
    most = max(1, MOST_WINDOWS // len(inputs))
    generator = np.random.default_rng(layer.index)
    rows, depth = layer.row_kinds
    means, drawn_means, seconds = np.zeros((2, rows, depth)), np.zeros((rows, depth)), np.zeros((rows, depth, depth))
    for values, float_values in zip(inputs, float_inputs, strict=True):
        windows = layer.windows(values)
        means += _mean(windows), _mean(layer.windows(float_values))
        if windows.shape[1] > most:
            windows = windows[:, generator.choice(windows.shape[1], most, replace=False)]
        drawn_means += _mean(windows)
        seconds += windows.transpose(0, 2, 1) @ windows / windows.shape[1]
    (mean, float_mean), drawn, second = means / len(inputs), drawn_means / len(inputs), seconds / len(inputs)
    central = second - drawn[:, :, None] * drawn[:, None, :]
    squares = np.diagonal(second, axis1=1, axis2=2)
    changing = np.diagonal(central, axis1=1, axis2=2) > UNCHANGING * squares
    return Moments(mean, float_mean, central * (changing[:, :, None] & changing[:, None, :]))


def _mean(windows: Array) -> Array:
    return np.asarray(windows.mean(axis=1, dtype=np.float64))
