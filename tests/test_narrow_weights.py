"""Weights in fewer than eight bits are found again in their stream; layers that do not fit an encoding are named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.kernels import pairs
from mcuq.kernels.mcuq_fully_connected_narrow import kind_refusal
from mcuq.kernels.mcuq_fully_connected_narrow import narrow as narrow_rows
from mcuq.kernels.narrow_weights import (
    INT4,
    PALETTE4,
    PALETTE16,
    PALETTES4,
    PALETTES16,
    Encoding,
    encoding_for,
    lanes,
    narrow,
)
from mcuq.kernels.packed_weights import pack

CONSTANTS = 8
ENCODINGS = (INT4, PALETTE16, PALETTES16, PALETTE4, PALETTES4)


def unpacked(stream: np.ndarray, pairs: int, groups: int, encoding: Encoding, seeds: int) -> np.ndarray:
    """What mcuq_unpack_dsp.h says of a stream, byte by byte: (groups, words), seeds and constants included."""
    octets = stream.astype("<i4").view(np.uint8)
    size = 1 << encoding.bits
    palette = np.arange(-8, 8) if not encoding.palette else octets[:size].view(np.int8)
    at = size if encoding.palette and not encoding.own else 0
    rows = []
    for _ in range(groups):
        before = octets[at : at + 4 * seeds].view("<u4").tolist()
        at += 4 * seeds
        palettes = [palette] * 4
        if encoding.own:
            palettes = list(octets[at : at + 4 * size].view(np.int8).reshape(4, size))
            at += 4 * size
        words = []
        for word in range(2 * pairs):
            halves = []
            for activation in range(2):
                even, odd = codes_of(octets[at:], word, activation, encoding)
                first = 2 * (word % 2)
                halves.append(256 * int(palettes[first + 1][odd]) + int(palettes[first][even]))
            words.append((halves[0] & 0xFFFF) | ((halves[1] & 0xFFFF) << 16))
        at += 4 * (pairs if encoding.bits == 4 else -(-pairs // 2))
        constants = octets[at : at + 4 * (CONSTANTS - seeds)].view("<u4")
        at += 4 * (CONSTANTS - seeds)
        rows.append([*before, *words, *constants.tolist()])
    assert at == len(octets)
    return np.array(rows, np.uint32).view(np.int32)


def codes_of(octets: np.ndarray, word: int, activation: int, encoding: Encoding) -> tuple[int, int]:
    """The codes of the even and the odd channel."""
    if not encoding.palette:
        low = 4 * (word // 2) + 2 * activation
        shift = 4 * (word % 2)
        return int(octets[low] >> shift) & 15, int(octets[low + 1] >> shift) & 15
    if encoding.bits == 4:
        octet = int(octets[4 * (word // 2) + 2 * (word % 2) + activation])
        return octet & 15, octet >> 4
    octet = int(octets[word]) >> (4 * activation)
    return octet & 3, (octet >> 2) & 3


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(ENCODINGS),
    st.integers(1, 9),
    st.integers(1, 7),
    st.sampled_from([0, 2]),
    st.integers(0, 2**32 - 1),
)
def test_narrow_weights_are_found_again(encoding: Encoding, channels: int, pairs: int, seeds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(-8, 8, (channels, 2 * pairs))
    if encoding.palette:
        count = 1 << encoding.bits
        palettes = [rng.choice(np.arange(-127, 128), count, replace=False) for _ in range(channels)]
        palettes = palettes if encoding.own else palettes[:1] * channels
        weights = np.stack([rng.choice(palette, 2 * pairs) for palette in palettes])
    constants = (rng.integers(-(2**31), 2**31, channels), rng.integers(0, 2**31, channels))
    stream = pack(weights, constants, 4)
    stream = np.roll(stream, seeds, axis=1)  # the last constants stand before the weights
    groups = -(-channels // 4)
    found = unpacked(narrow(stream, pairs, channels, encoding, seeds), pairs, groups, encoding, seeds)
    assert np.array_equal(by_channel(found[:, seeds:], pairs)[:channels], weights)
    assert np.array_equal(found[:, seeds + 2 * pairs :], stream[:, seeds + 2 * pairs :])
    assert np.array_equal(found[:, :seeds], stream[:, :seeds])


def by_channel(stream: np.ndarray, pairs: int) -> np.ndarray:
    """(channels, depth): the weights of a stream, those past the last channel included."""
    found = lanes(stream[:, : 2 * pairs].astype(np.int64)).reshape(len(stream), pairs, 2, 2, 2)
    return found.transpose(0, 2, 4, 1, 3).reshape(4 * len(stream), 2 * pairs)


@pytest.mark.parametrize(
    ("rows", "kind", "found"),
    [
        ([[-8, 7, 3, 1, 0]], "int4", INT4),
        ([[-8, 7, 8, 1, 0]], "int4", "the weights reach from -8 to 8, -8 to 7 is needed"),
        ([[-1, 1, 0]], "int4", "two bits for a weight are enough"),
        ([[-1, 1, 0]], "palette4", PALETTE4),
        ([[-1, 1, 0, 50], [-2, 2, 0, 51]], "palette4", PALETTES4),
        ([list(range(5))], "palette4", "output channels have up to 5 distinct weights, 4 are possible"),
        ([list(range(5))], "palette16", "the weights are from -8 to 7: they need no palette"),
        ([list(range(0, 64, 4))], "palette16", PALETTE16),
        ([list(range(0, 64, 4)), list(range(0, 32, 2))], "palette16", PALETTES16),
        ([list(range(17))], "palette16", "output channels have up to 17 distinct weights, 16 are possible"),
    ],
)
def test_an_encoding_is_the_one_that_serves(rows: list[list[int]], kind: str, found: Encoding | str) -> None:
    assert encoding_for(np.array(rows), kind) == found


def fully_connected_weight(octets: np.ndarray, pair: int, output: int, activation: int, kind: str) -> int:
    """A weight of a group of 8 outputs, as mcuq_fully_connected_narrow.h says; for palettes its code."""
    if kind == "palette16":
        return int(octets[8 * pair + output] >> (4 * activation)) & 15
    if kind == "palette4":
        return int(octets[4 * pair + output // 2] >> (4 * activation + 2 * (output % 2))) & 3
    if kind == "int2":
        return (int(octets[4 * pair : 4 * pair + 4].view("<u2")[activation]) >> (2 * output) & 3) - 2
    at = 8 * pair + 4 * (output // 4)
    code = int(octets[at : at + 4].view("<u2")[activation]) >> (4 * (output % 4)) & 15
    return ((code ^ 8) - 8) if output % 4 == 3 else code - 8


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(["int4", "int2", "palette16", "palette4"]),
    st.integers(1, 17),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
)
def test_narrow_weights_of_fully_connected_layers_are_found_again(
    kind: str, outputs: int, quads: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = {"int4": np.arange(-8, 8), "int2": np.arange(-2, 2)}.get(kind, np.arange(-127, 128))
    values = rng.choice(values, 4 if kind in ("int2", "palette4") else 16, replace=False)
    weights = rng.choice(values, (outputs, 4 * quads))
    biases = rng.integers(-(2**31), 2**31, outputs)
    groups, pairs = -(-outputs // 8), 2 * quads
    octets = narrow_rows(pack(weights, (biases, biases), 8), pairs, outputs, kind).astype("<i4").view(np.uint8)
    palette = octets[:16].view(np.int8) if kind == "palette16" else octets[:4].view(np.int8)
    octets = octets[{"palette16": 16, "palette4": 4}.get(kind, 0) :].reshape(groups, -1)
    for output in range(outputs):
        group = octets[output // 8]
        found = [
            fully_connected_weight(group, pair, output % 8, activation, kind)
            for pair in range(pairs)
            for activation in range(2)
        ]
        assert (palette[found] if "palette" in kind else np.array(found)).tolist() == weights[output].tolist()
        assert int(group[-64:].view("<i4")[output % 8]) == biases[output]


@pytest.mark.parametrize(
    ("rows", "kind", "reason"),
    [
        ([[-2, 1]], "int2", None),
        ([[-2, 2]], "int2", "the weights reach from -2 to 2, -2 to 1 is needed"),
        ([[-2, 1]], "int4", "two bits for a weight are enough"),
        ([[-8, 7, 0, 1, 2]], "int4", None),
        ([[-8, 8, 0, 1, 2]], "int4", "the weights reach from -8 to 8, -8 to 7 is needed"),
        ([[7, 6, 5, 4, 3] * 200] * 4, "int4", "a sum of products may reach 524288"),
        ([[7, 6, 5, 4, 3] * 200] * 4, "palette16", None),
        ([[7, 6, 5, 4, 3] * 200] * 3, "int4", None),
        ([list(range(0, 80, 5))], "palette16", None),
        ([list(range(0, 85, 5))], "palette16", "the layer has 17 distinct weights, 16 are possible"),
        ([[-8, 7, 0, 1, 2]], "palette16", "the weights are from -8 to 7: they need no palette"),
        ([[0, 127, -127]], "palette16", "two bits for a weight are enough"),
        ([[0, 127, -127]], "palette4", None),
        ([[0, 1, 2, 3, 4]], "palette4", "the layer has 5 distinct weights, 4 are possible"),
    ],
)
def test_fully_connected_layers_have_one_narrow_kernel(rows: list[list[int]], kind: str, reason: str | None) -> None:
    assert kind_refusal(np.array(rows), kind) == reason


@pytest.mark.parametrize(
    ("rows", "kind", "reason"),
    [
        ([[-2, 1]], "int2", None),
        ([[-2, 2]], "int2", "the weights reach from -2 to 2, -2 to 1 is needed"),
        ([[-2, 1]], "int4", "two bits for a weight are enough"),
        ([[-7, 0, 7]], "int4", None),
        ([[-8, 8]], "int4", "the weights reach from -8 to 8, -8 to 7 is needed"),
    ],
)
def test_cores_without_dsp_keep_weights_in_four_bits_or_two(
    rows: list[list[int]], kind: str, reason: str | None
) -> None:
    assert pairs.kind_refusal(np.array(rows), kind) == reason


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 9), st.integers(1, 700), st.integers(0, 2**32 - 1))
def test_sums_of_a_part_fit_sixteen_bits(outputs: int, taps: int, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(-8, 8, (outputs, taps))
    found = pairs.pair_parts(weights)
    assert found.taps % 4 == 0 and taps <= found.all_taps < taps + 4 * found.count
    for first in range(0, taps, found.taps):
        part = weights[:, first : first + found.taps]
        assert np.maximum(part * -128, part * 127).sum(axis=1).max() < 2**15
        assert np.minimum(part * -128, part * 127).sum(axis=1).min() >= -(2**15)
