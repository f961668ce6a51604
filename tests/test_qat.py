"""Quantization-aware training: the trained model computes what its int8 file does, and training helps accuracy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="not checked: training, TensorFlow is not installed")
pytest.importorskip("litert_quantizer", reason="not checked: training, litert-quantizer is not installed")

from mcuq import qat
from mcuq.cli import run
from mcuq.data import Dataset
from mcuq.errors import DataError, McuqError, UnsupportedError, UsageError
from mcuq.frontend.tflite import read_tflite
from mcuq.ir import DType, Graph, Node, Tensor, TensorType
from mcuq.qat.network import _fake_quantized
from mcuq.qat.roundings import Rounding
from mcuq.quantize import quantize
from mcuq.quantize.request import Request
from mcuq.reference import Reference, accuracy, run_float
from tests.harness.small_models import dense
from tests.harness.tflite_writer import write_graph

DIGITS = Path(__file__).parent.parent / "examples" / "digits"
TRAINING, TEST = (np.load(DIGITS / f"{name}.npz") for name in ("calibration", "test"))
LABELS = TEST["y"].astype(np.int64)


@pytest.fixture(scope="module")
def digits() -> bytes:
    return qat.float_tflite(DIGITS / "digits.h5")


@pytest.fixture(scope="module")
def ternary(tmp_path_factory: pytest.TempPathFactory) -> qat.FakeQuantized:
    """What the documentation's program trains, run as it stands."""
    text = (DIGITS.parent.parent / "docs" / "quantization.md").read_text(encoding="utf-8")
    program = text.partition("```python\n")[2].partition("```")[0]
    folder = tmp_path_factory.mktemp("documented")
    (folder / "examples").symlink_to(DIGITS.parent)
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(program, names)
    prepared = names["prepared"]
    assert isinstance(prepared, qat.FakeQuantized)
    assert (folder / "digits-ternary.tflite").read_bytes() == qat.export(prepared)
    return prepared


def same_integers(trained: qat.FakeQuantized, samples: Any, least: float) -> None:
    """Each activation of the int8 file is the trained model's: ``least`` of them equal, all within one unit or two."""
    file = Reference(qat.export(trained), all_tensors=True)
    real = trained.activations(samples, training=False)
    names = trained.architecture.program.names
    for number, sample in enumerate(np.asarray(samples)):
        integers = file.tensors([sample])
        for place, known in enumerate(trained.architecture.ranges):
            scale = float(trained.range_scale(place))
            for index in known.tensors:
                wanted = np.rint(np.asarray(real[index][number]) / scale) + known.zero_point
                apart = np.abs(integers[names[index]][0] - wanted)
                assert apart.max() <= 2, names[index]
                assert (apart == 0).mean() >= least, names[index]


def levels(tflite: bytes) -> dict[str, int]:
    """By layer: how many values its weights have."""
    graph = read_tflite(tflite, "model")
    weighted = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    constants = {node.name: graph.tensors[str(node.inputs[1])].data for node in graph.nodes if node.op in weighted}
    return {name: len(np.unique(values)) for name, values in constants.items() if values is not None}


def scales(tflite: bytes, layer: str) -> tuple[float, ...]:
    """Of the channels of a layer's weights."""
    graph = read_tflite(tflite, "model")
    (weights,) = (str(node.inputs[1]) for node in graph.nodes if layer in node.name.split("/")[0] and "CONV" in node.op)
    quantization = graph.tensors[weights].type.quantization
    assert quantization is not None
    return quantization.scales


def points_lost(digits: bytes, outputs: Any) -> float:
    before, after = (accuracy(found, LABELS) for found in (run_float(digits, [TEST["x"]])[0], outputs))
    assert before is not None
    assert after is not None
    return 100 * (before - after)


