"""LiteRT as referee, and the figures of comparison, on the examples' data and on small hand-made outputs."""

from __future__ import annotations

import numpy as np
import pytest

from mcuq.errors import DataError, UnsupportedError
from mcuq.reference import Reference, TensorInfo, accuracy, agreement, predicted_classes, run_float, run_reference


def fully_connected(quantized: bool) -> bytes:
    """A TFLite model with one FULLY_CONNECTED of 3 inputs and 2 outputs, made from the schema, float32 or int8."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    kind = schema.TensorType.INT8 if quantized else schema.TensorType.FLOAT32
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT(), schema.BufferT()]
    weights = np.array([[1, 2, 3], [-1, 0, 1]], np.int8 if quantized else np.float32)
    model.buffers[1].data = np.frombuffer(weights.tobytes(), np.uint8)
    graph.tensors = []
    for name, shape, buffer, scale, zero in (
        ("x", [1, 3], 0, 0.5, 1),
        ("w", [2, 3], 1, 1.0, 0),
        ("y", [1, 2], 0, 1.0, -2),
    ):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), shape, kind, buffer
        if quantized:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero]
        graph.tensors.append(tensor)
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4
    operator.inputs, operator.outputs, operator.opcodeIndex = [0, 1, -1], [2], 0
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    model.operatorCodes, graph.operators, graph.inputs, graph.outputs = [code], [operator], [0], [2]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def test_the_reference_returns_the_bytes_of_the_int8_model() -> None:
    x = np.array([[3, 1, 1], [1, 1, 2]], np.int8)
    (values,) = run_reference(fully_connected(True), [x])
    assert values.dtype == np.int8
    assert values.tolist() == [[1 - 2, -1 - 2], [2 - 2, 1 - 2]]  # 1.5 and 0.5 round up


def test_real_values_are_quantized_and_int8_values_are_taken_as_they_are() -> None:
    model = fully_connected(True)
    real = run_reference(model, [np.array([[1.0, 0.0, 0.0]], np.float32)])
    stored = run_reference(model, [np.array([[3, 1, 1]], np.int8)])
    assert np.array_equal(real[0], stored[0])


def test_the_float_model_runs_and_tells_its_progress() -> None:
    told: list[tuple[int, int]] = []
    x = np.array([[1, 1, 1], [2, 0, 1]], np.float32)
    (values,) = run_float(fully_connected(False), [x], lambda *t: told.append(t))
    assert values.tolist() == [[6, 0], [5, -1]]
    assert told == [(1, 2), (2, 2)]


def test_all_tensors_come_by_name_in_order_of_computation() -> None:
    tensors = Reference(fully_connected(True), all_tensors=True).tensors([np.array([3, 1, 1], np.int8)])
    assert list(tensors) == ["x", "y"]
    assert tensors["x"].tolist() == [[3, 1, 1]]


def test_rounding_is_half_away_from_zero_and_saturates() -> None:
    info = TensorInfo("x", (1, 4), np.dtype(np.int8), 0.5, 0)
    assert info.quantize(np.array([0.25, -0.25, 0.2499, 0.75, 1e9, -1e9])).tolist() == [1, -1, 0, 2, 127, -128]
    assert info.quantize(np.nextafter(np.array([0.25], np.float32), np.float32(0))).tolist() == [0]
    assert info.dequantize(np.array([3, -4], np.int8)).tolist() == [1.5, -2.0]


def test_samples_of_another_shape_or_count_are_refused() -> None:
    reference = Reference(fully_connected(False))
    with pytest.raises(DataError, match="takes the shape"):
        reference.run([np.zeros(4, np.float32)])
    with pytest.raises(DataError, match="1 inputs, the sample has 2"):
        reference.run([np.zeros(3), np.zeros(3)])


def test_a_file_that_litert_refuses_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="LiteRT cannot run the model"):
        Reference(b"not a model at all")


def test_nothing_is_written_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    run_float(fully_connected(False), [np.zeros((1, 3), np.float32)])
    run_reference(fully_connected(True), [np.zeros((1, 3), np.int8)])
    assert capfd.readouterr() == ("", "")


def test_the_first_of_equal_scores_is_the_class() -> None:
    classes = predicted_classes(np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.2]]))
    assert classes is not None
    assert classes.tolist() == [0, 1]


def test_a_single_sigmoid_is_split_at_one_half() -> None:
    classes = predicted_classes(np.array([[0.5], [0.51], [0.1]]))
    assert classes is not None
    assert classes.tolist() == [0, 1, 0]


def test_a_whole_number_is_the_class() -> None:
    found = np.array([[3], [0], [7]], np.int64)
    assert accuracy(found, np.array([3, 1, -1])) == 0.5
    assert agreement(found, found.astype(np.int32) % 7) == pytest.approx(2 / 3)
    assert accuracy(np.array([[3, 4], [0, 1]], np.int32), np.array([3, 0])) is None


def test_outputs_that_are_no_classes_have_no_accuracy_and_no_agreement() -> None:
    regression = np.array([[3.5], [-2.0]])
    assert accuracy(regression, np.array([0, 1])) is None
    assert agreement(regression, regression) is None
    picture = np.zeros((2, 4, 4, 3))
    assert agreement(picture, picture) is None
    reconstruction = np.zeros((2, 640))
    assert agreement(reconstruction, reconstruction, input_elements=640) is None


def test_accuracy_counts_labelled_samples_only() -> None:
    scores = np.eye(3)[[0, 1, 2, 2]]
    assert accuracy(scores, np.array([0, -1, 2, 1])) == pytest.approx(2 / 3)
    assert accuracy(scores, np.array([-1, -1, -1, -1])) is None
    assert accuracy(scores, None) is None
    assert accuracy(scores, np.array([0, 1, 2, 9])) is None


def test_agreement_is_the_share_of_equal_classes() -> None:
    one = np.eye(3)[[0, 1, 2, 2]]
    other = np.eye(3)[[0, 1, 1, 2]]
    assert agreement(one, other) == 0.75
