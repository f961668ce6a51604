"""Float models to int8 ones with litert-quantizer: form, accuracy, equal bytes, and the cases it gets wrong alone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcuq.data import Dataset, InputSpec, load_data, synthetic_data
from mcuq.errors import DataError, UnsupportedError
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.tflite import find_blockers, read_tflite
from mcuq.quantize import operators_left_float, quantize_int8
from mcuq.quantize.flatbuffer import operator_name, read_model, tensor_name, write_model
from mcuq.quiet import quiet_stderr
from mcuq.reference import Reference, agreement, run_float

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
pytest.importorskip("tensorflow", reason="not checked: quantization of Keras models, TensorFlow is not installed")

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
DIGIT = (InputSpec("image", (8, 8, 1)),)


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Float TFLite models by name."""
    folder = tmp_path_factory.mktemp("float")
    with quiet_stderr():
        import keras

        keras.utils.set_random_seed(2)
        for name, model in keras_models(keras).items():
            model.save(folder / f"{name}.keras")
    made = {path.stem: to_float_tflite(path) for path in sorted(folder.iterdir())}
    made["digits"] = to_float_tflite(EXAMPLES / "digits" / "digits.h5")
    return made


def keras_models(keras: Any) -> dict[str, Any]:
    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu6", name="stem")(x)
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1, name="wise")(x)
    x = layers.Add(name="add")([x, y])
    x = layers.Concatenate(name="cat")([layers.AveragePooling2D(2)(x), layers.MaxPooling2D(2)(x)])
    x = layers.ReLU(6.0, name="six")(layers.Subtract(name="less")([x, layers.Activation("tanh")(x)]))
    x = layers.Multiply(name="gate")([x, layers.Activation("sigmoid")(x)])
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    everything = keras.Model(image, layers.Dense(4, activation="softmax", name="scores")(x))

    left, right = keras.Input((4,), name="zeta"), keras.Input((6,), name="alpha")
    several = keras.Model([left, right], layers.Dense(3)(layers.Concatenate()([left, right])))

    dead = keras.Sequential(
        [keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.ReLU(), layers.DepthwiseConv2D(3), layers.Flatten()]
    )
    kernel, _, wise, _ = dead.get_weights()
    kernel[..., 0], kernel[..., 1] = 0.0, np.abs(kernel[..., 1])
    wise[:, :, 1], wise[:, :, 2] = 0.0, np.abs(wise[:, :, 2])
    dead.set_weights([kernel, np.array([3, 0.5, 0], np.float32), wise, np.array([0, 2, -5], np.float32)])

    plain = keras.Input((4,), name="plain")
    silent = keras.Model(plain, layers.Dense(3, kernel_initializer="zeros", activation="softmax")(plain))
    six = keras.Model(plain, layers.Dense(2)(layers.ReLU(6.0, name="six")(plain)))
    wave = keras.Model(plain, keras.ops.sin(layers.Dense(3, name="before")(plain)))

    x = layers.Conv2D(5, 3, name="conv")(image)
    slopes = keras.initializers.RandomUniform(-0.5, 0.5, seed=1)
    functions = keras.Model(
        image,
        [
            layers.LeakyReLU()(x),
            layers.PReLU(shared_axes=[1, 2], alpha_initializer=slopes)(x),
            layers.ELU()(x),
            keras.ops.log(keras.ops.exp(keras.ops.abs(x)) + 0.5),
            layers.GlobalMaxPooling2D()(layers.Minimum()([x, layers.ReLU()(x)])),
            keras.ops.log_softmax(layers.Flatten()(x)),
            keras.ops.where(x < 0.0, 0.3 * x, x) + x * keras.ops.cast(x > 0.0, "float32"),
            keras.ops.negative(x),
            keras.ops.sum(keras.ops.square(x), axis=[1, 2]),
        ],
    )
    return {
        "everything": everything,
        "several": several,
        "dead": dead,
        "silent": silent,
        "six": six,
        "wave": wave,
        "functions": functions,
    }


def images(count: int = 40) -> Dataset:
    return synthetic_data((InputSpec("image", (8, 8, 3), low=0.0, high=255.0),), count)


def worst_error(float_model: bytes, int8_model: bytes, data: Dataset) -> float:
    """The largest difference between float and int8 outputs, as a share of the float outputs' range."""
    reference = Reference(int8_model)
    exact = run_float(float_model, data.inputs)
    shares = []
    for info, values, expected in zip(reference.outputs, reference.run_all(data.inputs), exact, strict=True):
        shares.append(np.abs(info.dequantize(values) - expected).max() / np.ptp(expected))
    return float(max(shares))


