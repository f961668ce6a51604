"""Layers of float32: whole models on cores with and without FPU, what is told of them, and what refuses them."""

from __future__ import annotations

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
        ("real", "microbit", ("--scheme", "float32")),
        ("real", "mps2-an386", ("--scheme", "float32")),
        ("dynamic", "mps3-an547", ()),
    ],
)
def test_a_model_of_floats_gives_the_bytes_that_it_is_held_to(
    models: Path, tmp_path: Path, model: str, board: str, options: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    assert run(["build", str(models / f"{model}.tflite"), "--board", board, "-o", str(out), *options]) == 0
    built = load_built(out)
    report = simulate(built, None, SimulationOptions(limit=2), silent)
    assert report.mismatched_bytes == 0 and report.compared_bytes > 0
    how = "in software: cortex-m0 has no FPU" if board == "microbit" else "'s FPU"
    (told,) = [note for note in report.notes if "layers are float32" in note]
    assert how in told
    held = [note for note in report.notes if "outputs are held to mcuq's reference" in note]
    assert len(held) == (0 if model == "dynamic" else 1), report.notes
    if board == "mps2-an386":
        found = verify(built, None, VerifyOptions(target="host", limit=2), silent)
        assert not found.differences
        layers = {layer.op: layer.held_to for layer in found.layers}
        assert layers["CONV_2D float32"] == layers["MAX_POOL_2D float32"] == "LiteRT"
        assert layers["TANH float32"] in ("LiteRT", "reference, near LiteRT")


def test_integers_only_refuses_each_layer_by_name(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    done = mcuq("check", models / "island.tflite", "--integer-only", "--json", cwd=tmp_path)
    assert done.returncode == 3
    assert [one["op"] for one in report_of(done)["blockers"]] == ["DEQUANTIZE", "SIN", "QUANTIZE"]
    assert "SIN: it is left in float32, --integer-only refuses that" in done.stderr
    monkeypatch.chdir(tmp_path)
    assert run(["check", str(models / "island.tflite")]) == 0
    assert "3 of 5 layers are float32" in " ".join(capfd.readouterr().out.split())
    (tmp_path / "mcuq.toml").write_text("integer_only = true\n")
    assert run(["build", str(models / "island.tflite"), "--board", "microbit", "-o", "out"]) == 3
    assert not (tmp_path / "out").exists()


def test_dynamic_range_takes_no_data(models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "w8.tflite"
    assert run(["quantize", str(models / "real.tflite"), "--scheme", "w8", "-o", str(made)]) == 0
    capfd.readouterr()
    assert run(["check", str(made)]) == 0
    told = capfd.readouterr().out
    assert "1 CONV_2D hybrid on mcuq_conv_2d_hybrid, 1 FULLY_CONNECTED hybrid" in " ".join(told.split())


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sin", "cos"])
def test_functions_are_the_nearest_floats(name: str) -> None:
    x = np.random.default_rng(1).normal(0, 8, 5000).astype(np.float32)
    x = np.abs(x) if name == "log" else x
    wanted = getattr(np, name)(x.astype(np.float64)).astype(np.float32)
    assert (getattr(real_functions, name)(x).astype(np.float32) != wanted).mean() < 0.002
