"""When CMSIS-NN's kernels are refused, and the scratch memory they get. That they are exact is the ladder's to say."""

from __future__ import annotations

import pytest

from mcuq.core import CORES
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import Layer
from mcuq.ir.kernel_call import ScratchPointer, Struct
from mcuq.kernels import kernels_for
from mcuq.kernels.base import CMSIS_NN, Kernel, Target
from mcuq.ops import operators
from tests.harness.tflite_writer import write_case

FUNCTIONS = frozenset(
    {
        "arm_convolve_wrapper_s8",
        "arm_depthwise_conv_wrapper_s8",
        "arm_fully_connected_s8",
        "arm_convolve_1x1_s8_fast",
        "arm_avgpool_s8",
        "arm_max_pool_s8",
    }
)
CASES = [
    ("CONV_2D", "3x3_same", "arm_convolve_wrapper_s8"),
    ("DEPTHWISE_CONV_2D", "3x3_same", "arm_depthwise_conv_wrapper_s8"),
    ("FULLY_CONNECTED", "one_row", "arm_fully_connected_s8"),
    ("FULLY_CONNECTED", "per_channel", "arm_convolve_1x1_s8_fast"),
    ("AVERAGE_POOL_2D", "3x3_same", "arm_avgpool_s8"),
    ("MAX_POOL_2D", "3x3_same", "arm_max_pool_s8"),
]


def layer_of(operator: str, case_name: str) -> Layer:
    case = next(case for case in operators()[operator].cases if case.name == case_name)
    return next(bind(read_tflite(write_case(operator, case), case_name)).layers())


def kernel(operator: str, name: str) -> Kernel:
    return next(kernel for kernel in kernels_for(operator) if kernel.name == name and kernel.library == CMSIS_NN)


def target(core: str, functions: frozenset[str] = FUNCTIONS) -> Target:
    return Target(CORES[core], functions)


def scratch(operator: str, case_name: str, name: str, core: str) -> int:
    lowering = kernel(operator, name).lower(layer_of(operator, case_name), target(core))
    context = lowering.calls[0].arguments[0]
    assert isinstance(context, Struct) and dict(context.fields)["size"] == lowering.scratch_bytes
    assert isinstance(dict(context.fields)["buf"], ScratchPointer) == (lowering.scratch_bytes > 0)
    return lowering.scratch_bytes


@pytest.mark.parametrize(("operator", "case_name", "name"), CASES)
def test_a_kernel_runs_where_its_function_is_found(operator: str, case_name: str, name: str) -> None:
    found, layer = kernel(operator, name), layer_of(operator, case_name)
    assert found.refuses(layer, target("cortex-m4")) is None
    assert found.lower(layer, target("cortex-m4")).sources == (f"{name}.c",)


@pytest.mark.parametrize(("operator", "case_name", "name"), CASES)
def test_a_kernel_is_refused_without_its_function(operator: str, case_name: str, name: str) -> None:
    missing = target("cortex-m4", FUNCTIONS - {name})
    assert kernel(operator, name).refuses(layer_of(operator, case_name), missing) == f"CMSIS-NN has no {name} here"


@pytest.mark.parametrize(("operator", "case_name", "name"), CASES)
def test_a_newer_cmsis_nn_is_refused_until_it_is_proven(operator: str, case_name: str, name: str) -> None:
    newer = target("cortex-m55", FUNCTIONS | {"arm_vector_sum_s8"})
    refused = kernel(operator, name).refuses(layer_of(operator, case_name), newer)
    assert refused == "this CMSIS-NN is newer than 4.0.0, the version that is proven exact"


@pytest.mark.parametrize(
    ("operator", "case_name", "name", "reason"),
    [
        ("CONV_2D", "grouped", "arm_convolve_wrapper_s8", "2 groups"),
        ("AVERAGE_POOL_2D", "batch_2", "arm_avgpool_s8", "one batch, not 2"),
        ("MAX_POOL_2D", "batch_2", "arm_max_pool_s8", "one batch, not 2"),
        ("FULLY_CONNECTED", "per_channel", "arm_fully_connected_s8", "one scale for all weights"),
        ("FULLY_CONNECTED", "one_row", "arm_convolve_1x1_s8_fast", "weights with one scale"),
        ("FULLY_CONNECTED", "per_channel_wide", "arm_convolve_1x1_s8_fast", "CMSIS-NN rounds twice"),
    ],
)
def test_layers_that_a_function_does_not_compute_exactly_are_refused(
    operator: str, case_name: str, name: str, reason: str
) -> None:
    assert reason in str(kernel(operator, name).refuses(layer_of(operator, case_name), target("cortex-m4")))


@pytest.mark.parametrize(
    ("operator", "case_name", "name", "plain", "dsp", "mve"),
    [
        ("CONV_2D", "3x3_same", "arm_convolve_wrapper_s8", 180, 180, 192),
        ("CONV_2D", "1x1", "arm_convolve_wrapper_s8", 0, 0, 0),
        ("DEPTHWISE_CONV_2D", "3x3_same", "arm_depthwise_conv_wrapper_s8", 0, 0, 4464),
        ("DEPTHWISE_CONV_2D", "5x4_same", "arm_depthwise_conv_wrapper_s8", 0, 280, 9920),
        ("DEPTHWISE_CONV_2D", "multiplier_2", "arm_depthwise_conv_wrapper_s8", 0, 0, 0),
        ("FULLY_CONNECTED", "one_row", "arm_fully_connected_s8", 0, 0, 0),
        ("AVERAGE_POOL_2D", "3x3_same", "arm_avgpool_s8", 0, 12, 0),
        ("MAX_POOL_2D", "3x3_same", "arm_max_pool_s8", 0, 0, 0),
    ],
)
def test_scratch_is_what_the_core_s_build_and_the_host_s_need(
    operator: str, case_name: str, name: str, plain: int, dsp: int, mve: int
) -> None:
    found = tuple(scratch(operator, case_name, name, core) for core in ("cortex-m3", "cortex-m7", "cortex-m55"))
    assert found == (plain, dsp, mve)
