"""What a quantization scheme is: which values the weights of a layer may take. How they are stored is not decided here.

Whatever the scheme, the values are int8 with one scale for each output channel, so that the result is a plain int8
TFLite model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The values that a layer's weights may take: each of ``levels`` (int8, ascending, none twice) times the ``scales``
    of the output channel, one a channel.
    """

    levels: Array
    scales: Array

    def nearest(self, steps: Array) -> Array:
        """The levels nearest to ``steps``, which are weights divided by their scales."""
        middles = (self.levels[1:] + self.levels[:-1]) / 2
        found: Array = self.levels[np.searchsorted(middles, steps)]
        return found

    def real(self, integers: Array) -> Array:
        """The weights (channels, depth) that ``integers`` of that shape stand for."""
        values: Array = integers * self.scales[:, None]
        return values


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme by its ``name``. ``bits`` is what a weight takes in flash at least, tables left out.

    ``grid`` gives the grid for the weights (channels, depth), given how much each weight matters: the mean square of
    the inputs that it multiplies, (channels, depth) or (1, depth). ``activation_bits`` is 8, or 16 for the whole model.
    ``per_tensor``: channels share one scale, so it is worth making their weights alike first (``equalize``).
    ``rank``: of the int8 branch beside the weights (``low_rank``), 0 for none.
    ``searched``: a search for the best scheme of each layer tries it; others with as many bits are as good where not.
    ``two_valued``: the layer's inputs have two values where they can, which only training makes (``mcuq.qat``).
    ``double``: scales and biases are quantized, too (``mcuq.quantize.double``); training leaves these scales alone.
    """

    name: str
    summary: str
    bits: float
    grid: Callable[[Array, Array], Grid]
    activation_bits: int = 8
    per_tensor: bool = False
    rank: int = 0
    searched: bool = True
    two_valued: bool = False
    double: bool = False

    @property
    def free_scales(self) -> bool:
        """May the scale of each channel be any?"""
        return not (self.per_tensor or self.double)

    @property
    def is_plain(self) -> bool:
        """Are activations int8, with a scale for each channel and no branch?"""
        return self.activation_bits == 8 and not (self.per_tensor or self.rank)
