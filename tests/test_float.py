"""Layers of float32: whole models on cores with and without FPU, what is told of them, and what refuses them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mcuq.built import load_built
from mcuq.cli import run
from mcuq.ops import real_functions
from mcuq.simulate import SimulationOptions, simulate
from mcuq.verify import VerifyOptions, verify
from tests.harness.float_island import dynamic_range_net, island_net, real_net
from tests.harness.small_models import mcuq, report_of


def silent(*_: object) -> None:
    """No progress is shown."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "island.tflite").write_bytes(island_net())
    (folder / "real.tflite").write_bytes(real_net())
    (folder / "dynamic.tflite").write_bytes(dynamic_range_net())
    return folder


@pytest.mark.parametrize(
    ("model", "board", "options"),
    [
        ("island", "microbit", ()),
        ("island", "mps2-an386", ()),
        ("real", "microbit", ("--scheme", "float32")),
        ("real", "mps3-an547", ("--scheme", "float32")),
        ("dynamic", "microbit", ()),
        ("dynamic", "mps2-an386", ()),
        ("dynamic", "mps3-an547", ("--scheme", "w8")),
    ],
)
def test_a_model_of_floats_gives_the_bytes_that_it_is_held_to(models, tmp_path, model, board, options):
    out = tmp_path / "out"
    assert run(["build", str(models / f"{model}.tflite"), "--board", board, "-o", str(out), *options]) == 0
    report = simulate(load_built(out), None, SimulationOptions(limit=2), silent)
    assert report.mismatched_bytes == 0 and report.compared_bytes > 0
    how = "in software: cortex-m0 has no FPU" if board == "microbit" else "'s FPU"
    (told,) = [note for note in report.notes if "layers are float32" in note]
    assert how in told
    held = [note for note in report.notes if "outputs are held to mcuq's reference" in note]
    assert len(held) == (0 if model == "dynamic" else 1), report.notes


def test_each_layer_is_held_to_litert_or_to_the_reference_near_it(models, tmp_path):
    out = tmp_path / "out"
    command = ["build", str(models / "real.tflite"), "--board", "mps2-an386", "--scheme", "float32", "-o", str(out)]
    assert run(command) == 0
    found = verify(load_built(out), None, VerifyOptions(target="host", limit=2), silent)
    assert not found.differences
    held = {layer.op: layer.held_to for layer in found.layers}
    assert held["CONV_2D float32"] == held["MAX_POOL_2D float32"] == "LiteRT"
    assert held["TANH float32"] in ("LiteRT", "reference, near LiteRT")


def test_integers_only_refuses_each_layer_by_name(models, tmp_path):
    done = mcuq("check", models / "island.tflite", "--integer-only", "--json", cwd=tmp_path)
    assert done.returncode == 3
    assert [one["op"] for one in report_of(done)["blockers"]] == ["DEQUANTIZE", "SIN", "QUANTIZE"]
    assert "SIN: it is left in float32, --integer-only refuses that" in done.stderr
    (tmp_path / "mcuq.toml").write_text("integer_only = true\n")
    built = mcuq("build", models / "island.tflite", "--board", "microbit", "-o", "out", cwd=tmp_path)
    assert built.returncode == 3 and not (tmp_path / "out").exists()
    plain = mcuq("check", models / "island.tflite", "--json", cwd=models)
    assert plain.returncode == 0 and any("3 of 5 layers are float32" in note for note in report_of(plain)["notes"])


def test_dynamic_range_takes_no_data_and_keeps_the_class(models, tmp_path):
    done = mcuq("quantize", models / "real.tflite", "--scheme", "w8", "-o", "w8.tflite", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scheme"] == "w8"
    layers = report_of(mcuq("check", "w8.tflite", "--json", cwd=tmp_path))["layers"]
    assert [one["op"] for one in layers if "hybrid" in one["op"]] == ["CONV_2D hybrid", "FULLY_CONNECTED hybrid"]


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sin", "cos"])
def test_functions_are_the_nearest_floats(name):
    x = np.random.default_rng(1).normal(0, 8, 5000).astype(np.float32)
    x = np.abs(x) if name == "log" else x
    wanted = getattr(np, name)(x.astype(np.float64)).astype(np.float32)
    assert (getattr(real_functions, name)(x).astype(np.float32) != wanted).mean() < 0.002
