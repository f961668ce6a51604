"""The constants of the quick requantizations are right at every accumulator of their range, or not given at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.fixedpoint import quantize_multiplier, requantize_double, requantize_single
from mcuq.kernels.fast_requantize import fit, twice_rounded, wrapped
from mcuq.kernels.packed_weights import pack, shuffle, unpackable

FACTORS = st.lists(st.floats(2e-3, 0.4), min_size=1, max_size=3)


def pairs_of(factors: list[float]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [quantize_multiplier(factor) for factor in factors]
    return np.array([m for m, _ in pairs], np.int64), np.array([s for _, s in pairs], np.int64)


def limits(factors: list[float], reach: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(len(factors), -reach), np.full(len(factors), reach)


@settings(deadline=None, max_examples=60)
@given(FACTORS, st.integers(-128, 127), st.integers(1, 60000), st.booleans())
def test_an_affine_form_equals_litert_at_every_accumulator(
    factors: list[float], zero_point: int, reach: int, rounds_twice: bool
) -> None:
    multipliers, shifts = pairs_of(factors)
    low, high = limits(factors, reach)
    act_low = zero_point if rounds_twice else -128
    found = fit(multipliers, shifts, low, high, zero_point, act_low, 127, rounds_twice=rounds_twice)
    if found is None:
        return
    accumulators = np.arange(-reach, reach + 1)[:, None]
    requantize = requantize_double if rounds_twice else requantize_single
    want = np.clip(requantize(accumulators, multipliers, shifts) + zero_point, act_low, 127)
    scaled = found.biases + (accumulators << found.left_shift)
    assert np.array_equal(scaled, wrapped(scaled)), "the sum leaves int32"
    got = np.clip((scaled * found.multipliers >> 32) >> found.right_shift, act_low, 127)
    assert np.array_equal(got, want)


@pytest.mark.parametrize("rounds_twice", [True, False])
def test_usual_layers_have_an_affine_form(rounds_twice: bool) -> None:
    factors = [0.0021, 0.0043, 0.0078, 0.0101]
    found = fit(*pairs_of(factors), *limits(factors, 400_000), -128, -128, 127, rounds_twice=rounds_twice)
    assert found is not None


def test_two_roundings_on_both_sides_of_zero_have_no_affine_form() -> None:
    factors = [0.0021]
    assert fit(*pairs_of(factors), *limits(factors, 400_000), 0, -128, 127) is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(1e-12, 0.49), min_size=1, max_size=4), st.integers(-128, 127), st.integers(1, 30000))
def test_the_twice_rounded_form_equals_litert_at_every_accumulator(
    factors: list[float], zero_point: int, reach: int
) -> None:
    multipliers, shifts = pairs_of(factors)
    found = twice_rounded(multipliers, shifts, *limits(factors, reach), zero_point)
    assert found is not None
    accumulators = np.arange(-reach, reach + 1)[:, None]
    product = (2 * accumulators * found.multipliers + 2**31) >> 32
    total = product + (product >> 31) + found.roundings
    assert np.array_equal(total, wrapped(total))
    got = np.clip(total >> found.shifts, -128, 127)
    want = np.clip(requantize_double(accumulators, multipliers, shifts) + zero_point, -128, 127)
    assert np.array_equal(got, want)


def test_factors_of_half_and_more_are_not_rounded_twice() -> None:
    assert twice_rounded(*pairs_of([0.5]), *limits([0.5], 1000), 0) is None


def test_packed_weights_are_found_again() -> None:
    weights = np.random.default_rng(1).integers(-127, 128, (6, 10))
    stream = pack(weights, (np.arange(6), 100 + np.arange(6)), 4).reshape(2, -1)
    halves = stream[:, : 5 * 2].reshape(2, 5, 2).astype(np.int32).view(np.int16).reshape(2, 5, 2, 2).astype(np.int64)
    even = halves.astype(np.int8).astype(np.int64)
    odd = (halves - even) // 256
    both = np.stack([even, odd], axis=3)  # group, pair, channel pair, odd or even channel, activation
    found = both.transpose(0, 2, 3, 1, 4).reshape(8, 10)
    assert np.array_equal(found[:6], weights)
    assert not found[6:].any()
    assert stream[:, 10:].tolist() == [[0, 1, 2, 3, 100, 101, 102, 103], [4, 5, 0, 0, 104, 105, 0, 0]]


def test_shuffled_activations_are_in_the_order_of_sxtb16() -> None:
    assert shuffle(np.arange(8)[None]).tolist() == [[0, 2, 1, 3, 4, 6, 5, 7]]


def test_weights_that_cannot_be_packed_are_named() -> None:
    assert unpackable(np.full((2, 4), -127)) is None
    assert unpackable(np.array([[1, -128]])) == "a weight of -128 does not fit beside another in a halfword"
    assert unpackable(np.full((1, 600), 127)) == "a sum of products may reach 8388608"
