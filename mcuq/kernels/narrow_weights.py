"""Weights in fewer than eight bits, as mcuq_unpack_dsp.h unpacks them into the stream of ``packed_weights``. No kernel.

A narrow stream is made from the stream itself, so that the order of its weights is decided in one place, and is the
same for every kernel that reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mcuq.kernels.fast_requantize import wrapped
from mcuq.ops.base import Array


@dataclass(frozen=True, slots=True)
class Encoding:
    """``name`` is the enumerator's in C, without ``mcuq_encoding_``. ``table_bytes`` is scratch for unpacking;
    ``weight_cycles`` estimates unpacking a weight, ``table_cycles`` making a table (Cortex-M4).

    ``own``: each output channel has its own palette, else there is one for the layer, or none.
    """

    name: str
    bits: int
    palette: bool = False
    own: bool = False
    table_bytes: int = 0
    weight_cycles: float = 0.0
    table_cycles: int = 0


INT4 = Encoding("int4", 4, weight_cycles=1.7)
PALETTE16 = Encoding("palette16", 4, True, False, 512, 3.3, 2000)
PALETTES16 = Encoding("palettes16", 4, True, True, 512, 3.3, 2000)
PALETTE4 = Encoding("palette4", 2, True, False, 32, 3.3, 140)
PALETTES4 = Encoding("palettes4", 2, True, True, 32, 3.3, 140)

KINDS = ("int4", "int2", "palette16", "palette4")
"""Kinds of weights where there is one palette for a layer, or none."""
COLOURS = {"palette16": 16, "palette4": 4}


def colours(weights: Array) -> int:
    """Distinct values of ``weights``."""
    return len(np.unique(weights))


def int4_refusal(rows: Array) -> str | None:
    """Why ``rows`` (outputs, depth) are not kept in four bits each, or None."""
    low, high = int(rows.min()), int(rows.max())
    if low < -8 or high > 7:
        return f"the weights reach from {low} to {high}, -8 to 7 is needed"
    return None


def int2_refusal(rows: Array) -> str | None:
    """The same for two bits."""
    low, high = int(rows.min()), int(rows.max())
    if low < -2 or high > 1:
        return f"the weights reach from {low} to {high}, -2 to 1 is needed"
    return None


def kind_refusal(rows: Array, kind: str, int4: Callable[[Array], str | None] = int4_refusal) -> str | None:
    """Why ``rows`` (outputs, depth) are not those of ``kind``, the one of ``KINDS`` that serves best, or None.

    ``int4`` says why a kernel does not take them in four bits.
    """
    count = colours(rows)
    if kind == "int2":
        return int2_refusal(rows)
    if int2_refusal(rows) is None or (count <= 4 and kind != "palette4"):
        return "two bits for a weight are enough"
    if kind == "int4":
        return int4(rows)
    if kind == "palette16" and int4(rows) is None:
        return "the weights are from -8 to 7: they need no palette"
    most = COLOURS[kind]
    return None if count <= most else f"the layer has {count} distinct weights, {most} are possible"


def palette_encoding(rows: Array, bits: int) -> Encoding | None:
    """The encoding of palettes for ``rows`` (outputs, depth), zero among them where the kernel fills up; or None."""
    most = 1 << bits
    if colours(rows) <= most:
        return PALETTE16 if bits == 4 else PALETTE4
    if max(colours(row) for row in rows) <= most:
        return PALETTES16 if bits == 4 else PALETTES4
    return None


def encoding_for(rows: Array, kind: str) -> Encoding | str:
    """The encoding of a ``kind`` (int4, palette16, palette4) for ``rows`` (outputs, depth), or why there is none.

    An encoding that serves no purpose beside a smaller or a quicker one is none.
    """
    small = palette_encoding(rows, 2)
    if kind == "palette4":
        return (
            small or f"output channels have up to {max(colours(row) for row in rows)} distinct weights, 4 are possible"
        )
    if small is not None:
        return "two bits for a weight are enough"
    refusal = int4_refusal(rows)
    if kind == "int4":
        return refusal or INT4
    if refusal is None:
        return "the weights are from -8 to 7: they need no palette"
    large = palette_encoding(rows, 4)
    return large or f"output channels have up to {max(colours(row) for row in rows)} distinct weights, 16 are possible"


def lanes(words: Array) -> Array:
    """The four weights of each of the stream's ``words``, along a new last axis: even and odd channel, twice."""
    halves = np.stack([words & 0xFFFF, (words >> 16) & 0xFFFF], axis=-1)
    even = ((halves & 0xFF) ^ 0x80) - 0x80
    odd = ((((halves - even) >> 8) & 0xFF) ^ 0x80) - 0x80
    result: Array = np.stack([even, odd], axis=-1).reshape(*words.shape, 4)
    return result


