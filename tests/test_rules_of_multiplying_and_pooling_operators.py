"""Every rule of DEPTHWISE_CONV_2D, FULLY_CONNECTED, the poolings and MEAN, each on a layer that breaks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mcuq.ir import DType, Layer, Quantization, Tensor, TensorType
from mcuq.ops import operators
from mcuq.ops.base import Case
from tests.harness.tflite_writer import case_seed, constant_values


def layer_of(operator: str, case_name: str, **options: Any) -> Layer:
    """A case's layer, its attributes still raw options, with ``options`` changed."""
    case = next(case for case in operators()[operator].cases if case.name == case_name)
    rng = np.random.default_rng(case_seed(operator, case))
    return Layer(
        case_name,
        operator,
        {**case.options, **options},
        tuple(None if o is None else _tensor(case, o, f"input_{i}", rng) for i, o in enumerate(case.inputs)),
        tuple(_tensor(case, o, f"output_{i}", rng) for i, o in enumerate(case.outputs)),
    )


def _tensor(case: Case, operand: Any, name: str, rng: np.random.Generator) -> Tensor:
    return Tensor(name, operand.type, None if operand.data is None else constant_values(case, operand, rng))


def broken_rule(layer: Layer) -> str | None:
    operator = operators()[layer.op]
    return operator.broken_rule(replace(layer, attributes=operator.attributes(layer.attributes, layer)))


def with_input(layer: Layer, index: int, type_: TensorType, *, constant: bool = True) -> Layer:
    data = np.ones(type_.shape, type_.dtype.numpy) if constant else None
    inputs = list(layer.inputs)
    inputs[index] = Tensor(f"input_{index}", type_, data)
    return replace(layer, inputs=tuple(inputs))


def with_output(layer: Layer, type_: TensorType) -> Layer:
    return replace(layer, outputs=(Tensor("output_0", type_),))


def weights(
    shape: tuple[int, ...], scales: tuple[float, ...] = (0.01,), zero_point: int = 0, axis: int = 0
) -> TensorType:
    return TensorType(shape, DType.INT8, Quantization(scales, (zero_point,) * len(scales), axis))


BASES = {
    "DEPTHWISE_CONV_2D": "3x3_same",
    "FULLY_CONNECTED": "one_row",
    "AVERAGE_POOL_2D": "3x3_same",
    "MAX_POOL_2D": "3x3_same",
    "MEAN": "spatial",
}
WEIGHTED = {"DEPTHWISE_CONV_2D": (1, 3, 3, 5), "FULLY_CONNECTED": (10, 33)}


@pytest.mark.parametrize("operator", BASES)
def test_the_base_layers_keep_every_rule(operator: str) -> None:
    assert broken_rule(layer_of(operator, BASES[operator])) is None


@pytest.mark.parametrize("operator", BASES)
def test_float_activations_are_refused(operator: str) -> None:
    layer = layer_of(operator, BASES[operator])
    shape = layer.input(0).shape
    refused = broken_rule(with_input(layer, 0, TensorType(shape, DType.FLOAT32), constant=False))
    assert refused == "input 0 is float32, int8 or int16 is needed"


@pytest.mark.parametrize("operator", BASES)
def test_an_output_of_another_shape_is_refused(operator: str) -> None:
    layer = layer_of(operator, BASES[operator])
    shape = (1, 2, 3, layer.output.shape[-1])
    refused = broken_rule(with_output(layer, replace(layer.output.type, shape=shape)))
    assert refused is not None and str(shape) in refused


@pytest.mark.parametrize("operator", [name for name in BASES if name != "MEAN"])
def test_an_activation_that_is_no_clamp_is_refused(operator: str) -> None:
    refused = broken_rule(layer_of(operator, BASES[operator], fused_activation_function=4))
    assert refused == "fused activation TANH is not a clamp"


@pytest.mark.parametrize("operator", WEIGHTED)
def test_weights_that_are_computed_are_refused(operator: str) -> None:
    layer = layer_of(operator, BASES[operator])
    refused = broken_rule(with_input(layer, 1, layer.input(1).type, constant=False))
    assert refused == "the weights (input 1) must be constant"


@pytest.mark.parametrize("operator", WEIGHTED)
@pytest.mark.parametrize(
    ("scales", "zero_point", "expected"),
    [((0.01,), 3, "a zero point other than 0"), ((0.01, 0.02), 0, "2 scales for")],
)
def test_weights_quantized_otherwise_are_refused(
    operator: str, scales: tuple[float, ...], zero_point: int, expected: str
) -> None:
    type_ = weights(WEIGHTED[operator], scales, zero_point)
    assert expected in str(broken_rule(with_input(layer_of(operator, BASES[operator]), 1, type_)))


