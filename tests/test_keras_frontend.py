"""Real Keras files and SavedModels through the Keras front end: what converts, what it is called, what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcuq.board import board_named
from mcuq.check import check
from mcuq.errors import McuqError, UnsupportedError, UsageError
from mcuq.fit import Goals
from mcuq.frontend.blockers import BlockedError
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.model_file import model_kind
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.quiet import quiet_stderr
from mcuq.reference import Reference

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
pytest.importorskip("tensorflow", reason="not checked: Keras front end, TensorFlow is not installed")


def keras_3_models(keras: Any, folder: Path) -> None:
    layers = keras.layers
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Add(name="join")([x, layers.Conv2D(4, 1, name="side")(x)])
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    net = keras.Model(image, layers.Dense(3, activation="softmax", name="scores")(x), name="net")
    net.save(folder / "functional.h5")
    net.save(folder / "functional.keras")
    net.export(folder / "exported", verbose=False)

    series = keras.Sequential([keras.Input((10, 2)), layers.Conv1D(3, 3, name="over_time"), layers.Flatten()])
    series.save(folder / "series.keras")

    left, right = keras.Input((4,), name="zeta"), keras.Input((6,), name="alpha")
    joined = layers.Concatenate()([left, right])
    ends = [layers.Dense(3, name="first")(joined), layers.Dense(1, activation="sigmoid", name="second")(right)]
    keras.Model([left, right], ends).save(folder / "several.keras")

    shared = layers.Dense(4, name="shared")
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="relu", name="inside")], name="backbone")
    keras.Model(left, shared(inner(shared(left)))).save(folder / "nested.keras")

    keras.Sequential([keras.Input((None, 3)), layers.Conv1D(2, 3)]).save(folder / "unknown.keras")
    keras.Sequential([layers.Dense(2, name="alone")]).save(folder / "unbuilt.keras")
    code = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda t: t * 2, name="twice"), layers.Dense(2)])
    code.save(folder / "lambda3.h5")
    code.save(folder / "lambda3.keras")

    class Mine(layers.Layer):  # type: ignore[misc,name-defined]
        def call(self, value: Any) -> Any:
            return value * 2

    own = keras.Sequential([keras.Input((4,)), Mine(), layers.Dense(2)])
    own.save(folder / "custom.h5")
    own.save(folder / "custom.keras")
    own.save_weights(folder / "only.weights.h5")
    recurrent = keras.Sequential([keras.Input((5, 3)), layers.GRU(2)])
    recurrent.save(folder / "recurrent.keras")
    loop = layers.GRU(2, activation="relu", name="loop")
    both = keras.Sequential([keras.Input((5, 3)), layers.LSTM(2, return_sequences=True), loop])
    both.save(folder / "both.keras")

    tokens = keras.Input((6,), dtype="int32", name="tokens")
    best = layers.Dense(5)(layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(tokens)))
    ends = [keras.ops.argmax(best, axis=-1), keras.ops.argmin(best, axis=-1)]
    keras.Model(tokens, ends).save(folder / "tokens.keras")
    words = keras.Sequential([keras.Input((6,)), layers.Embedding(9, 4, name="words"), layers.Flatten()])
    words.save(folder / "float_tokens.keras")


def keras_2_models(tf_keras: Any, folder: Path) -> None:
    layers = tf_keras.layers
    net = tf_keras.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.DepthwiseConv2D(3, padding="same", name="wise"),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="scores"),
        ]
    )
    net.save(folder / "keras2.h5")
    net.save(folder / "keras2.keras")
    net.save(folder / "keras2_saved", save_format="tf")
    code = tf_keras.Sequential([layers.Input((4,)), layers.Lambda(lambda t: t * 2, name="twice")])
    code.save(folder / "lambda2.h5")
    code.save(folder / "lambda2.keras")


def saved_models(tf: Any, folder: Path) -> None:
    class Plain(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.weights = tf.Variable(np.linspace(-1, 1, 18, dtype=np.float32).reshape(6, 3))

        @tf.function  # type: ignore[untyped-decorator]
        def __call__(self, features: Any) -> dict[str, Any]:
            return {"shares": tf.nn.softmax(features @ self.weights)}

    plain = Plain()
    signature = plain.__call__.get_concrete_function(tf.TensorSpec([None, 6], tf.float32, name="features"))
    tf.saved_model.save(plain, str(folder / "plain"), signatures=signature)
    tf.saved_model.save(plain, str(folder / "unsigned"))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    with quiet_stderr():
        import keras
        import tensorflow as tf
        import tf_keras

        keras.utils.set_random_seed(1)
        keras_3_models(keras, folder)
        keras_2_models(tf_keras, folder)
        saved_models(tf, folder)
    return folder


def test_an_untrained_model_is_checked_by_its_layers_names(models: Path) -> None:
    found = check(models / "functional.keras", None, board_named("microbit"), None, Goals(), lambda *_: None)
    assert (found.error, found.fits, found.blockers) == (None, True, ())
    assert {"stem", "side", "join", "mean", "scores"} <= {layer.name.split(":")[0] for layer in found.layers}
    assert found.notes[0].startswith("NO CALIBRATION DATA")
    refused = check(models / "lambda3.keras", None, None, None, Goals(), lambda *_: None)
    assert isinstance(refused.error, UnsupportedError) and refused.layers == ()


def outputs_of(model: bytes, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
    return Reference(model, exact=False).run_all(inputs)


def names_of(model: bytes) -> list[str]:
    reference = Reference(model, all_tensors=True)
    return list(reference.tensors([np.zeros(info.shape[1:], np.float32) for info in reference.inputs]))


@pytest.mark.parametrize("name", ["functional.h5", "functional.keras", "exported"])
def test_one_model_in_three_formats_computes_what_keras_computes(models: Path, name: str) -> None:
    import keras

    x = np.random.default_rng(0).uniform(size=(5, 8, 8, 1)).astype(np.float32)
    expected = keras.saving.load_model(models / "functional.keras").predict(x, verbose=0)
    model = to_float_tflite(models / name)
    assert Reference(model).inputs[0].shape == (1, 8, 8, 1)
    np.testing.assert_allclose(outputs_of(model, x)[0], expected, atol=1e-5)


def test_tensors_are_named_after_keras_layers_in_order_of_execution(models: Path) -> None:
    names = names_of(to_float_tflite(models / "functional.keras"))
    assert names[0] == "image"
    assert [name.split("/")[0] for name in names[1:]] == ["stem", "side", "join", "mean", "scores", "scores"]
    assert names[-1] == "scores/Softmax"


def test_layers_of_nested_and_shared_models_keep_their_path(models: Path) -> None:
    names = names_of(to_float_tflite(models / "nested.keras"))
    assert [name.split(";")[0] for name in names[1:3]] == ["shared/MatMul", "backbone/inside/MatMul"]
    assert names[-1].startswith("shared/")
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["keras2.h5", "keras2.keras", "keras2_saved"])
def test_keras_2_files_that_keras_3_refuses_convert_by_tf_keras(models: Path, name: str) -> None:
    model = to_float_tflite(models / name)
    x = np.random.default_rng(0).uniform(size=(3, 8, 8, 2)).astype(np.float32)
    expected = outputs_of(to_float_tflite(models / "keras2.h5"), x)[0]
    np.testing.assert_allclose(outputs_of(model, x)[0], expected, atol=1e-6)
    assert any("wise" in tensor for tensor in names_of(model))


def test_inputs_and_outputs_keep_their_order_and_the_inputs_their_names(models: Path) -> None:
    reference = Reference(to_float_tflite(models / "several.keras"))
    assert [(info.name, info.shape) for info in reference.inputs] == [("zeta", (1, 4)), ("alpha", (1, 6))]
    assert [info.shape for info in reference.outputs] == [(1, 3), (1, 1)]


def test_conv1d_becomes_conv_2d(models: Path) -> None:
    model = to_float_tflite(models / "series.keras")
    assert outputs_of(model, np.zeros((1, 10, 2), np.float32))[0].shape == (1, 24)
    assert any(name.startswith("over_time/") for name in names_of(model))


def test_an_embedding_and_argmax_are_one_operator_each(models: Path) -> None:
    import keras

    content = to_float_tflite(models / "tokens.keras")
    found = [node.op for node in read_tflite(content, "tokens").nodes]
    assert sorted(found) == ["ARG_MAX", "ARG_MIN", "FULLY_CONNECTED", "GATHER", "MEAN"]
    tokens = np.random.default_rng(5).integers(0, 9, (20, 6)).astype(np.int32)
    expected = keras.models.load_model(models / "tokens.keras").predict(tokens, verbose=0)
    for got, best in zip(outputs_of(content, tokens), expected, strict=True):
        np.testing.assert_array_equal(got.reshape(20), best)


def test_a_loop_beside_an_lstm_is_told_by_its_name(models: Path) -> None:
    with pytest.raises(BlockedError, match="loop: WHILE: operator not supported"):
        bind(read_tflite(to_float_tflite(models / "both.keras"), "both"))


def test_a_plain_saved_model_with_a_signature_converts(models: Path) -> None:
    reference = Reference(to_float_tflite(models / "plain"))
    assert [(info.name, info.shape) for info in reference.inputs] == [("features", (1, 6))]
    assert [(info.name, info.shape) for info in reference.outputs] == [("shares", (1, 3))]


@pytest.mark.parametrize("name", ["lambda2.h5", "lambda2.keras", "lambda3.h5", "lambda3.keras"])
def test_a_lambda_layer_is_refused_by_name_and_not_run(models: Path, name: str) -> None:
    with pytest.raises(UnsupportedError, match="Lambda in layer twice") as caught:
        to_float_tflite(models / name)
    assert "does not run code" in caught.value.details[0]
    assert caught.value.hint


@pytest.mark.parametrize("name", ["custom.h5", "custom.keras"])
def test_custom_layers_are_named(models: Path, name: str) -> None:
    with pytest.raises(UnsupportedError, match="classes that Keras does not have: Mine"):
        to_float_tflite(models / name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unknown.keras", "dimension 1 must be known"),
        ("unbuilt.keras", "does not say what shape its input has"),
        ("only.weights.h5", "may hold weights only"),
        ("unsigned", "without a signature"),
        (
            "float_tokens.keras",
            "Embedding 'words' is given float32; indices are integers\nHint: make the model's input",
        ),
    ],
)
def test_models_that_cannot_be_firmware_are_refused_with_the_reason(models: Path, name: str, says: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        to_float_tflite(models / name)
    assert says in str(caught.value)


def test_damaged_and_foreign_files_are_one_clear_error(models: Path, tmp_path: Path) -> None:
    whole_h5 = (models / "functional.h5").read_bytes()
    whole_keras = (models / "functional.keras").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole_h5[: len(whole_h5) // 2])
    (tmp_path / "cut.keras").write_bytes(whole_keras[: len(whole_keras) // 2])
    (tmp_path / "text.h5").write_text("this is text")
    (tmp_path / "text.tflite").write_text("this is text, longer than a header")
    (tmp_path / "empty.h5").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("readme.txt", "no model")
    with zipfile.ZipFile(tmp_path / "noweights.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    (tmp_path / "folder").mkdir()
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(UnsupportedError) as caught:
            to_float_tflite(path)
        assert path.name in caught.value.message, path
        assert caught.value.exit_code == 3


def test_a_saved_model_without_its_variables_is_one_clear_error(models: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bare"
    shutil.copytree(models / "plain", copy)
    shutil.rmtree(copy / "variables")
    with pytest.raises(UnsupportedError, match="bare cannot be loaded as a SavedModel"):
        to_float_tflite(copy)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="model not found"):
        to_float_tflite(tmp_path / "none.h5")


def test_every_model_ends_in_bytes_or_in_an_error_of_mcuq(models: Path) -> None:
    for path in sorted(models.iterdir()):
        try:
            assert to_float_tflite(path)[4:8] == b"TFL3"
        except McuqError as error:
            assert error.message


def test_the_kind_is_known_by_content_not_by_name(models: Path, tmp_path: Path) -> None:
    assert model_kind(models / "functional.h5") == "keras"
    assert model_kind(models / "functional.keras") == "keras"
    assert model_kind(models / "plain") == "saved_model"
    (tmp_path / "odd.bin").write_bytes(to_float_tflite(models / "series.keras"))
    assert model_kind(tmp_path / "odd.bin") == "tflite"


def test_another_process_with_another_hash_seed_writes_the_same_bytes_and_nothing_to_the_terminal(models: Path) -> None:
    code = "import sys; from pathlib import Path; from mcuq.frontend.keras import to_float_tflite as f;"
    code += "sys.stdout.buffer.write(f(Path(sys.argv[1])))"
    here = to_float_tflite(models / "functional.keras")
    environment = dict(os.environ, PYTHONHASHSEED="12345", TZ="Asia/Tokyo", PYTHONPATH=os.pathsep.join(sys.path))
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    argv = [sys.executable, "-c", code, str(models / "functional.keras")]
    done = subprocess.run(argv, env=environment, capture_output=True, check=True)
    assert done.stdout == here
    assert done.stderr == b""


def test_importing_the_front_end_does_not_import_tensorflow() -> None:
    code = "import sys; import mcuq.frontend.keras; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
