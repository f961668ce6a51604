"""Constants of four and two bits in TFLite files, as the int8 values that they stand for. What is computed is int8."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

BITS: Mapping[str, int] = {"INT4": 4, "INT2": 2}
"""By the schema's name of the element type."""


def packed_bytes(elements: int, bits: int) -> int:
    return -(-elements * bits // 8)


def unpacked(packed: npt.NDArray[np.uint8], bits: int, elements: int) -> npt.NDArray[np.int8]:
    """The first ``elements`` values (n,), read-only; the first of a byte lies in its lowest bits."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes = (packed[:, np.newaxis] >> shifts).reshape(-1)[:elements].astype(np.uint8)
    values = (codes << (8 - bits)).astype(np.uint8).view(np.int8) >> (8 - bits)
    values.flags.writeable = False
    return values
