"""MAX_POOL_2D: ``out[n,y,x,c] = act(max of in[n, y·sy+ky-py, x·sx+kx-px, c] over the taps inside the input)``.

Integer: ``clamp(max)`` of the quantized values themselves; nothing is rescaled.
Source: TFLite ``reference_integer_ops::MaxPool``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mcuq.ir import Layer
from mcuq.ops.activation import quantized_range
from mcuq.ops.base import Array, Operator
from mcuq.ops.pooling import CASES, CONSTRAINTS, Pool2D, attributes, windows


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Pool2D = layer.attributes
    x = inputs[0]
    assert x is not None
    low, high = quantized_range(a.activation, layer.output.type)
    y = np.empty(layer.output.shape, layer.output.type.dtype.numpy)
    for row, column, window in windows(a, x):
        y[:, row, column] = np.clip(window.max(axis=(1, 2)).astype(np.int64), low, high)
    return (y,)


OPERATORS = (Operator("MAX_POOL_2D", attributes, CONSTRAINTS, reference, CASES),)