def narrow(stream: Array, pairs: int, channels: int, encoding: Encoding, seeds: int = 0) -> Array:
    """The narrow stream, int32, for ``stream`` (groups, words) of ``channels`` with ``pairs`` activation pairs.

    ``seeds`` constants stand before the weights of a group, the others behind.
    """
    before, words, behind = np.split(stream.astype(np.int64), [seeds, seeds + 2 * pairs], axis=1)
    weights = lanes(words).reshape(len(stream), pairs, 2, 2, 2)
    by_channel = weights.transpose(0, 2, 4, 1, 3).reshape(4 * len(stream), 2 * pairs)[:channels]
    head, codes, own = _codes(weights, by_channel, encoding)
    groups = np.concatenate([before, own, _words(codes, encoding), behind], axis=1)
    return wrapped(np.concatenate([head, groups.reshape(-1)])).astype(np.int32)


def _codes(weights: Array, by_channel: Array, encoding: Encoding) -> tuple[Array, Array, Array]:
    """Words before the groups, codes in the shape of ``weights``, words before each group's codes."""
    groups = len(weights)
    if not encoding.palette:
        return np.zeros(0, np.int64), weights + 8, np.zeros((groups, 0), np.int64)
    size = 1 << encoding.bits
    palettes = np.zeros((4 * groups, size), np.int64)
    shared = np.unique(by_channel)
    for channel in range(4 * groups):
        values = shared
        if encoding.own:
            values = np.unique(by_channel[channel]) if channel < len(by_channel) else np.zeros(1, np.int64)
        palettes[channel] = np.pad(values, (0, size - len(values)), mode="edge")
    flat = weights.transpose(0, 2, 4, 1, 3).reshape(4 * groups, -1)
    codes = np.stack([np.searchsorted(p, row).clip(0, size - 1) for p, row in zip(palettes, flat, strict=True)])
    shaped = codes.reshape(groups, 2, 2, -1, 2).transpose(0, 3, 1, 4, 2)
    words = little_endian(palettes & 0xFF)
    if encoding.own:
        return np.zeros(0, np.int64), shaped, words.reshape(groups, -1)
    return words[0], shaped, np.zeros((groups, 0), np.int64)


def _words(codes: Array, encoding: Encoding) -> Array:
    """(groups, words) for codes (groups, pairs, word, activation, channel)."""
    groups, pairs = codes.shape[:2]
    even, odd = codes[..., 0], codes[..., 1]  # (groups, pairs, word, activation)
    if encoding.name == "int4":
        octets = codes[:, :, 0].reshape(groups, pairs, 4) | (codes[:, :, 1].reshape(groups, pairs, 4) << 4)
    elif encoding.bits == 4:
        octets = even | (odd << 4)
    else:
        octets = even[..., 0] | (odd[..., 0] << 2) | (even[..., 1] << 4) | (odd[..., 1] << 6)
        octets = np.pad(octets, ((0, 0), (0, pairs % 2), (0, 0)))
    return little_endian(octets.reshape(groups, -1))


def little_endian(octets: Array) -> Array:
    """(rows, bytes) as (rows, words)."""
    fours = octets.reshape(len(octets), -1, 4)
    words: Array = fours[..., 0] | (fours[..., 1] << 8) | (fours[..., 2] << 16) | (fours[..., 3] << 24)
    return words