def test_ternary_digits_come_close_to_float_and_the_file_is_what_was_trained(
    digits: bytes, ternary: qat.FakeQuantized
) -> None:
    tflite = qat.export(ternary)
    found = levels(tflite)
    assert found["conv1"] > 3
    assert found["conv2"] == found["scores"] == 3
    file = Reference(tflite)  # the optimized kernels round otherwise
    outputs = file.outputs[0].dequantize(file.run_all([TEST["x"]])[0])
    assert points_lost(digits, outputs) <= 2
    trained = ternary.predict(TEST["x"], verbose=0)
    assert (outputs.argmax(axis=1) == trained.argmax(axis=1)).mean() >= 0.99
    assert (np.abs(outputs - trained) * 256 < 1.01).mean() >= 0.99
    same_integers(ternary, TEST["x"][:20], 0.98)


def test_binary_digits_learn_from_labels_too_and_are_the_same_each_time(digits: bytes) -> None:
    epochs: list[qat.Epoch] = []
    files = []
    for often in (40, 40):
        prepared = qat.prepare(digits, "binary", data=TRAINING["x"][:20])
        qat.distill(prepared, TRAINING["x"], TRAINING["y"], epochs=often, seed=3, progress=epochs.append)
        files.append(qat.export(prepared))
    assert files[0] == files[1]
    assert levels(files[0])["conv2"] == 2
    assert points_lost(digits, run_float(files[0], [TEST["x"]])[0]) <= 3
    assert [epoch.number for epoch in epochs] == [*range(1, 41)] * 2
    assert [epoch.done for epoch in epochs[:40]] == [number / 40 for number in range(1, 41)]
    assert np.mean([epoch.loss for epoch in epochs[30:40]]) < np.mean([epoch.loss for epoch in epochs[:10]])


def residual(keras: Any) -> Any:
    """Convolutions with a branch around them, depthwise, strided and pooled; names as layers of any user's net."""
    layers = keras.layers
    image = keras.Input((12, 10, 3), name="image")
    stem = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", name="stem")(image)))
    wise = layers.DepthwiseConv2D(3, strides=1, padding="same", activation="relu6", name="wise")(stem)
    joined = layers.ReLU()(layers.Add()([stem, layers.Conv2D(8, 1, name="point")(wise)]))
    wide = layers.Concatenate()([joined, layers.Conv2D(8, 3, padding="same", name="side")(joined)])
    small = layers.AveragePooling2D(3, strides=2, padding="same")(layers.LeakyReLU()(wide))
    last = layers.Conv2D(16, 3, padding="same", activation="tanh", name="last")(small)
    scores = layers.Dense(5, activation="softmax", name="scores")(layers.GlobalAveragePooling2D()(last))
    return keras.Model(image, scores, name="net")


