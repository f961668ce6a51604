"""A Keras model with int16 activations and int8 weights, as litert-quantizer makes it, gives LiteRT's bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from litert_quantizer import quantizer, recipe

from mcuq.core import core_named
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import DType
from mcuq.kernels.base import Target
from mcuq.ops import operators
from mcuq.passes import run_passes
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from mcuq.quantize.calibrate import calibrate
from mcuq.quantize.flatbuffer import read_model, write_model
from mcuq.quantize.prepare import prepare
from mcuq.quiet import quiet_stderr
from tests.harness.ladder import litert_outputs, random_input, reference_outputs
from tests.harness.suite import SuiteCase, differences_on_the_host

SHAPE = (8, 8, 3)


def model_of_int16(folder: Path) -> bytes:
    with quiet_stderr():
        import keras

        layers = keras.layers
        keras.utils.set_random_seed(9)
        image = keras.Input(SHAPE)
        x = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
        y = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
        y = layers.MaxPooling2D()(layers.Add()([x, y]))
        z = layers.DepthwiseConv2D(3, padding="same")(layers.Conv2D(5, 1)(y))
        y = layers.Concatenate()([layers.Conv2D(6, 1)(z), layers.Conv2D(3, 1, activation="tanh")(y)])
        y = layers.GlobalAveragePooling2D()(layers.Activation("sigmoid")(layers.ZeroPadding2D(1)(y)))
        keras.Model(image, layers.Dense(4, activation="softmax")(y)).save(folder / "model.keras")
        prepared = prepare(read_model(to_float_tflite(folder / "model.keras")))
        content = write_model(prepared.model)
        found = calibrate(content, [np.random.default_rng(0).normal(0, 1, (4, *SHAPE)).astype(np.float32)])
        ends = {name: max(-known.low, known.high) for name, known in found.items()}
        records = {name: {"min": np.array([-end]), "max": np.array([end])} for name, end in ends.items()}
        work = quantizer.Quantizer(content, recipe.static_wi8_ai16())
        made = work.quantize(records, enable_progress_bar=False, enable_progress_report=False)
        return bytes(made.quantized_model)


def test_a_keras_model_of_int16_activations_gives_litert_bytes(tmp_path: Path) -> None:
    model = model_of_int16(tmp_path)
    graph = run_passes(bind(read_tflite(model, "wide")))
    assert {layer.output.type.dtype for layer in graph.layers()} == {DType.INT16}
    wanted = {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MAX_POOL_2D", "MEAN", "CONCATENATION", "PAD"}
    assert wanted | {"LOGISTIC", "TANH", "SOFTMAX"} <= {node.op for node in graph.nodes}
    rng, rounds = np.random.default_rng(1), []
    for _ in range(4):
        x = random_input((1, *SHAPE), DType.INT16, rng)
        (want,) = litert_outputs(model, [x])
        np.testing.assert_array_equal(reference_outputs(graph, [x])[0], want)
        rounds.append((x.tobytes(), want.tobytes()))
    program = lower(graph, Target(core_named("cortex-m4")), KernelPolicy.MCUQ)
    case = SuiteCase("CONV_2D", operators()["CONV_2D"].cases[0], graph, plan(program), tuple(rounds))
    assert differences_on_the_host([case], tmp_path / "suite") == []
