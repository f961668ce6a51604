"""Proofs of the quick requantizations hold: every accumulator, every pair of inputs is tried."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuq.fixedpoint import quantize_multiplier, requantize_double
from mcuq.ir import DType, Layer, Quantization, Tensor, TensorType
from mcuq.kernels.fixed_shift_requantize import SHIFT, Channels, fit, rounding_constant
from mcuq.kernels.mcuq_linear import linear_form
from mcuq.ops import operators
from mcuq.ops.activation import Activation
from mcuq.ops.elementwise import Elementwise


@settings(max_examples=60, deadline=None)
@given(
    factor=st.floats(2.0**-16, 2.0**-4),
    low=st.integers(-60_000, 60_000),
    reach=st.integers(0, 80_000),
    zero_point=st.sampled_from([-128, -100, -1, 0, 5, 127]),
)
def test_fixed_shift_gives_the_value_of_two_roundings_for_every_accumulator(
    factor: float, low: int, reach: int, zero_point: int
) -> None:
    multiplier, shift = quantize_multiplier(factor)
    one = [np.array([value], np.int64) for value in (multiplier, shift, low, low + reach)]
    found = fit(Channels(one[0], one[1], one[2], one[3], 8, 16), zero_point)
    assume(found is not None)
    assert found is not None
    accumulators = np.arange(low, low + reach + 1)
    o = (0 if found.constant[0] else accumulators << found.scaling[0]) + found.offsets[0] + 0 * accumulators
    o -= np.where(o < 0, found.corrections[0], 0)
    assert o.min() >= -(2**31) and o.max() < 2**31
    rounding = rounding_constant(zero_point) if found.corrected else 0
    values = np.clip((rounding + (o * found.multipliers[0] >> 32)) >> SHIFT, -128, 127)
    expected = np.clip(requantize_double(accumulators, multiplier, shift) + zero_point, -128, 127)
    assert np.array_equal(values, expected)


def test_fixed_shift_refuses_a_factor_that_its_multiplier_cannot_hold() -> None:
    multiplier, shift = quantize_multiplier(3.0)
    one = [np.array([value], np.int64) for value in (multiplier, shift, -50, 50)]
    assert fit(Channels(one[0], one[1], one[2], one[3], 8, 16), 0) is None


def _layer(operator: str, scales: tuple[float, float, float], zero_points: tuple[int, int, int]) -> Layer:
    tensors = [
        Tensor(str(i), TensorType((65536,), DType.INT8, Quantization((float(np.float32(scale)),), (zero_point,))))
        for i, (scale, zero_point) in enumerate(zip(scales, zero_points, strict=True))
    ]
    attributes = Elementwise((), (65536,), Activation.NONE)
    return Layer("sum", operator, attributes, (tensors[0], tensors[1]), (tensors[2],))


@pytest.mark.parametrize("operator", ["ADD", "SUB"])
@pytest.mark.parametrize("zero_points", [(-128, -128, -128), (-7, 5, 3), (127, 0, -100)])
def test_a_linear_form_gives_the_sum_for_every_pair_of_inputs(operator: str, zero_points: tuple[int, int, int]) -> None:
    layer = _layer(operator, (0.0513, 0.0297, 0.0611), zero_points)
    form = linear_form(layer)
    assert form is not None
    q = np.arange(-128, 128)
    q1, q2 = np.repeat(q, 256), np.tile(q, 256)
    (expected,) = operators()[operator].reference(layer, (q1.astype(np.int8), q2.astype(np.int8)))
    values = (form.constant + (form.factor1 * q1 >> 8) + (form.factor2 * q2 >> 8)) >> 20
    assert np.array_equal(np.clip(values, -128, 127), expected)


def test_there_is_no_linear_form_where_sums_lie_halfway_and_round_away_from_zero() -> None:
    assert linear_form(_layer("ADD", (0.5, 0.5, 1.0), (0, 0, 0))) is None
