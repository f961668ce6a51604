"""Proofs of the kernels for cores without DSP hold: every sum of a channel is tried, packed sums at their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuq.fixedpoint import quantize_multiplier, requantize_double, requantize_single
from mcuq.kernels.plain import fit_line
from mcuq.kernels.triples import SUM_END, parts_for, sums_fit


@pytest.mark.parametrize("rounds_twice", [True, False])
@settings(max_examples=40, deadline=None)
@given(
    factor=st.floats(2.0**-13, 2.0**-4),
    bias=st.integers(-30_000, 30_000),
    low=st.integers(-90_000, 0),
    reach=st.integers(0, 90_000),
    zero_point=st.sampled_from([-128, -128, -128, -100, 0, 127]),
)
def test_a_line_gives_the_rounded_value_for_every_sum(
    rounds_twice: bool, factor: float, bias: int, low: int, reach: int, zero_point: int
) -> None:
    multiplier, shift = quantize_multiplier(factor)
    one = [np.array([value], np.int64) for value in (multiplier, shift, low + bias, low + reach + bias, bias)]
    limits = (max(-128, zero_point), 127)
    found = fit_line(one[0], one[1], one[2], one[3], one[4], zero_point, limits, rounds_twice=rounds_twice)
    assume(found is not None)
    assert found is not None
    constant, slope = (int(values[0]) for values in found.constants)
    sums = np.arange(low, low + reach + 1)
    # As Armv6-M computes it, ten bits at a time in 32 bits.
    parts = [sums * (slope & 0x3FF), sums * (slope >> 10 & 0x3FF), sums * (slope >> 20)]
    scaled = ((parts[0] >> 10) + parts[1] >> 10) + parts[2]
    assert all(np.abs(part).max() < 2**31 for part in (*parts, scaled + constant))
    values = np.clip(constant + scaled >> found.shift, *limits)
    requantize = requantize_double if rounds_twice else requantize_single
    expected = np.clip(requantize(sums + bias, multiplier, shift) + zero_point, *limits)
    assert np.array_equal(values, expected)


def test_lines_are_found_where_a_relu_leaves_one_side_of_zero() -> None:
    factors = np.linspace(2.0**-9, 2.0**-8, 64)
    pairs = np.array([quantize_multiplier(float(factor)) for factor in factors], np.int64)
    reach, none = np.full(64, 300_000), np.zeros(64, np.int64)
    assert fit_line(pairs[:, 0], pairs[:, 1], -reach, reach, none, -128, (-128, 127)) is not None
    assert fit_line(pairs[:, 0], pairs[:, 1], -reach, reach, none, 0, (-128, 127)) is None


def test_three_sums_are_found_again_in_two_words_up_to_the_limits() -> None:
    ends = np.array([-SUM_END, -1, 0, 1, SUM_END - 1])
    s0, s1, s2 = (a.reshape(-1) for a in np.meshgrid(ends, ends, ends))
    a, b = (s0 + (s1 << 21)) % 2**32, (s2 + (s1 << 11)) % 2**32
    found0 = (a + 2**20) % 2**21 - 2**20
    low = (a - found0) % 2**32 >> 21
    rest = (b - (low << 11)) % 2**32
    found2 = (rest + 2**21) % 2**22 - 2**21
    high = (rest - found2) % 2**32
    found1 = (np.where(high >= 2**31, high - 2**32, high) >> 11) + low
    assert np.array_equal([found0, found1, found2], [s0, s1, s2])


def test_long_sums_are_cut_into_parts() -> None:
    rows = np.full((2, 300), 100)
    assert not sums_fit(rows)
    parts = parts_for(rows)
    assert parts.count == 4 and parts.taps == 76
    assert sums_fit(rows[:, : parts.taps])
