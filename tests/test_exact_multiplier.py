"""The search for a multiplier that makes code with two roundings give the bytes of one rounding."""

from __future__ import annotations

import numpy as np
import pytest

from mcuq.fixedpoint import quantize_multiplier, requantize_double, requantize_single
from mcuq.kernels.exact_multiplier import exact_multiplier

WHOLE_RANGE = (-40_000, 40_000)


@pytest.mark.parametrize("factor", [0.0213, 0.33, 0.5, 0.9999, 0.0078125, 0.00391, 1.0, 3.7])
@pytest.mark.parametrize("values", [(-128, 127), (0, 255), (-3, 0)])
def test_a_multiplier_found_is_exact_for_every_accumulator(factor: float, values: tuple[int, int]) -> None:
    multiplier, shift = quantize_multiplier(factor)
    found = exact_multiplier(multiplier, shift, WHOLE_RANGE, values)
    assert found is not None
    accumulators = np.arange(WHOLE_RANGE[0], WHOLE_RANGE[1] + 1)
    expected = np.clip(requantize_single(accumulators, multiplier, shift), *values)
    np.testing.assert_array_equal(np.clip(requantize_double(accumulators, *found), *values), expected)


def test_none_is_found_where_none_exists() -> None:
    """Checked against all multipliers that round to the factor, and their neighbours."""
    multiplier, shift = quantize_multiplier(0.000_391)
    assert exact_multiplier(multiplier, shift, (-400_000, 400_000), (-128, 127)) is None
    accumulators = np.arange(-400_000, 400_001)
    expected = np.clip(requantize_single(accumulators, multiplier, shift), -128, 127)
    around = multiplier >> -shift
    for candidate in range(around - 4, around + 5):
        assert not np.array_equal(np.clip(requantize_double(accumulators, candidate, 0), -128, 127), expected)


def test_a_narrow_range_of_accumulators_leaves_more_multipliers() -> None:
    multiplier, shift = quantize_multiplier(0.000_391)
    assert exact_multiplier(multiplier, shift, (-2_000, 2_000), (-128, 127)) is not None


def test_a_factor_that_rounds_once_already_is_kept() -> None:
    assert exact_multiplier(1 << 30, 1, WHOLE_RANGE, (-128, 127)) == (1 << 30, 1)
    assert exact_multiplier(0, 0, WHOLE_RANGE, (-128, 127)) == (0, 0)
