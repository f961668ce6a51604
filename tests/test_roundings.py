"""Rounding with the output in view: AdaRound, descent, scales, and what the layers before did to a layer's inputs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.errors import UsageError
from mcuq.quantize import quantize
from mcuq.quantize.adaround import learned
from mcuq.quantize.descent import descended
from mcuq.quantize.gptq import damped, round_with_feedback
from mcuq.quantize.judge import Judge
from mcuq.quantize.moments import Moments, powers
from mcuq.quantize.request import Request
from mcuq.quantize.rounding import round_layer
from mcuq.quantize.roundings import ADAROUND, GPTQ, MOST_PRODUCTS, Rounding, rounding_named
from mcuq.quantize.scheme import Array, Grid
from mcuq.quantize.schemes import scheme_named
from mcuq.quantize.weighted_layer import WeightedLayer
from tests.harness.float_net import residual_net, smooth_images

pytest.importorskip("litert_quantizer", reason="not checked: quantization, litert-quantizer is not installed")

SCHEMES = st.sampled_from(["w4a8", "w2a8", "codebook8", "codebook4", "nf4", "nf4+dq", "w4a8+pt", "ternary", "binary"])


def correlated(seed: int, channels: int, depth: int, kinds: int = 1) -> tuple[Array, Array]:
    """Weights, and second moments of inputs of which a few directions hold most."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(kinds, 4, depth))
    inputs = rng.normal(size=(kinds, 300, 4)) @ mixing + 0.3 * rng.normal(size=(kinds, 300, depth))
    return rng.normal(size=(channels, depth)), damped(inputs.transpose(0, 2, 1) @ inputs / 300)


def error(rows: Array, hessian: Array, found: tuple[Grid, Array]) -> Array:
    return powers(found[0].real(found[1]) - rows, hessian)


@settings(max_examples=30, deadline=None)
@given(SCHEMES, st.integers(1, 6), st.integers(1, 30), st.booleans(), st.integers(0, 2**32 - 1))
def test_learned_weights_take_one_of_the_two_levels_beside_them(
    name: str, channels: int, depth: int, depthwise: bool, seed: int
) -> None:
    rows, hessian = correlated(seed, channels, depth, channels if depthwise else 1)
    rows *= np.random.default_rng(seed).random((channels, 1)) < 0.9  # now and then a channel without weights
    grid = scheme_named(name).grid(rows, np.diagonal(hessian, axis1=1, axis2=2))
    found = learned(rows, hessian, grid, 20)
    assert set(found.ravel()) <= set(grid.levels)
    steps = np.clip(rows / grid.scales[:, None], grid.levels[0], grid.levels[-1])
    between = (np.minimum(found, steps)[..., None] < grid.levels) & (grid.levels < np.maximum(found, steps)[..., None])
    assert not between.any()


def test_learned_weights_make_less_error_than_the_nearest_and_are_the_same_each_time() -> None:
    for name in ("w2a8", "codebook8", "nf4"):
        rows, hessian = correlated(1, 8, 60)
        grid = scheme_named(name).grid(rows, np.diagonal(hessian, axis1=1, axis2=2))
        found, nearest = learned(rows, hessian, grid), grid.nearest(rows / grid.scales[:, None])
        assert error(rows, hessian, (grid, found)).sum() < 0.5 * error(rows, hessian, (grid, nearest)).sum()
        assert np.array_equal(found, learned(rows, hessian, grid))


def test_descent_ends_where_no_weight_alone_can_do_better() -> None:
    rows, hessian = correlated(2, 5, 24)
    grid = scheme_named("codebook4").grid(rows, np.ones((1, 24)))
    fed_back = round_with_feedback(rows, hessian, grid)
    found = descended(rows, hessian, grid, fed_back)
    least = error(rows, hessian, (grid, found))
    assert (least <= error(rows, hessian, (grid, fed_back)) + 1e-12).all()
    assert least.sum() < error(rows, hessian, (grid, fed_back)).sum()
    for k in range(24):
        for level in grid.levels:
            changed = found.copy()
            changed[:, k] = level
            assert (error(rows, hessian, (grid, changed)) >= least - 1e-12).all()


@settings(max_examples=25, deadline=None)
@given(SCHEMES, st.integers(1, 6), st.integers(2, 30), st.booleans(), st.integers(0, 2**32 - 1))
def test_adaround_never_has_more_error_than_gptq_in_any_channel(
    name: str, channels: int, depth: int, depthwise: bool, seed: int
) -> None:
    rows, hessian = correlated(seed, channels, depth, channels if depthwise else 1)
    scheme = scheme_named(name)
    found = [Rounding(way, 60).rounded(rows, hessian, scheme) for way in (GPTQ, ADAROUND)]
    fed_back, both = (error(rows, hessian, one) for one in found)
    assert (both <= fed_back).all()
    usual = scheme.grid(rows, np.diagonal(hessian, axis1=1, axis2=2))
    assert fed_back.sum() <= error(rows, hessian, (usual, round_with_feedback(rows, hessian, usual))).sum() * (1 + 1e-9)
    if not scheme.free_scales:
        assert np.array_equal(found[1][0].scales, usual.scales)


def test_a_model_too_large_for_the_time_is_rounded_by_gptq_alone() -> None:
    depth = int((MOST_PRODUCTS / 40) ** 0.5 / 8)
    layer = WeightedLayer(0, "wide", "FULLY_CONNECTED", None, np.broadcast_to(np.float32(1), (64, depth)), ((), ()))
    assert rounding_named(ADAROUND, [layer]).iterations == pytest.approx(40, abs=1)
    rows, hessian = correlated(3, 4, 20)
    both = (Rounding(way, 40).rounded(rows, hessian, scheme_named("w2a8"))[1] for way in (GPTQ, ADAROUND))
    assert np.array_equal(*both)


def test_weights_and_scales_make_up_for_inputs_that_became_smaller() -> None:
    rows, second = correlated(5, 6, 16)
    layer = WeightedLayer(0, "fc", "FULLY_CONNECTED", None, rows.astype(np.float32), ((1, 16), (1, 6)))
    none = np.zeros((1, 16))
    alike = Moments(none, none, second, second, 10_000)
    smaller = dataclasses.replace(alike, cross=second / 0.8)  # the float model's inputs were these divided by 0.8
    same, larger = (round_layer(layer, scheme_named("w4a8"), known, Rounding()) for known in (alike, smaller))
    assert powers(same.real_rows() - rows, second).sum() < 0.02 * powers(rows, second).sum()
    assert powers(0.8 * larger.real_rows() - rows, second).sum() < 0.02 * powers(rows, second).sum()


def test_models_are_nearer_to_float_by_better_rounding() -> None:
    content, images = residual_net(), smooth_images()
    judge = Judge(content, images.inputs)
    ways = ("nearest", "gptq", "adaround")
    errors = [judge.error(quantize(content, images, Request("codebook4", rounding=way)).tflite) for way in ways]
    assert errors[1] < 0.5 * errors[0]
    assert errors[2] < 1.1 * errors[1]
    with pytest.raises(UsageError, match=r"no way to round called 'adaruond'.*\n.*did you mean adaround"):
        Request("w4a8", rounding="adaruond")
