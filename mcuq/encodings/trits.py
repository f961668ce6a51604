"""Five weights of three values in a byte: 1.6 bits each."""

from __future__ import annotations

import numpy as np

from mcuq.encodings.base import Encoding, Measured
from mcuq.ops.base import Array

VALUES = 3
IN_A_BYTE = 5


def measure(values: Array, counts: Array) -> Measured | str:
    if len(values) > VALUES:
        return f"the weights have {len(values)} distinct values, {VALUES} are possible"
    if len(values) < VALUES:
        return "one bit for a weight is enough"
    return Measured(VALUES - (-int(counts.sum()) // IN_A_BYTE), 0, 4)


def encode(weights: Array) -> Array:
    palette, codes = np.unique(weights, return_inverse=True)
    digits = np.pad(codes.reshape(-1), (0, -codes.size % IN_A_BYTE)).reshape(-1, IN_A_BYTE)
    numbers = digits @ VALUES ** np.arange(IN_A_BYTE - 1, -1, -1)
    # The least b whose b / 256 is numbers / 243 or more: three times it shows the first digit above 255, and so on.
    octets = -(-256 * numbers // VALUES**IN_A_BYTE)
    return np.concatenate([palette.astype(np.int8).view(np.uint8), octets.astype(np.uint8)])


ENCODING = Encoding("trits", measure, encode, 16.0)
