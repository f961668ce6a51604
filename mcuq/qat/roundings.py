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

_COUNTS = 5040.0
"""A multiple of nearly all counts of pixels that a window at a border still covers."""


@dataclass(frozen=True, slots=True, eq=False)
class Rounding:
    """An output is rounded to ``parts`` of a step first (other ones ``below`` zero, if given), and then with ``offset``
    added; halves away from zero.
    """

    parts: Any = 1.0
    offset: float = 0.0
    below: Any = None

    def __call__(self, steps: Any) -> Any:
        parts = self.parts if self.below is None else tf.where(steps > 0.0, self.parts, self.below)
        return _half_away(_half_away(steps * parts) / parts + self.offset) - self.offset


ONCE = Rounding(4096.0)
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
        return Rounding(_parts(accumulators / output))
    if step.op == "AVERAGE_POOL_2D":  # divided with the zero point in
        return Rounding(_COUNTS, zero_point)
    if step.op == "RELU":
        return Rounding(_parts(scales[step.inputs[0]] / output))
    if step.op == "MUL" and all(index in scales for index in step.inputs):
        return Rounding(_parts(scales[step.inputs[0]] * scales[step.inputs[1]] / output))
    if step.op == "MEAN":
        return Rounding(_parts(scales[step.inputs[0]] / output, int(np.log2(elements))))
    if step.op == "LEAKY_RELU":
        factor = scales[step.inputs[0]] / output
        return Rounding(_parts(factor), 0.0, _parts(factor * step.options.alpha))
    return ONCE


def _parts(factors: Any, power: int = 0) -> Any:
    """``factors`` are a half to one times a power of two, ``power`` more: that comes off last, with a rounding."""
    taken = power - tf.floor(tf.math.log(tf.stop_gradient(factors)) / math.log(2.0)) - 1.0
    return 2.0 ** tf.maximum(taken, 0.0)


def _half_away(x: Any) -> Any:
    return tf.sign(x) * tf.floor(tf.abs(x) + 0.5)
