"""Models of every kind, built and run in QEMU: every output byte is LiteRT's, and builds repeat to the byte."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from mcuq.cli import run
from mcuq.ir import DType, Node, Tensor, TensorType
from tests.harness.keras_models import write_models
from tests.harness.net_builder import NetBuilder
from tests.harness.small_models import ROOT, dense, environment, mcuq

pytest.importorskip("tensorflow", reason="not checked: whole builds of Keras models, TensorFlow is not installed")

SHAPES: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "mobile": {"x": (16, 16, 3)},
    "wide": {"x": (40, 40, 3)},
    "residual": {"x": (9, 7, 2)},
    "series": {"x": (40, 3)},
    "moving": {"x": (8, 8, 3)},
    "several": {"picture": (6, 6, 1), "numbers": (5,)},
    "keras2": {"x": (10, 10, 2)},
    "exported": {"x": (12, 12, 2)},
}
# Every machine, every kind of model, both kernel policies; Armv6-M code on a Cortex-M3, double precision on the M7.
RUNS = (
    ("mobile", "mps2-an500", "auto"),
    ("mobile", "mps3-an547", "auto"),
    ("mobile", "mps2-an385", "mcuq"),
    ("residual", "mps2-an386", "auto"),
    ("residual", "mps3-an547", "mcuq"),
    ("series", "mps2-an505", "auto"),
    ("series", "mps3-an547", "auto"),
    ("moving", "mps2-an386", "auto"),
    ("several", "netduinoplus2", "auto"),
    ("keras2", "nucleo-f746", "auto"),
    ("keras2", "mps2-an505", "mcuq"),
    ("exported", "mps3-an547", "auto"),
    ("exported", "mps2-an385", "auto"),
    ("float", "microbit", "auto"),
    ("half", "mps2-an386", "auto"),
    ("dynamic", "mps2-an386", "mcuq"),
    ("int8_float_edges", "microbit", "auto"),
    ("int8_uint8_edges", "nucleo-f746", "auto"),
    ("int8_uint8_edges", "mps3-an547", "mcuq"),
    ("int8_edges", "mps2-an500", "auto"),
    ("int8_edges", "stm32vldiscovery", "auto"),
    ("int8_edges", "rpi-pico", "mcuq"),
    ("int8_edges", "nucleo-h743zi2", "auto"),
)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return write_models(tmp_path_factory.mktemp("models"))


def samples(name: str, count: int, seed: int, path: Path) -> Path:
    rng = np.random.default_rng(seed)
    shapes = SHAPES.get(name, {"x": (8, 8, 1)})
    np.savez(path, **{key: rng.uniform(0, 1, (count, *shape)).astype(np.float32) for key, shape in shapes.items()})
    return path


def answer(capfd: pytest.CaptureFixture[str], arguments: list[str | Path]) -> dict[str, object]:
    code = run([*map(str, arguments), "--json"])
    printed = capfd.readouterr()
    assert code == 0, printed.err
    return dict(json.loads(printed.out))


@pytest.mark.parametrize(("name", "board", "kernels"), RUNS, ids=["-".join(one) for one in RUNS])
def test_the_firmware_computes_what_litert_computes(
    models: Mapping[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, board: str, kernels: str
) -> None:
    calibration = samples(name, 16, 1, tmp_path / "calibration.npz")
    to = ["-o", tmp_path / "out", "--data", calibration, "--kernels", kernels]
    made = answer(capfd, ["build", models[name], "--board", board, *to])
    report = answer(capfd, ["sim", tmp_path / "out", "--data", samples(name, 4, 2, tmp_path / "test.npz")])
    assert report["mismatched_bytes"] == 0 and report["samples"] == 4
    assert int(str(report["compared_bytes"])) > 0
    assert int(str(report["stack_used_bytes"])) <= int(str(report["stack_bytes"]))
    assert int(str(made["arena_bytes"])) >= int(str(made["arena_lower_bound_bytes"]))
    if kernels == "mcuq":
        assert not [layer for layer in list(made["layers"]) if layer["kernel"].startswith("arm_")]  # type: ignore[call-overload]


@pytest.mark.parametrize("board", ["mps2-an386", "mps3-an547"])
def test_a_net_that_runs_row_by_row_needs_less_memory_and_gives_the_same_bytes(
    models: Mapping[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str], board: str
) -> None:
    """Its input is read while it runs; layers that run in many parts are counted and estimated as one."""
    calibration = samples("wide", 16, 1, tmp_path / "calibration.npz")
    whole = answer(capfd, ["build", models["wide"], "--board", board, "--data", calibration, "-o", tmp_path / "whole"])
    to = ["--data", calibration, "-o", tmp_path / "rows", "--optimize", "ram"]
    made = answer(capfd, ["build", models["wide"], "--board", board, *to])
    assert int(str(made["arena_bytes"])) < int(str(whole["arena_bytes"]))
    assert any("a few rows at a time" in note for note in list(made["notes"]))  # type: ignore[call-overload]
    report = answer(capfd, ["sim", tmp_path / "rows", "--data", samples("wide", 4, 2, tmp_path / "test.npz")])
    assert report["mismatched_bytes"] == 0 and report["samples"] == 4
    estimated = answer(capfd, ["estimate", tmp_path / "rows"])
    layers = zip(list(report["layers"]), list(estimated["layers"]), strict=True)  # type: ignore[call-overload]
    for counted, other in layers:
        assert abs(counted["instructions"] - other["instructions"]) <= 0.1 * counted["instructions"] + 400, counted[
            "name"
        ]


def test_a_class_and_a_mask_are_outputs_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """int64 and bool beside the int8 that they are made of."""
    net = NetBuilder(5)
    x = net.activation((1, 12), -3)
    axis, limit = net.constant(np.array(1, np.int32)), net.constant(np.array([7], np.int8), (0.05,), zero_point=-3)
    for name, type_ in (("class", TensorType((1,), DType.INT64)), ("mask", TensorType((1, 12), DType.BOOL))):
        net.tensors[name] = Tensor(name, type_)
    net.nodes.append(Node("class", "ARG_MAX", {"output_type": 4}, (x, axis), ("class",)))
    net.nodes.append(Node("mask", "GREATER", {}, (x, limit), ("mask",)))
    model, out = tmp_path / "both.tflite", tmp_path / "out"
    model.write_bytes(net.tflite(x, "class mask"))
    answer(capfd, ["build", model, "--board", "mps2-an386", "-o", out])
    assert "bool *both_output_1(void);" in (out / "src" / "both.h").read_text()
    report = answer(capfd, ["sim", out])
    assert report["mismatched_bytes"] == 0, report


def error_of(capfd: pytest.CaptureFixture[str], arguments: list[str | Path], code: int) -> str:
    assert run([*map(str, arguments)]) == code
    return capfd.readouterr().err


def test_every_unsupported_layer_is_named_at_once(
    models: Mapping[str, Path], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = error_of(capfd, ["build", models["unsupported"], "--board", "mps2-an386", "-o", tmp_path / "out"], 3)
    assert "unsupported.keras holds 3 layers that mcuq does not compile" in message
    found = re.findall(r"^  (\w+): (\w+): operator not supported; compute it before or after", message, re.MULTILINE)
    assert [operator for _, operator in found] == ["CEIL", "ROUND", "CEIL"]
    assert not (tmp_path / "out").exists()


def test_recurrent_layers_are_named(
    models: Mapping[str, Path], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = error_of(capfd, ["build", models["recurrent"], "--board", "mps2-an386", "-o", tmp_path / "out"], 3)
    assert "memory: WHILE: operator not supported; it is a loop; Keras's LSTM, GRU" in message


@pytest.mark.parametrize(
    ("package", "model", "said"),
    [
        ("litert_quantizer", "float", "pip install 'mcuq[quantize]'"),
        ("tensorflow", "mobile", "pip install 'mcuq[keras]'"),
        ("tf_keras", "keras2", "pip install 'mcuq[keras]'"),
    ],
)
def test_a_missing_package_is_a_tool_error_with_the_command_that_installs_it(
    models: Mapping[str, Path], tmp_path: Path, package: str, model: str, said: str
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None; from mcuq.cli import run; "
        f"sys.exit(run(['build', {str(models[model])!r}, '--board', 'mps2-an386', '-o', 'out']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 6, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_int8_tflite_needs_no_tensorflow_and_no_quantizer(tmp_path: Path) -> None:
    (tmp_path / "dense.tflite").write_bytes(dense())
    code = (
        "import sys; sys.modules.update(tensorflow=None, keras=None, tf_keras=None, litert_quantizer=None, h5py=None)\n"
        "from mcuq.cli import run\n"
        "sys.exit(run(['build', 'dense.tflite', '--board', 'mps2-an386', '-o', 'out']) or run(['sim', 'out']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "0 of 32 bytes" in done.stdout


NAMES = ("string", "main", "board", "model", "1", "with space", "größe-µ", "int", "-dash", "a.b.c", "MCUQ_x", "weights")


def test_any_file_name_builds(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.tflite").write_bytes(dense())
        out = tmp_path / f"out of {name}"
        made = answer(capfd, ["build", tmp_path / f"{name}.tflite", "--board", "microbit", "-o", out])
        assert made["model"] == name
    assert answer(capfd, ["sim", tmp_path / f"out of {NAMES[5]}"])["mismatched_bytes"] == 0
    assert answer(capfd, ["sim", tmp_path / f"out of {NAMES[6]}"])["mismatched_bytes"] == 0


def test_a_board_of_ones_own_is_built_for_and_simulated(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "boards" / "mps2-an386.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace('name = "mps2-an386"', 'name = "my-board"', 1))
    (tmp_path / "dense.tflite").write_bytes(dense())
    to = ["--board-file", tmp_path / "mine.toml", "-o", tmp_path / "out"]
    assert answer(capfd, ["build", tmp_path / "dense.tflite", *to])["board"] == "my-board"
    (tmp_path / "mine.toml").unlink()
    report = answer(capfd, ["sim", tmp_path / "out"])
    assert report["board"] == "my-board" and report["mismatched_bytes"] == 0


@pytest.mark.parametrize("core", ["mps2-an386", "mps2-an385", "mps3-an547"])
def test_weights_and_hot_code_run_from_another_memory_bank(
    models: Mapping[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str], core: str
) -> None:
    split = (ROOT / "boards" / f"{core}.toml").read_text().replace(f'name = "{core}"', 'name = "split"', 1)
    head, ram, tail = split.partition('name = "ram"\nkind = "ram"\norigin = 0x')
    origin, rest = int(tail[:9].replace("_", ""), 16), tail[9:]
    size = int(re.search(r"size = (0x[0-9A-F_]+)", rest)[1], 16)  # type: ignore[index]
    half = f"size = {size // 2:#x}\n"
    fast = f'\n[[memory]]\nname = "fast"\nkind = "ram"\norigin = {origin + size // 2:#x}\n{half}'
    rest = re.sub(r"size = 0x[0-9A-F_]+[^\n]*\n", lambda _: half + fast, rest, count=1)
    (tmp_path / "split.toml").write_text(f"{head}{ram}{tail[:9]}{rest}")
    to = ["--board-file", tmp_path / "split.toml", "-o", tmp_path / "out"]
    plain = answer(capfd, ["build", models["int8_edges"], *to])
    moved = answer(capfd, ["build", models["int8_edges"], *to, "--place", "hot=fast", "--place", "weights=fast"])
    assert moved["ram_bytes"] - plain["ram_bytes"] > 1000
    assert moved["ram_limit_bytes"] == size and plain["ram_limit_bytes"] == size // 2
    sections = subprocess.run(
        ["arm-none-eabi-size", "-A", "-x", str(next((tmp_path / "out").glob("*.elf")))],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    places = {line.split()[0]: int(line.split()[2], 16) for line in sections.splitlines() if line.startswith(".")}
    assert places[".hot"] >= origin + size // 2 and places[".weights"] >= origin + size // 2
    report = answer(capfd, ["sim", tmp_path / "out"])
    assert report["mismatched_bytes"] == 0 and report["compared_bytes"] > 0


@pytest.mark.parametrize(("name", "board"), [("series", "nucleo-f746"), ("int8_edges", "mps3-an547")])
def test_builds_repeat_to_the_byte(models: Mapping[str, Path], tmp_path: Path, name: str, board: str) -> None:
    """In other folders, from another path, under other hash seeds and time zones."""
    made = []
    for folder, seed, zone in (("one", "1", "UTC"), ("a longer name/two", "77", "Pacific/Kiritimati")):
        place = tmp_path / folder
        place.mkdir(parents=True)
        copy = place / models[name].name
        copy.write_bytes(models[name].read_bytes())
        samples(name, 12, 1, place / "data.npz")
        command = ("build", copy.name, "--board", board, "-o", "out", "--data", "data.npz")
        done = mcuq(*command, cwd=place, PYTHONHASHSEED=seed, TZ=zone)
        assert done.returncode == 0, done.stderr
        files = sorted(path for path in (place / "out").rglob("*") if path.is_file())
        made.append({path.relative_to(place).as_posix(): path.read_bytes() for path in files})
    assert {".elf", ".bin", ".hex", ".map", ".c", ".h", ".ld", ".json", ".tflite"} <= {Path(n).suffix for n in made[0]}
    assert made[0].keys() == made[1].keys()
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []
    for name, content in made[0].items():
        for secret in (str(tmp_path), str(Path.home()) + "/", os.uname().nodename):
            assert secret.encode() not in content, (name, secret)


def test_the_manifest_lists_every_file_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "dense.tflite").write_bytes(dense())
    assert mcuq("build", "dense.tflite", "--board", "nucleo-f746", "-o", "out", cwd=tmp_path).returncode == 0
    out = tmp_path / "out"
    listed = json.loads((out / "manifest.json").read_text())["files"]
    found = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    assert set(found) - set(listed) == {"manifest.json", "report.json"}
    assert listed == {name: hashlib.sha256(found[name].read_bytes()).hexdigest() for name in listed}
