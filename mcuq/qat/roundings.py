"""How the integer kernels round what fake quantization rounds in one go: it shows where factors are near one, which is
where weights have few values. The formulas are in ``mcuq.ops``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from mcuq.qat.program import Step

_COUNTS = 5040
"""A multiple of nearly all counts of pixels that a window at a border still covers."""


@dataclass(frozen=True, slots=True, eq=False)
class Rounding:
    """To the nearest whole number about ``offset``, halves away from zero, ``half`` being what reaches the next one.

    ``half`` is more than 0.5 where a number is rounded to parts first: 0.5 less half a part becomes 0.5 then, and 1.
    ``below``, if given, is that of what is below zero.
    """

    half: Any = 0.5
    offset: float = 0.0
    below: Any = None

    def __call__(self, steps: Any, *, positive: bool) -> Any:
        """``positive``: nothing is below zero."""
        if positive and not self.offset:
            return tf.floor(steps + self.half)
        half = self.half if self.below is None else tf.where(steps > 0.0, self.half, self.below)
        moved = steps + self.offset if self.offset else steps
        whole = tf.sign(moved) * tf.floor(tf.abs(moved) + half)
        return whole - self.offset if self.offset else whole


def _in_parts(parts: int) -> float:
    return 0.5 + 0.5 / parts


ONCE = Rounding(_in_parts(4096))
"""So finely at first that only the errors of float32 at ties go."""


def rounding(  # noqa: PLR0911 - one for each operator
    step: Step, scales: Mapping[int, Any], accumulators: Any, zero_point: float, elements: int
) -> Rounding:
    """Of a step's output, whose zero point is given.

    ``scales`` are of activations, ``accumulators`` are the scales of those of a layer with weights, None for others.
    ``elements`` go into one of a mean.
    """
    output = scales[step.output]
    if step.op in {"CONV_2D", "DEPTHWISE_CONV_2D"} and accumulators is not None:
        return Rounding(_half(accumulators / output))
    if step.op == "AVERAGE_POOL_2D":  # divided with the zero point in
        return Rounding(_in_parts(_COUNTS), zero_point)
    if step.op == "RELU":
        return Rounding(_half(scales[step.inputs[0]] / output))
    if step.op == "MUL" and all(index in scales for index in step.inputs):
        return Rounding(_half(scales[step.inputs[0]] * scales[step.inputs[1]] / output))
    if step.op == "MEAN":
        return Rounding(_half(scales[step.inputs[0]] / output, int(np.log2(elements))))
    if step.op == "LEAKY_RELU":
        factor = scales[step.inputs[0]] / output
        return Rounding(_half(factor), 0.0, _half(factor * step.options.alpha))
    return ONCE


def _half(factors: Any, power: int = 0) -> Any:
    """``factors`` are a half to one times a power of two, ``power`` more: that comes off last, with a rounding."""
    taken = power - tf.floor(tf.math.log(tf.stop_gradient(factors)) / math.log(2.0)) - 1.0
    return 0.5 + tf.where(taken > 0.0, 0.5 * 2.0**-taken, 0.0)
