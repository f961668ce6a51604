"""Quantization schemes: the values that weights may take, rounding onto them, and models and builds made with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq import fit
from mcuq.cli import run
from mcuq.data import Dataset
from mcuq.errors import UsageError
from mcuq.frontend.tflite import read_tflite
from mcuq.litert import LiteRT
from mcuq.quantize import quantize, quantize_int8
from mcuq.quantize.flatbuffer import read_model
from mcuq.quantize.gptq import damped, round_with_feedback
from mcuq.quantize.judge import Judge
from mcuq.quantize.request import Request
from mcuq.quantize.schemes import scheme_named, schemes
from mcuq.quantize.schemes.nf4 import NORMAL_FLOAT
from mcuq.quantize.weighted_layer import weighted_layers
from mcuq.reference import run_float
from tests.harness.float_net import FloatNet, residual_net, smooth_images
from tests.harness.small_models import dense

pytest.importorskip("litert_quantizer", reason="not checked: quantization, litert-quantizer is not installed")

MOST_LEVELS = {"w8a8": 255, "w4a8": 16, "w2a8": 4, "codebook16": 16, "codebook8": 8, "codebook4": 4, "log2": 15}
MOST_LEVELS |= {"nf4": 16, "nf4+dq": 16, "ternary": 3, "binary": 2}


@pytest.fixture(scope="session")
def residual() -> bytes:
    return residual_net()


@pytest.fixture(scope="session")
def images() -> Dataset:
    return smooth_images()


@pytest.fixture(scope="session")
def few(images: Dataset) -> Dataset:
    return images.head(4)


# The values that weights may take.


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(MOST_LEVELS)), st.integers(1, 6), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_grid_has_few_int8_levels_and_values_on_it_stay(name: str, channels: int, depth: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(channels, depth)) * 10.0 ** rng.uniform(-6, 3, (channels, 1))
    rows *= rng.random((channels, 1)) < 0.9  # now and then a channel without weights
    grid = scheme_named(name).grid(rows, rng.random((1, depth)))
    assert grid.levels.dtype == np.int64
    assert (np.diff(grid.levels) > 0).all()
    assert len(grid.levels) <= MOST_LEVELS[name]
    assert np.abs(grid.levels).max() <= 127
    assert np.isfinite(grid.scales).all()
    assert (grid.scales > 0.0).all()
    drawn = rng.choice(grid.levels, rows.shape)
    assert np.array_equal(grid.nearest(grid.real(drawn) / grid.scales[:, None]), drawn)
    far = np.abs(grid.nearest(rows / grid.scales[:, None]) - rows / grid.scales[:, None])
    every = np.abs(grid.levels - (rows / grid.scales[:, None])[..., None]).min(axis=-1)
    assert np.allclose(far, every)


def test_every_scheme_is_found_by_its_name() -> None:
    assert set(MOST_LEVELS) <= {*schemes(), "nf4+dq"}
    assert scheme_named("w4a8+dq").name == "w4a8+dq"
    for name in ("w4a8+pt+dq", "w8a16+dq", "w4a8+dq+dq"):
        with pytest.raises(UsageError, match="no quantization scheme"):
            scheme_named(name)
    with pytest.raises(UsageError, match="did you mean codebook16"):
        scheme_named("codebok16")


def test_nf4_is_the_published_palette_and_symmetric_only_about_zero() -> None:
    levels = scheme_named("nf4").grid(np.ones((1, 4)), np.ones((1, 4))).levels
    assert np.array_equal(levels, np.rint(127 * NORMAL_FLOAT))
    assert (len(levels), levels[0], levels[7], levels[15]) == (16, -127, 0, 127)


def test_a_codebook_finds_the_values_that_there_are() -> None:
    rng = np.random.default_rng(2)
    values = np.array([-127, -80, -31, 0, 14, 40, 77, 126])
    rows = rng.choice(values, (12, 100)) * rng.uniform(0.5, 2.0, (12, 1))
    rows[:, 0] = np.abs(rows).max(axis=1)
    grid = scheme_named("codebook8").grid(rows, np.ones((1, 100)))
    error = grid.real(grid.nearest(rows / grid.scales[:, None])) - rows
    assert np.sqrt((error**2).mean() / (rows**2).mean()) < 0.02


# Rounding.


def test_feedback_rounds_to_the_grid_and_makes_less_error_than_the_nearest_values() -> None:
    rng = np.random.default_rng(4)
    rows, mixing = rng.normal(size=(8, 30)), rng.normal(size=(30, 6))
    inputs = rng.normal(size=(400, 6)) @ mixing.T + 0.1 * rng.normal(size=(400, 30))
    hessian = damped((inputs.T @ inputs / 400)[np.newaxis])
    grid = scheme_named("w4a8").grid(rows, hessian.diagonal(axis1=1, axis2=2))
    found, nearest = round_with_feedback(rows, hessian, grid), grid.nearest(rows / grid.scales[:, None])
    assert set(found.ravel()) <= set(grid.levels)
    fed_back, plain = (((grid.real(i) - rows) @ inputs.T).std() for i in (found, nearest))
    assert fed_back < 0.5 * plain


def test_without_correlation_feedback_is_rounding_to_the_nearest() -> None:
    rows = np.random.default_rng(6).normal(size=(5, 20))
    grid = scheme_named("codebook8").grid(rows, np.ones((1, 20)))
    hessian = np.tile(np.diag(np.arange(1.0, 21.0)), (5, 1, 1))
    assert np.array_equal(round_with_feedback(rows, hessian, grid), grid.nearest(rows / grid.scales[:, None]))


def test_windows_times_rows_are_what_litert_computes(residual: bytes, images: Dataset) -> None:
    model = read_model(residual)
    litert = LiteRT(residual, exact=True, all_tensors=True)
    litert.run([images.inputs[0][:1]])
    layers = weighted_layers(model)
    assert [layer.name for layer in layers] == ["stem", "wide", "wise", "gaps", "point", "scores"]
    for layer in layers:
        inputs = [int(index) for index in layer.operator.inputs]
        x, y, *bias = litert.tensors([inputs[0], int(layer.operator.outputs[0]), *inputs[2:]])
        windows, rows = layer.windows(x), layer.rows()
        assert np.array_equal(layer.unrolled(rows).astype(np.float32), layer.weights)
        found = np.einsum("nwk,nk->wn", windows, rows) if layer.depthwise else windows[0] @ rows.T
        found = found + (bias[0] if bias else 0.0)
        relu = layer.name not in {"wide", "scores"}
        assert np.allclose(y.reshape(found.shape), np.maximum(found, 0.0) if relu else found, atol=1e-4), layer.name


# Models.


def distinct(content: bytes) -> dict[str, int]:
    """By layer: how many values its weights have."""
    graph = read_tflite(content, "model")
    weighted = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    constants = {node.name: graph.tensors[str(node.inputs[1])].data for node in graph.nodes if node.op in weighted}
    return {name: len(np.unique(values)) for name, values in constants.items() if values is not None}


@pytest.mark.parametrize("name", ["w4a8", "codebook8", "nf4+dq", "binary"])
def test_a_model_gets_the_values_of_its_scheme_and_litert_runs_it(name: str, residual: bytes, images: Dataset) -> None:
    made = quantize(residual, images, Request(name))
    found = distinct(made.tflite)
    assert [layer.name for layer in made.layers] == list(found)
    kept = {"stem", "wise"}  # the first is small, depthwise layers have no narrow kernels
    assert {layer.name for layer in made.layers if layer.scheme.removesuffix("+dq") == "w8a8"} == kept
    assert all(found[layer] <= MOST_LEVELS[name] for layer in set(found) - kept)
    assert found["wise"] > 16
    sqnr = [layer.sqnr_db for layer in made.layers]
    assert min(sqnr) > {"w4a8": 15, "codebook8": 12, "nf4+dq": 15, "binary": 0}[name]
    outputs = run_float(made.tflite, images.inputs)[0]
    floats = run_float(residual, images.inputs)[0]
    error = np.sqrt(((outputs - floats) ** 2).mean() / floats.var())
    assert error < {"w4a8": 0.25, "codebook8": 0.4, "nf4+dq": 0.25, "binary": 2.0}[name]


def test_the_usual_scheme_changes_no_byte_and_a_model_is_the_same_each_time(residual: bytes, few: Dataset) -> None:
    assert quantize(residual, few, Request("w8a8")).tflite == quantize_int8(residual, few)
    assert quantize(residual, few, Request("ternary")) == quantize(residual, few, Request("ternary"))


def test_patterns_choose_schemes_by_layer_and_must_match_one(residual: bytes, few: Dataset) -> None:
    made = quantize(residual, few, Request("w8a8", {"po*": "codebook4", "p*t": "w4a8", "wise": "w2a8"}))
    assert {layer.name: layer.scheme for layer in made.layers if layer.scheme != "w8a8"} == {
        "point": "codebook4",
        "wise": "w2a8",
    }
    assert distinct(made.tflite)["wise"] <= 4
    with pytest.raises(UsageError, match=r"no layer with weights is called 'conv\*'.*\n.*stem, wide"):
        quantize(residual, few, Request("w4a8", {"conv*": "w8a8"}))


def test_a_channel_without_weights_keeps_its_bias(few: Dataset) -> None:
    net = FloatNet(1, 13, 12, 3)
    net.convolution("first", 3, 4)
    values = net.tensors["first/w"].data
    assert values is not None
    values[1] = 0.0
    net.tensors["first/b"].data[:] = (0.0, 3.0, 0.0, 1e-3)  # type: ignore[index]
    made = quantize(net.content(), few, Request("w4a8", {"first": "w4a8"}))
    outputs = run_float(made.tflite, few.inputs)[0]
    assert np.allclose(outputs[..., 1], 3.0, atol=0.02)


@pytest.mark.parametrize("name", ["w4a8", "codebook4"])
def test_a_single_sample_which_tells_nothing_of_how_inputs_change_is_enough(name: str, images: Dataset) -> None:
    net = FloatNet(1, 13, 12, 3)
    net.dense("scores", 5)
    alone = images.head(1)
    made = quantize(net.content(), alone, Request(name))
    floats = run_float(net.content(), alone.inputs)[0]
    assert np.allclose(run_float(made.tflite, alone.inputs)[0], floats, atol=0.02 * np.ptp(floats))


def test_a_branch_beside_the_weights_gives_back_what_few_bits_lose(images: Dataset) -> None:
    net = FloatNet(1, 13, 12, 3)
    net.convolution("stem", 3, 32, 2)
    net.convolution("wide", 3, 48)
    net.convolution("point", 1, 6)
    net.dense("scores", 10)
    wide = net.tensors["wide/w"].data
    assert wide is not None
    wide += np.multiply.outer(net.rng.normal(size=48), net.rng.normal(size=wide.shape[1:])).astype(np.float32) / 8
    content = net.content()
    made = {name: quantize(content, images, Request(name)) for name in ("w2a8", "w2a8+lr4")}
    layers = {layer.name: layer for layer in made["w2a8+lr4"].layers}
    assert layers["wide"].bits == pytest.approx(2 + 8 * 4 * (48 + 9 * 32) / (48 * 9 * 32))
    assert layers["point"].bits == 2.0  # so few channels that a branch does not pay
    plain = {layer.name: layer for layer in made["w2a8"].layers}["wide"]
    assert plain.bits == 2.0
    assert layers["wide"].sqnr_db > plain.sqnr_db + 3
    judge = Judge(content, images.inputs)
    errors = {name: judge.error(found.tflite) for name, found in made.items()}
    assert errors["w2a8+lr4"] < errors["w2a8"]
    graph = read_tflite(made["w2a8+lr4"].tflite, "made")
    (total,) = (node for node in graph.nodes if node.op == "ADD")
    assert total.outputs == ("wide",)
    (narrow,) = (node for node in graph.nodes if node.outputs == ("wide/narrow",))
    values = graph.tensors[str(narrow.inputs[1])].data
    assert values is not None
    assert len(np.unique(values)) <= 4


# The command line.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, residual: bytes, images: Dataset) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.tflite").write_bytes(residual)
    np.savez("data.npz", x=images.inputs[0][:8])
    return tmp_path


def test_quantize_writes_a_file_and_says_what_became_of_each_layer(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("mcuq.toml").write_text(
        'data = "data.npz"\n[quantize]\nscheme = "nf4"\nrounding = "gptq"\n[quantize.layers]\n"p*" = "w2a8"\n'
    )
    assert run(["quantize", "net.tflite", "--json"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert (printed["scheme"], printed["output"]) == ("nf4", "net-nf4.tflite")
    found = distinct((folder / "net-nf4.tflite").read_bytes())
    assert [layer["name"] for layer in printed["layers"]] == list(found)
    assert found["point"] <= 4
    assert "point (w2a8)" in printed["notes"][0]
    fed_back = (folder / "net-nf4.tflite").read_bytes()
    assert run(["quantize", "net.tflite", "--rounding", "nearest", "-o", "nearest.tflite"]) == 0
    assert distinct((folder / "nearest.tflite").read_bytes())["point"] <= 4
    assert (folder / "nearest.tflite").read_bytes() != fed_back
    assert run(["quantize", "net.tflite", "--scheme", "codebook16", "-o", "out.tflite"]) == 0
    assert "codebook16" in capfd.readouterr().out
    assert distinct((folder / "out.tflite").read_bytes())["gaps"] <= 16


def test_wrong_schemes_and_models_end_in_one_error(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "int8.tflite").write_bytes(dense())
    for command, words in (
        (["quantize", "net.tflite", "--scheme", "w5a8"], "no quantization scheme 'w5a8'"),
        (["quantize", "net.tflite", "--rounding", "floor"], "no way to round called 'floor'"),
        (["quantize", "int8.tflite", "--scheme", "w4a8"], "int8.tflite is quantized already"),
        (["quantize", "int8.tflite"], "int8.tflite is quantized already"),
        (["build", "int8.tflite", "--board", "microbit", "--scheme", "w4a8"], "int8.tflite is quantized already"),
    ):
        assert run(command) == 2
        assert words in capfd.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["data.npz", "int8.tflite", "net.tflite"]


@pytest.mark.slow
def test_builds_equal_litert_and_take_less_flash_as_counted_beforehand(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    besides: list[int] = []  # what an image takes beside what is counted when kernels are chosen

    def linked(choice: fit.Choice, *arguments: Any) -> fit.Fitted:
        found = link(choice, *arguments)
        besides.append(found.image.sizes.flash_bytes - choice.cost.flash_bytes)
        return found

    link = fit._linked
    monkeypatch.setattr(fit, "_linked", linked)
    net = FloatNet(1, 13, 12, 3)
    net.convolution("stem", 3, 8, 2)
    net.convolution("wide", 3, 40)
    net.convolution("wider", 3, 48)
    net.convolution("point", 1, 64, 2)
    net.dense("scores", 10)
    Path("wide.tflite").write_bytes(net.content())
    flash = {}
    for scheme in ("w8a8", "w4a8", "codebook16", "log2", "nf4", "w2a8", "codebook4", "ternary", "binary", "w8a8+dq"):
        assert run(["build", "wide.tflite", "--data", "data.npz", "--board", "mps2-an386", "--kernels", "mcuq",
                    "--optimize", "size", "--scheme", scheme, "-o", scheme]) == 0  # fmt: skip
        capfd.readouterr()
        assert run(["sim", scheme, "--data", "data.npz", "--json"]) == 0
        report = json.loads(capfd.readouterr().out)
        assert report["mismatched_bytes"] == 0, scheme
        flash[scheme] = report["flash_bytes"]
    weights = sum(tensor.data.size for name, tensor in net.tensors.items() if name.endswith("/w"))  # type: ignore[union-attr]
    saved = {scheme: (flash["w8a8"] - size) / weights for scheme, size in flash.items()}
    assert min(saved[name] for name in ("w4a8", "codebook16", "log2", "nf4")) > 0.35  # of the half that they leave out
    assert min(saved[name] for name in ("w2a8", "codebook4", "ternary", "binary")) > 0.6
    assert len(besides) == len(flash)
    assert max(besides) - min(besides) < 80, besides
    assert flash["w8a8"] - flash["w8a8+dq"] > 2.5 * (8 + 40 + 48 + 64 + 10)  # six bytes a channel became three
