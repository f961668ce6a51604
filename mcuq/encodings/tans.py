"""Asymmetric numeral systems with a table of states (Duda, 2013): fractions of bits, near Shannon's limit."""

from __future__ import annotations

import numpy as np

from mcuq.encodings.base import Encoding, Measured, entropy_bits, histogram, packed_bits, stream_bytes
from mcuq.ops.base import Array

LEAST_LOG2, MOST_LOG2 = 4, 11
LOSS = 1.004
"""Bits over Shannon's limit, as a factor, that more states are not taken for."""

ESCAPE = 255


def shares_of(counts: Array, states: int) -> Array | None:
    """How many of the ``states`` each weight has, at least one each; None where there are too few states."""
    if len(counts) > states:
        return None
    ideal = counts * (states / counts.sum())
    shares: Array = np.maximum(1, np.floor(ideal).astype(np.int64))
    while (missing := states - int(shares.sum())) != 0:
        # One state more or less where it saves most, or costs least.
        if missing > 0:
            shares[np.argmax(counts * np.log2((shares + 1) / shares))] += 1
        else:
            cost = np.where(shares > 1, counts * np.log2(shares / np.maximum(shares - 1, 1)), np.inf)
            shares[np.argmin(cost)] -= 1
    return shares


def expected_bits(counts: Array, shares: Array) -> float:
    """For a weight."""
    return float((counts * -np.log2(shares / shares.sum())).sum() / counts.sum())


def spread(shares: Array, states_log2: int) -> Array:
    """The weight (its place among ``shares``) of each state."""
    states = 1 << states_log2
    step = (states >> 1) + (states >> 3) + 3
    table = np.zeros(states, np.int64)
    table[(np.arange(states) * step) % states] = np.repeat(np.arange(len(shares)), shares)
    return table


def best_shares(counts: Array) -> tuple[int, Array]:
    """The fewest states, as a power of two, that come near Shannon's limit, and their shares."""
    limit = LOSS * entropy_bits(counts)
    found = None
    for states_log2 in range(LEAST_LOG2, MOST_LOG2 + 1):
        shares = shares_of(counts, 1 << states_log2)
        if shares is not None:
            found = states_log2, shares
            if expected_bits(counts, shares) <= limit:
                break
    assert found is not None, "an int8 has fewer values than there are states"
    return found


def measure(values: Array, counts: Array) -> Measured | str:
    if len(values) == 1:
        return "all weights are the same"
    states_log2, shares = best_shares(counts)
    bits = expected_bits(counts, shares) * int(counts.sum())
    table_words = (1 << states_log2) + (int(values[-1] - values[0]) + 2) // 2
    return Measured(len(_head(values, shares, 0)) + stream_bytes(bits), states_log2, table_words)


def encode(weights: Array) -> Array:
    values, counts = histogram(weights)
    states_log2, shares = best_shares(counts)
    first, codes, lengths = _codes(np.searchsorted(values, weights), shares, states_log2)
    head = np.array(_head(values, shares, first), np.uint8)
    return np.concatenate([head, packed_bits(codes, lengths)])


def _head(values: Array, shares: Array, first: int) -> list[int]:
    least, span = int(values[0]), int(values[-1] - values[0])
    all_shares = np.zeros(span + 1, np.int64)
    all_shares[values - least] = shares
    return [first >> 8, first & 0xFF, least & 0xFF, span, *_share_octets(all_shares)]


def _share_octets(shares: Array) -> list[int]:
    octets: list[int] = []
    at = 0
    while at < len(shares):
        share = int(shares[at])
        octets += [share] if share < ESCAPE else [ESCAPE, share >> 8, share & 0xFF]
        at += 1
        if share == 0:
            more = 0
            while at < len(shares) and shares[at] == 0:
                more, at = more + 1, at + 1
            octets.append(more)
    return octets


def _codes(places: Array, shares: Array, states_log2: int) -> tuple[int, Array, Array]:
    """The decoder's first state, and the bits (values, lengths) that it reads behind each weight.

    Weights are coded from the last to the first, so that they are decoded in order.
    """
    states = 1 << states_log2
    table = spread(shares, states_log2)
    # The states of each weight, ascending; where each weight's begin.
    by_weight = np.argsort(table, kind="stable").tolist()
    begins = (np.cumsum(shares) - shares).tolist()
    counts = shares.tolist()
    state = states
    codes, lengths = [0] * len(places), [0] * len(places)
    widths = [states_log2 + 1 - count.bit_length() for count in counts]
    for index in range(len(places) - 1, -1, -1):
        place = places[index]
        count = counts[place]
        length = widths[place]
        if state >> length >= 2 * count:
            length += 1
        elif state >> length < count:
            length -= 1
        codes[index], lengths[index] = state & ((1 << length) - 1), length
        state = states + by_weight[begins[place] + (state >> length) - count]
    return state - states, np.array(codes, np.int64), np.array(lengths, np.int64)


ENCODING = Encoding("tans", measure, encode, 22.5, 25)