def test_inputs_outputs_and_everything_between_are_int8(converted: dict[str, bytes]) -> None:
    int8_model = quantize_int8(converted["everything"], images())
    reference = Reference(int8_model)
    assert [info.dtype for info in (*reference.inputs, *reference.outputs)] == [np.int8, np.int8]
    assert operators_left_float(int8_model) == ()
    assert reference.outputs[0].scale == 1 / 256
    assert reference.outputs[0].zero_point == -128


def test_weights_are_per_channel_also_in_fully_connected(converted: dict[str, bytes]) -> None:
    tree = read_model(quantize_int8(converted["everything"], images()))
    tensors = tree.subgraphs[0].tensors
    scales = {
        operator_name(tree, op): len(tensors[op.inputs[1]].quantization.scale)
        for op in tree.subgraphs[0].operators
        if operator_name(tree, op) in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    }
    assert scales == {"CONV_2D": 8, "DEPTHWISE_CONV_2D": 8, "FULLY_CONNECTED": 4}


def test_the_int8_model_computes_nearly_what_the_float_model_computes(converted: dict[str, bytes]) -> None:
    data = images()
    assert worst_error(converted["everything"], quantize_int8(converted["everything"], data), data) < 0.1


def test_several_inputs_keep_their_order(converted: dict[str, bytes]) -> None:
    specs = (InputSpec("zeta", (4,), low=-1.0), InputSpec("alpha", (6,), low=-1.0))
    data = synthetic_data(specs, 50)
    int8_model = quantize_int8(converted["several"], data)
    assert [info.name for info in Reference(int8_model).inputs] == ["zeta", "alpha"]
    assert worst_error(converted["several"], int8_model, data) < 0.05


def test_a_channel_without_weights_keeps_its_bias(converted: dict[str, bytes]) -> None:
    data = synthetic_data((InputSpec("x", (6, 6, 2)),), 30)
    assert worst_error(converted["dead"], quantize_int8(converted["dead"], data), data) < 0.03


def test_a_tensor_that_is_always_zero_gets_a_usable_scale(converted: dict[str, bytes]) -> None:
    """With a scale near 1e-12, LiteRT's SOFTMAX aborts the process when it prepares its multipliers."""
    data = synthetic_data((InputSpec("plain", (4,)),), 10)
    int8_model = quantize_int8(converted["silent"], data)
    assert (Reference(int8_model).run_all(data.inputs)[0] == round(256 / 3) - 128).all()


def test_relu6_becomes_relu_with_a_range_that_ends_at_six(converted: dict[str, bytes]) -> None:
    assert "RELU6" in operators(converted["six"])
    data = synthetic_data((InputSpec("plain", (4,), low=-5.0, high=12.0),), 60)
    int8_model = quantize_int8(converted["six"], data)
    assert operators(int8_model) == ["RELU", "FULLY_CONNECTED"]
    assert worst_error(converted["six"], int8_model, data) < 0.05


def operators(model: bytes) -> list[str]:
    tree = read_model(model)
    return [operator_name(tree, operator) for operator in tree.subgraphs[0].operators]


def test_a_squeeze_becomes_a_reshape(converted: dict[str, bytes]) -> None:
    squeezing = add_squeeze(read_model(converted["several"]))
    assert operators(squeezing)[-1] == "SQUEEZE"
    data = synthetic_data((InputSpec("zeta", (4,)), InputSpec("alpha", (6,))), 5)
    int8_model = quantize_int8(squeezing, data)
    assert operators(int8_model)[-1] == "RESHAPE"
    assert operators_left_float(int8_model) == ()


def add_squeeze(tree: Any) -> bytes:
    """The model with a SQUEEZE behind its output, as files from older converters have it."""
    from ai_edge_litert import schema_py_generated as schema

    from mcuq.quantize.flatbuffer import use_operator

    subgraph = tree.subgraphs[0]
    last = subgraph.outputs[0]
    squeezed = schema.TensorT()
    squeezed.name, squeezed.shape, squeezed.type, squeezed.buffer = b"squeezed", [1, 3], schema.TensorType.FLOAT32, 0
    subgraph.tensors.append(squeezed)
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [last], [len(subgraph.tensors) - 1]
    use_operator(tree, operator, "SQUEEZE", schema.BuiltinOptions.SqueezeOptions, schema.SqueezeOptionsT())
    subgraph.operators.append(operator)
    subgraph.outputs = [len(subgraph.tensors) - 1]
    return write_model(tree)


def test_operators_that_stay_float_are_named(converted: dict[str, bytes]) -> None:
    int8_model = quantize_int8(converted["wave"], synthetic_data((InputSpec("x", (4,), low=-1.0),), 10))
    ((operator, _),) = operators_left_float(int8_model)
    assert operator == "SIN"


