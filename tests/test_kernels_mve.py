"""When mcuq's Helium kernels are chosen and when they refuse. That they are exact is the ladder's to say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mcuq.core import CORES
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import Layer
from mcuq.kernels import kernels
from mcuq.kernels.base import Kernel, Target
from mcuq.ops import operators
from mcuq.planner.lower import KernelPolicy, candidates
from tests.harness.tflite_writer import write_case

M55 = Target(CORES["cortex-m55"])
MVE_KERNELS = [kernel for kernel in kernels() if kernel.name.endswith("_mve")]
QUICKEST = [
    ("CONV_2D", "3x3_same", "mcuq_conv_2d_window_mve"),
    ("CONV_2D", "1x1", "mcuq_conv_2d_1x1_mve"),
    ("DEPTHWISE_CONV_2D", "3x3_same_8_channels", "mcuq_depthwise_conv_2d_mve"),
    ("FULLY_CONNECTED", "per_channel", "mcuq_fully_connected_mve"),
    ("ADD", "same_shape", "mcuq_add_mve"),
    ("AVERAGE_POOL_2D", "global", "mcuq_average_pool_2d_mve"),
    ("MAX_POOL_2D", "3x3_same", "mcuq_max_pool_2d_mve"),
    ("MEAN", "spatial", "mcuq_mean_mve"),
]


def layer_of(operator: str, case_name: str) -> Layer:
    case = next(case for case in operators()[operator].cases if case.name == case_name)
    return next(bind(read_tflite(write_case(operator, case), case_name)).layers())


def kernel(name: str) -> Kernel:
    return next(kernel for kernel in MVE_KERNELS if kernel.name == name)


@pytest.mark.parametrize(("operator", "case", "name"), QUICKEST, ids=[name for _, _, name in QUICKEST])
def test_cortex_m55_gets_the_helium_kernel_and_cortex_m33_does_not(operator: str, case: str, name: str) -> None:
    layer = layer_of(operator, case)
    found, _ = candidates(layer, M55, KernelPolicy.MCUQ)
    assert found[0].kernel.name == name
    assert kernel(name).refuses(layer, Target(CORES["cortex-m33"])) == "the core has no MVE instructions"


@pytest.mark.parametrize(
    ("operator", "case", "name", "reason"),
    [
        ("CONV_2D", "grouped", "mcuq_conv_2d_window_mve", "in 2 groups"),
        ("CONV_2D", "dilated", "mcuq_conv_2d_window_mve", "no dilation"),
        ("CONV_2D", "factor_above_one", "mcuq_conv_2d_window_mve", "no factor of 1 or more"),
        ("CONV_2D", "3x3_same", "mcuq_conv_2d_1x1_mve", "3x3, 1x1 is needed"),
        ("CONV_2D", "1x1_stride_2_odd_batch_2", "mcuq_conv_2d_1x1_mve", "no strides with a batch"),
        ("DEPTHWISE_CONV_2D", "multiplier_2", "mcuq_depthwise_conv_2d_mve", "multiplier is 2"),
        ("ADD", "channels", "mcuq_add_mve", "does not broadcast"),
        ("MEAN", "spatial_of_257", "mcuq_mean_mve", "257 values"),
        ("MEAN", "channels", "mcuq_mean_mve", "all axes but the last"),
    ],
)
def test_layers_without_a_helium_kernel_are_refused_in_words(operator: str, case: str, name: str, reason: str) -> None:
    refusal = kernel(name).refuses(layer_of(operator, case), M55)
    assert refusal is not None and reason in refusal, refusal


def test_depthwise_weights_whose_products_overflow_16_bits_are_refused() -> None:
    layer = layer_of("DEPTHWISE_CONV_2D", "3x3_same_8_channels")
    name = "mcuq_depthwise_conv_2d_mve"
    weights = np.zeros(layer.input(1).shape, np.int8)
    weights[0, 1:3, 0, 3] = (-128, -127)  # taps 1 and 2 in the order of column, row: a pair
    assert kernel(name).refuses(_with_weights(layer, weights), M55) is None
    weights[0, 2, 0, 3] = -128
    refusal = kernel(name).refuses(_with_weights(layer, weights), M55)
    assert refusal == "the products of two taps may not fit 16 bits"


def _with_weights(layer: Layer, weights: np.ndarray) -> Layer:
    changed = dataclasses.replace(layer.input(1), data=weights)
    return dataclasses.replace(layer, inputs=(layer.inputs[0], changed, *layer.inputs[2:]))