def test_a_residual_net_trains_by_fit_and_layers_have_schemes_by_name() -> None:
    import keras

    keras.utils.set_random_seed(5)
    random = np.random.default_rng(5)
    samples, labels = random.normal(size=(64, 12, 10, 3)).astype(np.float32), random.integers(0, 5, 64)
    prepared = qat.prepare(
        residual(keras), "w4a8", {"side": "codebook4+dq", "wise": "log2", "stem": "w8a8"}, data=samples
    )
    before = qat.export(prepared)
    prepared.compile(keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = prepared.fit(samples, labels, batch_size=32, epochs=4, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    after = qat.export(prepared)
    assert after != before
    found = levels(after)
    assert found["side"] <= 4
    assert found["wise"] <= 15
    assert found["last"] <= 16
    assert found["stem"] > 16
    assert scales(after, "side") == scales(before, "side")  # a byte each
    assert scales(after, "last") != scales(before, "last")
    same_integers(prepared, samples[:8], 0.98)


def test_a_model_of_keras_2_trains_until_its_time_is_up() -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(6)
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [layers.Input((20,)), layers.Dense(24, activation="relu"), layers.Dense(20, name="back")], name="auto"
    )
    samples = np.random.default_rng(6).normal(size=(30, 20)).astype(np.float32)
    prepared = qat.prepare(model, "w2a8", data=samples)
    for number, latent in enumerate(prepared.latents):  # in a net so small, rounding leaves nothing to be learned
        latent.assign(latent + np.random.default_rng(number).normal(0, 0.3, latent.shape))
    rounded = qat.export(prepared)
    epochs: list[qat.Epoch] = []
    qat.distill(prepared, samples, epochs=80, augment=False, progress=epochs.append)
    assert epochs[0].agreement is None
    wanted = model.predict(samples, verbose=0)
    before, after = (
        np.square(run_float(file, [samples])[0] - wanted).mean() for file in (rounded, qat.export(prepared))
    )
    assert after < 0.8 * before
    same_integers(prepared, samples[:8], 0.98)
    begin = time.monotonic()
    qat.distill(prepared, samples, epochs=1_000_000, minutes=0.01, progress=epochs.append)
    assert time.monotonic() - begin < 60
    assert len(epochs) < 1_000_000
    assert 0.5 < epochs[-1].done <= 1.0


def test_what_cannot_be_trained_is_refused_in_words(digits: bytes) -> None:
    shape = TensorType((1, 4), DType.FLOAT32, None)
    tensors = {name: Tensor(name, shape, None) for name in ("x", "y")}
    floors, squared = (
        write_graph(Graph("net", tensors, (Node("one", op, attributes, inputs, ("y",)),), ("x",), ("y",)))
        for op, attributes, inputs in (("FLOOR", {}, ("x",)), ("RELU", {}, ("x",)))
    )
    some = TRAINING["x"][:4]
    prepared, diverging = (qat.prepare(digits, "w8a8", data=some) for _ in range(2))
    cases: tuple[tuple[Any, type[McuqError], str], ...] = (
        (lambda: qat.prepare(floors, data=some[:, 0, :4]), UnsupportedError, "'y' .FLOOR. cannot be trained"),
        (lambda: qat.prepare(squared, data=some[:, 0, :4]), UnsupportedError, "no layer of the model has weights"),
        (lambda: qat.prepare(dense(), data=some), UsageError, "quantized already"),
        (lambda: qat.prepare(digits, "w5a8", data=some), UsageError, "no quantization scheme"),
        (lambda: qat.prepare(digits, "w4a8+pt", data=some), UsageError, "w4a8.pt is not trained"),
        (lambda: qat.prepare(digits, "w8a16", data=some), UsageError, "w8a16 is not trained"),
        (lambda: qat.prepare(digits, "float32", data=some), UsageError, "float32 is not trained"),
        (lambda: qat.prepare(digits, "mixed", data=some), UsageError, "mixed is not trained"),
        (lambda: qat.prepare(digits, data=some, calibration="most"), UsageError, "no calibrator"),
        (lambda: qat.prepare(digits, data=some[:, :4]), DataError, "takes samples of shape .n, 8, 8, 1"),
        (lambda: qat.prepare(digits, data=list(some)), DataError, "4 arrays of samples do not fit a model with 1"),
        (lambda: qat.prepare(digits, data=some * np.nan), DataError, "hold NaN or infinity"),
        (lambda: qat.prepare(digits, data=some[:0]), DataError, "no samples"),
        (lambda: qat.prepare(digits, data=["a", [1]]), DataError, "2 arrays of samples"),
        (lambda: qat.prepare(digits, data=[[[1], [1, 2]]]), DataError, "a list is no array of samples"),
        (lambda: qat.prepare(digits, "w2a8+lr4", data=some), UsageError, "w2a8.lr4 is not trained"),
        (lambda: qat.prepare(digits, layers={"none": "w4a8"}, data=some), UsageError, "no layer with weights"),
        (lambda: qat.prepare(7, data=some), UsageError, "a int is no model"),
        (lambda: qat.prepare(DIGITS / "none.h5", data=some), UsageError, "model not found"),
        (lambda: qat.distill(prepared, some, [1, 2]), DataError, "2 labels do not fit 4 samples"),
        (lambda: qat.distill(prepared, some, [1, 2, 3, 10]), DataError, "class 10, but the model has 10"),
        (lambda: qat.distill(prepared, some, [0.5, 1, 2, 3]), DataError, "labels are class numbers"),
        (lambda: qat.distill(prepared, some[:, :4]), DataError, "takes samples of shape .n, 8, 8, 1"),
        (lambda: qat.distill(prepared, some, batch_size=0), UsageError, "are above zero"),
        (lambda: prepared(some[:, :4]), DataError, "inputs of shape .n, 4, 8, 1. do not fit the model, which takes"),
        (lambda: prepared([some, some]), DataError, "do not fit the model"),
        (lambda: qat.export(digits), UsageError, "a bytes is not prepared"),
        (lambda: qat.distill(digits, some), UsageError, "a bytes is not prepared"),
        (lambda: qat.distill(diverging, some, epochs=9, learning_rate=1e30), McuqError, "the loss is no finite"),
        (lambda: qat.export(diverging), McuqError, "weights are no finite numbers"),
    )
    for call, error, words in cases:
        with pytest.raises(error, match=words):
            call()


def test_finetune_writes_a_file_and_says_what_it_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = str(DIGITS / "digits.h5")
    layers = '[quantize]\ncalibration = "mse"\n[quantize.layers]\nscores = "ternary"\n'
    Path("mcuq.toml").write_text(f'data = "{DIGITS / "calibration.npz"}"\n{layers}', encoding="utf-8")
    command = ["finetune", model, "--test-data", str(DIGITS / "test.npz"), "--scheme", "binary", "--epochs", "20"]
    assert run([*command, "--rounding", "nearest", "--json"]) == 0
    printed = capfd.readouterr()
    found = json.loads(printed.out)
    assert found["output"] == "digits-binary.tflite"
    assert found["after"]["agreement"] >= 0.94
    assert 0.0 < found["before"]["error"] < 0.3
    assert 0.0 < found["after"]["error"] < 0.3
    assert [layer["scheme"] for layer in found["layers"]] == ["w8a8", "binary", "ternary"]
    assert "epoch 20 of 20: loss" in printed.err
    assert levels(Path("digits-binary.tflite").read_bytes())["conv2"] == 2
    assert found["kept"] == "trained"
    harm = ["--epochs", "1", "--learning-rate", "0.5", "--no-augment", "--batch-size", "20", "--json"]
    assert run([*command, *harm]) == 0
    printed = capfd.readouterr()
    assert "Note: training made the model worse, so it is written as it was rounded" in printed.err
    assert json.loads(printed.out)["kept"] == "rounded"
    Path("mcuq.toml").unlink()
    Path("alone.h5").write_bytes((DIGITS / "digits.h5").read_bytes())
    assert run(["finetune", "alone.h5", "--data", "none.npz"]) == 2
    assert "data not found: none.npz" in capfd.readouterr().err
    assert run(["finetune", "alone.h5"]) == 2
    assert "no data to train with" in capfd.readouterr().err
    assert run(["finetune", "digits-binary.tflite", "--data", str(DIGITS / "calibration.npz")]) == 2
    assert "quantized already" in capfd.readouterr().err


@pytest.mark.slow
def test_finetune_interrupted_writes_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mcuq", "finetune", str(DIGITS / "digits.h5"), "--epochs", "5000"]
    environment = os.environ | {"PYTHONPATH": str(DIGITS.parent.parent)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch "):
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
    assert process.returncode == 130
    assert said.endswith("Interrupted\n")
    assert list(tmp_path.iterdir()) == []


def net_of_32s(samples: Any, labels: Any) -> Any:
    """Of the digits; ReLUs write 32 channels each, so two convolutions can read two values."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((8, 8, 1))
    first = layers.Conv2D(32, 3, padding="same", activation="relu", name="first")(image)
    second = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu", name="second")(first)
    third = layers.Conv2D(32, 3, padding="same", activation="relu", name="third")(second)
    scores = layers.Dense(10, activation="softmax", name="scores")(layers.GlobalAveragePooling2D()(third))
    model = keras.Model(image, scores, name="net")
    model.compile(keras.optimizers.Adam(5e-3), loss="sparse_categorical_crossentropy", jit_compile=False)
    model.fit(samples, labels, batch_size=30, epochs=20, verbose=0)
    return model


def test_a_net_of_one_bit_trains_and_its_build_counts_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    samples, labels = (np.concatenate([TRAINING[name], TEST[name][:200]]) for name in "xy")
    content = qat.float_tflite(net_of_32s(samples, labels))
    prepared = qat.prepare(content, "binary+a1", data=samples[:100])
    two = [known.tensors for known in prepared.architecture.ranges if known.zero_point == 126]
    assert [len(tensors) for tensors in two] == [1, 1]
    qat.distill(prepared, samples, epochs=60)
    tflite = qat.export(prepared)
    found = {name: accuracy(run_float(file, [TEST["x"][200:]])[0], LABELS[200:]) for name, file in
             (("float", content), ("trained", tflite))}  # fmt: skip
    assert 0.0 < found["float"] <= found["trained"] + 0.08, found
    file, names = Reference(tflite, all_tensors=True), prepared.architecture.program.names
    values = [file.tensors([sample])[names[index]] for sample in TEST["x"][:4] for (index,) in two]
    assert {int(value) for tensor in values for value in np.unique(tensor)} == {126, 127}
    same_integers(prepared, TEST["x"][:4], 0.98)
    Path("net.tflite").write_bytes(tflite)
    np.savez("some.npz", x=TEST["x"][:3])
    assert run(["build", "net.tflite", "--board", "mps2-an386", "-o", "out"]) == 0
    capfd.readouterr()
    assert run(["sim", "out", "--data", "some.npz", "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["mismatched_bytes"], report["compared_bytes"]) == (0, 30)
    kernels = {layer["name"]: layer["kernel"] for layer in report["layers"]}
    assert [kernels[name] for name in ("second", "third")] == ["mcuq_conv_2d_binary"] * 2
    with pytest.raises(UsageError, match="need training"):
        quantize(content, Dataset((samples,), None, "some"), Request("binary+a1"))


def test_the_float_model_clamps_where_relu6_stands_alone() -> None:
    types = {"x": (1, 4), "w": (4, 4), "y": (1, 4), "z": (1, 4)}
    weights = {"w": np.eye(4, dtype=np.float32) * 3}
    tensors = {
        name: Tensor(name, TensorType(shape, DType.FLOAT32, None), weights.get(name)) for name, shape in types.items()
    }
    nodes = (
        Node("dense", "FULLY_CONNECTED", {}, ("x", "w"), ("y",)),
        Node("clamp", "RELU6", {}, ("y",), ("z",)),
    )
    content = write_graph(Graph("net", tensors, nodes, ("x",), ("z",)))
    samples = np.linspace(-3.0, 3.0, 32, dtype=np.float32).reshape(8, 4)
    prepared = qat.prepare(content, data=samples)
    (output,) = prepared.architecture.program.outputs
    assert np.array_equal(prepared.float_activations(samples)[output], run_float(content, [samples])[0])
    assert np.abs(prepared(samples) - run_float(qat.export(prepared), [samples])[0]).max() == 0.0


@pytest.mark.parametrize("parts", [1, 2, 8])
def test_rounding_at_once_is_rounding_to_parts_and_then_to_steps(parts: int) -> None:
    def half_away(x: Any) -> Any:
        return np.sign(x) * np.floor(np.abs(x) + 0.5)

    steps = np.arange(-1024, 1025, dtype=np.float32) / 64
    wanted, above = half_away(half_away(steps * parts) / parts), steps >= 0
    rounded = Rounding(0.5 if parts == 1 else 0.5 + 0.5 / parts)
    assert np.array_equal(rounded(steps, positive=False), wanted)
    assert np.array_equal(rounded(steps[above], positive=True), wanted[above])


@pytest.mark.parametrize("zero_point", [-128.0, -7.0, 126.0])
def test_gradients_of_fake_quantization_are_those_of_its_formula(zero_point: float) -> None:
    import tensorflow as tf

    x = tf.constant(np.random.default_rng(0).normal(0.0, 40.0, (300,)), tf.float32)
    scale, above = tf.constant(0.3), tf.sin(x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, scale])
        steps = tf.maximum(tf.minimum(x / scale, 127.0 - zero_point), -128.0 - zero_point)
        usual = scale * (steps + tf.stop_gradient(tf.round(steps) - steps))
        found = _fake_quantized(x, scale, zero_point, Rounding())
    assert np.allclose(found, usual)
    for source in (x, scale):
        wanted = tape.gradient(usual, source, above)
        assert np.allclose(tape.gradient(found, source, above), wanted, rtol=1e-4, atol=1e-4)
        assert np.abs(wanted).max() > 0.1
