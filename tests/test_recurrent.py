"""Keras LSTM layers: one operator each, the function that Keras computes, and LiteRT's bytes as int8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcuq.data import Dataset
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.quantize import quantize_int8
from mcuq.quiet import quiet_stderr
from mcuq.reference import run_float, run_reference
from tests.harness.ladder import reference_outputs

SHAPE = (7, 5)
LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"


def last(layers: Any) -> list[Any]:
    return [layers.LSTM(6, name="memory"), layers.Dense(3)]


def stacked(layers: Any) -> list[Any]:
    return [layers.LSTM(4, return_sequences=True, use_bias=False), layers.LSTM(6, return_sequences=True, unroll=True)]


def backwards(layers: Any) -> list[Any]:
    return [layers.LSTM(4, go_backwards=True, return_sequences=True), layers.LSTM(5, go_backwards=True)]


def both_ways(layers: Any) -> list[Any]:
    two = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum")
    return [two, layers.Bidirectional(layers.LSTM(3)), layers.Dense(2)]


def looping(layers: Any) -> list[Any]:
    return [layers.LSTM(4, activation="relu", name="relus"), layers.Dense(2)]


def model_file(make: Callable[[Any], list[Any]], folder: Path) -> tuple[Any, Path]:
    with quiet_stderr():
        import keras

        keras.utils.set_random_seed(5)
        model = keras.Sequential([keras.Input(batch_shape=(1, *SHAPE)), *make(keras.layers)])
        model.save(folder / "model.keras")
    return model, folder / "model.keras"


def samples(count: int) -> np.ndarray:
    return np.random.default_rng(2).normal(0, 1, (count, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize(("make", "lstms"), [(last, 1), (stacked, 2), (backwards, 2), (both_ways, 4)])
def test_a_keras_lstm_becomes_one_operator(make: Callable[[Any], list[Any]], lstms: int, tmp_path: Path) -> None:
    model, file = model_file(make, tmp_path)
    content, data = to_float_tflite(file), samples(8)
    assert [node.op for node in read_tflite(content, "model").nodes].count(LSTM) == lstms
    wanted = np.concatenate([np.asarray(model(one[np.newaxis], training=False)) for one in data])
    (real,) = run_float(content, [data])
    np.testing.assert_allclose(real, wanted, atol=1e-5)
    quantized = quantize_int8(content, Dataset((data,), None, "made up"))
    graph = bind(read_tflite(quantized, "model"))
    assert [node.op for node in graph.nodes].count(LSTM) == lstms and len(graph.states) == 2 * lstms
    (given,), output = graph.input_tensors, graph.output_tensors[0].type
    (answers,) = run_reference(quantized, [data])
    steps = np.abs((answers - np.float32(output.zero_point)) * np.float32(output.scale) - wanted) / output.scale
    assert steps.max() < 8, steps.max()
    x = np.clip(np.round(data[:1] / given.type.scale) + given.type.zero_point, -128, 127).astype(np.int8)
    np.testing.assert_array_equal(reference_outputs(graph, [x])[0], run_reference(quantized, [x])[0])


def test_a_stateful_keras_lstm_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """As the operator does: a state is what it is until someone resets it."""

    def remembering(layers: Any) -> list[Any]:
        return [layers.LSTM(6, stateful=True), layers.Dense(3)]

    model, file = model_file(remembering, tmp_path)
    content, data = to_float_tflite(file), samples(4)
    graph = bind(read_tflite(quantize_int8(content, Dataset((data,), None, "made up")), "model"))
    (given,), output = graph.input_tensors, graph.output_tensors[0].type
    x = np.clip(np.round(data[:1] / given.type.scale) + given.type.zero_point, -128, 127).astype(np.int8)
    ends = (np.array([-128, 127], np.float32) - output.zero_point) * np.float32(output.scale)
    for runs in (1, 2, 3):
        wanted = np.clip(np.asarray(model(data[:1], training=False)), *ends)
        (found,) = reference_outputs(graph, [x], runs)
        steps = np.abs((found - np.float32(output.zero_point)) * np.float32(output.scale) - wanted) / output.scale
        assert steps.max() < 8, (runs, steps.max())


def test_an_lstm_that_the_operator_cannot_express_stays_a_loop(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="relus: WHILE"):
        read_tflite(to_float_tflite(model_file(looping, tmp_path)[1]), "model")
