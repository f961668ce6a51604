"""What layers cost that are quantized alone, and what ``mcuq analyze`` makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mcuq.cli import run
from mcuq.data import Dataset
from mcuq.quantize.flatbuffer import add_buffer, read_model, write_model
from mcuq.quantize.schemes import scheme_named
from mcuq.quantize.segments import run_segment
from mcuq.quantize.sensitivity import Place, noise, sensitivities
from mcuq.quantize.variants import Variant, run_variants
from mcuq.quantize.weighted_layer import weighted_layers
from mcuq.reference import run_float
from tests.harness.float_net import FloatNet, residual_net, smooth_images
from tests.harness.small_models import dense

pytest.importorskip("litert_quantizer", reason="not checked: quantization, litert-quantizer is not installed")


@pytest.fixture(scope="module")
def residual() -> bytes:
    return residual_net()


@pytest.fixture(scope="module")
def images() -> Dataset:
    return smooth_images().head(6)


def test_variants_of_a_layer_are_the_model_with_that_layer_changed(residual: bytes, images: Dataset) -> None:
    model = read_model(residual)
    layer = next(layer for layer in weighted_layers(model) if layer.name == "wide")
    values = {int(model.subgraphs[0].inputs[0]): [images.inputs[0][i : i + 1] for i in range(6)]}
    before = run_segment(model, 0, layer.index, values)
    assert len(before) == 1  # the branch around the layer reads what the layer reads
    half = (0.5 * layer.weights).astype(np.float32)
    shift = np.linspace(-1.0, 1.0, 8)
    last = int(model.subgraphs[0].outputs[0])
    variants = [Variant(), Variant(half), Variant(half, shift), Variant(output=(0.5, 3))]
    plain, halved, shifted, coarse = (found for (found,) in run_variants(model, layer.index, variants, before, [last]))
    assert np.array_equal(plain, run_float(residual, images.inputs)[0])
    weights, bias = (model.subgraphs[0].tensors[int(index)] for index in layer.operator.inputs[1:3])
    weights.buffer = add_buffer(model, half)
    assert np.array_equal(halved, run_float(write_model(model), images.inputs)[0])
    bias.buffer = add_buffer(model, np.frombuffer(model.buffers[bias.buffer].data, np.float32) + shift.astype("f4"))
    assert np.allclose(shifted, run_float(write_model(model), images.inputs)[0], atol=1e-5)
    assert 1e-4 < noise(plain, coarse) < 1.0


def test_a_layer_costs_more_the_fewer_values_its_weights_have(residual: bytes, images: Dataset) -> None:
    model = read_model(residual)
    names = ("w8a8", "codebook16", "codebook4", "binary")
    trials = tuple((scheme_named(name), False) for name in names)
    layers = [layer for layer in weighted_layers(model) if layer.name in {"wide", "wise", "scores"}]
    places = [Place(layer.index, layer.name, layer.op, layer, None, trials) for layer in layers]
    for found in sensitivities(model, places, images.inputs, lambda *_: None):
        assert [one.scheme for one in found.alone] == list(names)
        assert sorted(one.noise for one in found.alone) == [one.noise for one in found.alone]
        assert found.alone[0].noise < 1e-3 < found.alone[-1].noise
        assert set(found.rounded) == set(names)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Dataset) -> Path:
    monkeypatch.chdir(tmp_path)
    net = FloatNet(1, 13, 12, 3)
    net.convolution("stem", 3, 8, 2)
    net.convolution("point", 1, 24, 2)
    net.dense("scores", 10)
    Path("net.tflite").write_bytes(net.content())
    np.savez("data.npz", x=images.inputs[0])
    return tmp_path


def test_analyze_names_the_layer_where_accuracy_goes(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mcuq.toml").write_text('data = "data.npz"\n[quantize.layers]\n"point" = "codebook4"\n')
    monkeypatch.setattr("mcuq.analyze.SAMPLES", 4)
    assert run(["analyze", "net.tflite", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    worst = found["layers"][0]
    assert (worst["name"], worst["scheme"]) == ("point", "codebook4")
    assert (found["layer_samples"], found["samples"]) == (4, 6)
    assert worst["saved"] > 0.8
    assert sum(layer["share"] for layer in found["layers"]) == pytest.approx(1.0)
    before = {layer["name"]: layer["so_far_db"] for layer in found["layers"]}
    assert sorted(before) == ["point", "scores", "stem"]
    assert before["stem"] > before["point"] + 10
    assert '"point" = "w8a8" in [quantize.layers]' in found["advice"][0]
    assert run(["analyze", "net.tflite"]) == 0
    assert "point makes" in capfd.readouterr().out


def test_analyze_needs_a_float_model_and_data(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("int8.tflite").write_bytes(dense())
    np.savez("dense.npz", x=np.zeros((2, 12), np.float32))
    for command, words in (
        (["analyze", "net.tflite"], "no data given"),
        (["analyze", "int8.tflite", "--data", "dense.npz"], "int8.tflite is quantized already"),
        (["analyze", "net.tflite", "--data", "none.npz"], "none.npz"),
    ):
        assert run(command) == 2
        assert words in capfd.readouterr().err