def test_operators_that_the_quantizer_does_not_know_are_quantized(converted: dict[str, bytes]) -> None:
    """By a stand-in, or made of others."""
    data = synthetic_data((InputSpec("image", (8, 8, 3), low=-1.0),), 20)
    int8_model = quantize_int8(converted["functions"], data)
    assert operators_left_float(int8_model) == ()
    graph = read_tflite(int8_model, "functions")
    assert find_blockers(graph) == ()
    found = {node.op for node in graph.nodes}
    assert {
        "LEAKY_RELU",
        "EXP",
        "LOG",
        "ABS",
        "MINIMUM",
        "REDUCE_MAX",
        "LOG_SOFTMAX",
        "LESS",
        "GREATER",
    } <= found
    assert not {"ELU", "NEG", "SQUARE", "SUM"} & found
    assert worst_error(converted["functions"], int8_model, data) < 0.05


def test_files_with_repeated_or_missing_tensor_names_quantize(converted: dict[str, bytes]) -> None:
    tree = read_model(converted["digits"])
    for tensor in tree.subgraphs[0].tensors[::2]:
        tensor.name = b"same"
    tree.subgraphs[0].tensors[1].name = None
    tree.subgraphs[0].tensors[tree.subgraphs[0].inputs[0]].shapeSignature = [-1, 8, 8, 1]
    data = load_data(str(EXAMPLES / "digits" / "calibration.npz"), DIGIT)
    names = [tensor_name(t) for t in read_model(quantize_int8(write_model(tree), data)).subgraphs[0].tensors]
    assert len(set(names)) == len(names)


def test_half_float_weights_are_unfolded(converted: dict[str, bytes]) -> None:
    """What `converter.target_spec.supported_types = [tf.float16]` makes: float16 weights behind DEQUANTIZE."""
    with quiet_stderr():
        import tensorflow as tf

        net = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(300), tf.keras.layers.Dense(3)])
        converter = tf.lite.TFLiteConverter.from_keras_model(net)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        half = converter.convert()
    assert "DEQUANTIZE" in operators(half)
    data = synthetic_data((InputSpec("x", (4,), low=-1.0),), 30)
    int8_model = quantize_int8(half, data)
    assert operators_left_float(int8_model) == ()
    assert worst_error(half, int8_model, data) < 0.05


def test_uint8_samples_count_as_real_values_and_progress_is_told(converted: dict[str, bytes]) -> None:
    x = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
    told: list[tuple[int, int]] = []
    as_bytes = quantize_int8(converted["everything"], Dataset((x,), None, "x"), lambda *t: told.append(t))
    as_floats = quantize_int8(converted["everything"], Dataset((x.astype(np.float32),), None, "x"))
    assert as_bytes == as_floats
    assert told == [(done, 7) for done in range(1, 8)]


def test_data_for_another_model_are_refused(converted: dict[str, bytes]) -> None:
    with pytest.raises(DataError, match="it takes 8x8x1"):
        quantize_int8(converted["digits"], images())


def test_damaged_models_and_control_flow_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="not a sound TFLite file"):
        quantize_int8(b"\0\0\0\0TFL3" + b"\xff" * 40, images())


def test_another_process_with_another_hash_seed_writes_the_same_bytes_and_nothing_to_the_terminal(
    converted: dict[str, bytes], tmp_path: Path
) -> None:
    calibration = EXAMPLES / "digits" / "calibration.npz"
    (tmp_path / "float.tflite").write_bytes(converted["digits"])
    here = quantize_int8(converted["digits"], load_data(str(calibration), DIGIT))
    code = """
import hashlib, sys
from mcuq.data import InputSpec, load_data
from mcuq.quantize import quantize_int8
data = load_data(sys.argv[2], (InputSpec("image", (8, 8, 1)),))
print(hashlib.sha256(quantize_int8(open(sys.argv[1], "rb").read(), data)).hexdigest())
assert "tensorflow" not in sys.modules
"""
    environment = dict(os.environ, PYTHONHASHSEED="12345", TZ="Asia/Tokyo", PYTHONPATH=os.pathsep.join(sys.path))
    argv = [sys.executable, "-c", code, str(tmp_path / "float.tflite"), str(calibration)]
    done = subprocess.run(argv, env=environment, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == hashlib.sha256(here).hexdigest()
    assert done.stderr == ""


def test_digits_agree_with_the_float_model(converted: dict[str, bytes]) -> None:
    int8_model = quantize_int8(converted["digits"], load_data(str(EXAMPLES / "digits" / "calibration.npz"), DIGIT))
    test = load_data(str(EXAMPLES / "digits" / "test.npz"), DIGIT)
    reference = Reference(int8_model)
    values = reference.outputs[0].dequantize(reference.run_all(test.inputs)[0])
    same = agreement(run_float(converted["digits"], test.inputs)[0], values)
    assert same is not None
    assert same >= 0.99