@pytest.mark.parametrize(("operator", "axis", "needed"), [("DEPTHWISE_CONV_2D", 0, 3), ("FULLY_CONNECTED", 1, 0)])
def test_scales_along_another_dimension_are_refused(operator: str, axis: int, needed: int) -> None:
    layer = layer_of(operator, BASES[operator])
    scales = (0.01,) * layer.output.shape[-1]
    refused = broken_rule(with_input(layer, 1, weights(WEIGHTED[operator], scales, axis=axis)))
    assert refused == f"weights have scales along dimension {axis}, {needed} is needed"


@pytest.mark.parametrize("operator", WEIGHTED)
def test_a_bias_of_another_type_or_size_is_refused(operator: str) -> None:
    layer = layer_of(operator, BASES[operator])
    outputs = layer.output.shape[-1]
    for type_ in (TensorType((outputs,), DType.INT64), TensorType((outputs + 1,), DType.INT32)):
        assert "a constant int32 for each" in str(broken_rule(with_input(layer, 2, type_)))


@pytest.mark.parametrize("operator", WEIGHTED)
def test_an_accumulator_past_int32_is_refused(operator: str) -> None:
    layer = layer_of(operator, BASES[operator])
    shape = (layer.output.shape[-1],)
    full = Tensor("input_2", TensorType(shape, DType.INT32), np.full(shape, 2**31 - 1, np.int32))
    assert "past int32" in str(broken_rule(replace(layer, inputs=(*layer.inputs[:2], full))))
    scaled = replace(layer.output.type, quantization=Quantization((1e-9,), (0,)))
    assert "past int32" in str(broken_rule(with_output(layer, scaled)))


def test_depthwise_weights_for_part_of_a_channel_are_refused() -> None:
    layer = with_input(layer_of("DEPTHWISE_CONV_2D", "3x3_same"), 1, weights((1, 3, 3, 6)))
    layer = with_input(layer, 2, TensorType((6,), DType.INT32))
    refused = broken_rule(with_output(layer, replace(layer.output.type, shape=(1, 7, 6, 6))))
    assert refused == "weights are (1, 3, 3, 6), one filter for a multiple of 5 channels is needed"


def test_fully_connected_rows_must_divide_the_input() -> None:
    layer = with_input(layer_of("FULLY_CONNECTED", "one_row"), 1, weights((10, 32)))
    assert broken_rule(layer) == "the input (1, 33) does not divide into rows of 32"


def test_shuffled_weights_are_refused() -> None:
    assert broken_rule(layer_of("FULLY_CONNECTED", "one_row", weights_format=1)) == "weights have the shuffled format 1"


@pytest.mark.parametrize("operator", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_a_pooling_that_rescales_is_refused(operator: str) -> None:
    layer = layer_of(operator, "3x3_same")
    for quantization in (Quantization((0.06,), (-7,)), Quantization((0.05,), (-6,))):
        refused = broken_rule(with_output(layer, replace(layer.output.type, quantization=quantization)))
        assert refused is not None and refused.startswith("input and output are quantized by")


@pytest.mark.parametrize("option", ["filter_height", "filter_width"])
def test_an_empty_window_is_refused(option: str) -> None:
    assert "must be at least 1" in str(broken_rule(layer_of("MAX_POOL_2D", "3x3_same", **{option: 0})))


def test_means_over_computed_axes_or_axes_of_another_type_are_refused() -> None:
    layer = layer_of("MEAN", "spatial")
    computed = with_input(layer, 1, TensorType((2,), DType.INT32), constant=False)
    assert broken_rule(computed) == "the axes (input 1) must be constant"
    assert broken_rule(with_input(layer, 1, TensorType((1,), DType.INT64))) == "the axes are int64, int32 is needed"


def test_means_over_axes_that_the_input_lacks_make_no_sense() -> None:
    layer = layer_of("MEAN", "spatial")
    axes = Tensor("input_1", TensorType((1,), DType.INT32), np.array([4], np.int32))
    with pytest.raises(ValueError, match=r"axes \[4\] of an input of 4 dimensions"):
        broken_rule(replace(layer, inputs=(layer.inputs[0], axes)))


def test_means_of_more_than_six_dimensions_are_refused() -> None:
    layer = layer_of("MEAN", "spatial")
    seven = replace(layer.input(0).type, shape=(1,) * 7)
    layer = with_output(with_input(layer, 0, seven, constant=False), replace(layer.output.type, shape=(1,) * 5))
    assert "has 7 dimensions" in str(broken_rule(layer))


def test_a_mean_whose_sum_passes_int32_is_refused() -> None:
    layer = layer_of("MEAN", "spatial")
    tiny = replace(layer.output.type, quantization=Quantization((1e-9,), (0,)))
    assert "past int32" in str(broken_rule(with_output(layer, tiny)))
