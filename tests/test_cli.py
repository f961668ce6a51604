"""The command line as people meet it: exit codes, one clear error, nothing half-written, settings and their order."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import click
import numpy as np
import pytest
from rich.table import Table

from mcuq.cli import commands, run
from mcuq.cli._shared import output_console
from tests.harness.small_models import (
    dense,
    environment,
    mcuq,
    processes_with,
    random_samples,
    report_of,
    softmax_that_stops_litert,
    wide_relu,
)

BOARD = "mps2-an386"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MCUQ_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with dense.tflite and its build in ``out``; tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "dense.tflite").write_bytes(dense())
    done = mcuq("build", "dense.tflite", "--board", BOARD, "-o", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def names(folder: Path) -> set[str]:
    """Everything in ``folder``, hidden names too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def refused(capfd: pytest.CaptureFixture[str], arguments: list[str], code: int) -> str:
    """The error of a command that must fail with ``code``, say so once and leave the folder as it was."""
    before = names(Path.cwd())
    assert run(arguments) == code
    printed = capfd.readouterr()
    assert printed.out == ""
    assert len(re.findall(r"^Error: ", printed.err, re.MULTILINE)) == 1, printed.err
    assert "Traceback" not in printed.err
    assert names(Path.cwd()) == before
    return printed.err


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def keras_h5_with_lambda(path: Path) -> None:
    import h5py

    layers = [
        {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 4]}},
        {"class_name": "Lambda", "config": {"name": "twice", "function": ["4wEAAAA=", None, None]}},
    ]
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": layers}})
        file.create_group("model_weights")


# Models that are none.


def test_a_missing_model_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert "model not found: no.tflite" in refused(capfd, ["build", "no.tflite", "--board", BOARD], 2)


def test_text_renamed_to_tflite_is_told_apart(capfd: pytest.CaptureFixture[str]) -> None:
    Path("notes.tflite").write_text("these are notes, not a model\n" * 20)
    assert "contents are not the TFLite identifier" in refused(capfd, ["build", "notes.tflite", "--board", BOARD], 3)


@pytest.mark.parametrize("kept", [8, 40, 300, -20])
def test_a_truncated_tflite_is_refused(capfd: pytest.CaptureFixture[str], kept: int) -> None:
    Path("cut.tflite").write_bytes(dense()[:kept])
    assert "cut.tflite" in refused(capfd, ["build", "cut.tflite", "--board", BOARD], 3)


@pytest.mark.parametrize("offset", [0x7FFFFFF0, 0xFFFFFFFF, 2, 0])
def test_offsets_out_of_range_are_refused(capfd: pytest.CaptureFixture[str], offset: int) -> None:
    Path("off.tflite").write_bytes(offset.to_bytes(4, "little") + dense()[4:])
    assert "off.tflite" in refused(capfd, ["build", "off.tflite", "--board", BOARD], 3)


def test_a_lambda_layer_is_refused_by_name_and_never_run(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("h5py", reason="not checked: Keras .h5 files, h5py is not installed")
    keras_h5_with_lambda(Path("code.h5"))
    message = refused(capfd, ["build", "code.h5", "--board", BOARD], 3)
    assert "Lambda in layer twice" in message


def test_a_zip_bomb_is_refused_unread(capfd: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile("bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", bytes(100_000_000))
        archive.writestr("model.weights.h5", b"")
    assert "config.json unpacks to more than" in refused(capfd, ["build", "bomb.keras", "--board", BOARD], 3)


def test_a_folder_that_is_no_saved_model_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    Path("folder").mkdir()
    assert "without saved_model.pb" in refused(capfd, ["build", "folder", "--board", BOARD], 3)


def test_a_file_that_crashes_litert_ends_in_one_error(capfd: pytest.CaptureFixture[str]) -> None:
    Path("wide.tflite").write_bytes(softmax_that_stops_litert())
    np.save("zeros.npy", np.zeros((2, 600), np.float32))
    message = refused(capfd, ["build", "wide.tflite", "--board", BOARD, "--data", "zeros.npy", "-o", "a/b/out"], 3)
    assert "LiteRT crashed on the model (signal SIGABRT)" in message


# Boards.


def test_an_unknown_board_is_answered_with_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    Path("dense.tflite").write_bytes(dense())
    message = refused(capfd, ["build", "dense.tflite", "--board", "nucleo-f7466"], 2)
    assert "no such board: 'nucleo-f7466'" in message and "did you mean nucleo-f746?" in message


def test_no_board_and_two_boards_are_usage_errors(capfd: pytest.CaptureFixture[str]) -> None:
    Path("dense.tflite").write_bytes(dense())
    assert "no board given" in refused(capfd, ["build", "dense.tflite"], 2)
    both = ["build", "dense.tflite", "--board", BOARD, "--board-file", "mine.toml"]
    assert "both --board and --board-file" in refused(capfd, both, 2)


def test_a_wrong_board_file_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    Path("dense.tflite").write_bytes(dense())
    Path("mine.toml").write_text('name = "mine"\nwheels = 4\n')
    message = refused(capfd, ["build", "dense.tflite", "--board-file", "mine.toml"], 2)
    assert "board file mine.toml is wrong" in message and "wheels" in message


@pytest.mark.parametrize(
    ("model", "kind", "cause"),
    [
        (dense(600, 600), "flash", r"weights and tables 36\d,\d\d\d B of flash; most, 36\d,\d\d\d B, at layer "),
        (wide_relu(20_000), "ram", r"arena [24]\d,\d\d\d B of RAM; most at layer "),
    ],
    ids=["flash", "ram"],
)
def test_a_model_too_big_for_the_board_says_by_how_much_and_because_of_what(
    capfd: pytest.CaptureFixture[str], model: bytes, kind: str, cause: str
) -> None:
    Path("big.tflite").write_bytes(model)
    message = refused(capfd, ["build", "big.tflite", "--board", "microbit", "-o", "new/out"], 4)
    assert "does not fit microbit" in message
    assert re.search(kind + r" '\w+': needs [\d,]+ B, the board has [\d,]+ B \([\d,]+ B too many\)", message), message
    assert re.search(cause, message), message


# Data.

NAN = random_samples(3, 12)
NAN[1, 2] = np.nan
BAD_DATA = {
    "shape": (random_samples(3, 7), "takes samples of shape (n, 12)"),
    "dtype": (np.array([["a"] * 12]), "needs numbers"),
    "complex": (np.zeros((2, 12), np.complex64), "needs numbers"),
    "nan": (NAN, "NaN or infinity, first in sample 1"),
    "empty": (np.zeros((0, 12), np.float32), "no samples"),
    "objects": (np.array([{"x": 1}], dtype=object), "pickle"),
}


@pytest.mark.parametrize("kind", BAD_DATA)
def test_data_that_do_not_fit_are_refused(capfd: pytest.CaptureFixture[str], built: Path, kind: str) -> None:
    array, said = BAD_DATA[kind]
    np.save("bad.npy", array)
    shutil.copy(built / "dense.tflite", "dense.tflite")
    assert said in refused(capfd, ["build", "dense.tflite", "--board", BOARD, "--data", "bad.npy"], 2)
    assert said in refused(capfd, ["sim", str(built / "out"), "--data", "bad.npy"], 2)


def test_missing_data_are_told_before_anything_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    Path("dense.tflite").write_bytes(dense())
    message = refused(capfd, ["build", "dense.tflite", "--board", BOARD, "--data", "no.npz"], 2)
    assert "data not found: no.npz" in message and "compiling" not in message


# Outside tools.


def test_no_compiler_is_a_tool_error(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("dense.tflite").write_bytes(dense())
    monkeypatch.setenv("PATH", "")
    message = refused(capfd, ["build", "dense.tflite", "--board", BOARD], 6)
    assert "arm-none-eabi-gcc was not found" in message and "apt-get install gcc-arm-none-eabi" in message


def test_a_compiler_that_fails_is_quoted(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("dense.tflite").write_bytes(dense())
    for name in ("gcc", "objcopy"):
        executable(Path(f"bin/arm-none-eabi-{name}"), "#!/bin/sh\necho 'disk is full' >&2\nexit 3\n")
    monkeypatch.setenv("PATH", f"{Path.cwd() / 'bin'}:{os.environ['PATH']}")
    message = refused(capfd, ["build", "dense.tflite", "--board", BOARD], 1)
    assert "failed with exit code 3" in message and "disk is full" in message


def test_no_qemu_is_a_tool_error(
    capfd: pytest.CaptureFixture[str], built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    message = refused(capfd, ["sim", str(built / "out")], 6)
    assert "qemu-system-arm was not found" in message and "apt-get install qemu-system-arm" in message


SILENT_PTY = """#!{python}
import os, sys, time
master, slave = os.openpty()
print(f"char device redirected to {{os.ttyname(slave)}} (label serial0)", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho 'no such machine' >&2\nexit 1\n", "no such machine"),
        ("#!/bin/sh\nkill -SEGV $$\n", "was killed by SIGSEGV"),
        (SILENT_PTY, "did not answer"),
    ],
    ids=["dies", "crashes", "hangs"],
)
def test_a_qemu_that_dies_or_hangs_is_given_up(
    capfd: pytest.CaptureFixture[str], built: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    executable(Path("bin/qemu-system-arm"), script.format(python=sys.executable))
    monkeypatch.setenv("PATH", f"{Path.cwd() / 'bin'}:{os.environ['PATH']}")
    assert said in refused(capfd, ["sim", str(built / "out")], 1)
    assert not processes_with(str(Path.cwd() / "bin"))


# Interruption.


def interrupted(arguments: list[str], folder: Path, ready: str, wanted: str, number: int, **changes: str) -> str:
    """Start mcuq, send it a signal as soon as a process with ``ready`` in its command line runs; its standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mcuq", *arguments],
        cwd=folder,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not [pid for pid in processes_with(ready) if pid != process.pid]:
        assert process.poll() is None, process.communicate()
        if time.monotonic() > deadline:
            process.send_signal(number)
            pytest.fail(f"{wanted} did not start in 120 s")
        time.sleep(0.02)
    start = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert time.monotonic() - start < 5
    assert out == ""
    assert not processes_with(ready)
    return err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, number: int) -> None:
    (tmp_path / "dense.tflite").write_bytes(dense())
    for name in ("gcc", "objcopy"):
        executable(tmp_path / "bin" / f"arm-none-eabi-{name}", "#!/bin/sh\nexec sleep 86399\n")
    before = names(tmp_path)
    # The script becomes `sleep 86399`, so the command line to look for holds this number.
    (tmp_path / "bin" / "arm-none-eabi-gcc").write_text(f"#!/bin/sh\nexec sleep 1{os.getpid()}\n")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    arguments = ["build", "dense.tflite", "--board", BOARD, "-o", "deep/out"]
    err = interrupted(arguments, tmp_path, f"sleep\0001{os.getpid()}", "the compiler", number, PATH=path)
    assert err.splitlines()[-1] == "Interrupted" and "Traceback" not in err
    assert names(tmp_path) == before


def test_an_interrupted_simulation_leaves_nothing_running_and_the_build_as_it_was(tmp_path: Path, built: Path) -> None:
    shutil.copytree(built / "out", tmp_path / "stopped")
    np.save(tmp_path / "many.npy", random_samples(20_000, 12))
    before = digests(tmp_path)
    arguments = ["sim", "stopped", "--data", "many.npy"]  # a folder of its own: other tests run QEMU at the same time
    err = interrupted(arguments, tmp_path, f"-kernel\0{Path('stopped/dense.elf')}", "QEMU", 2)
    assert err.splitlines()[-1] == "Interrupted" and "Traceback" not in err
    assert digests(tmp_path) == before


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# Build folders.


def without(name: str) -> object:
    return lambda folder: (folder / name).unlink()


def with_text(name: str, text: str) -> object:
    return lambda folder: (folder / name).write_text(text)


def with_parts(parts: list[int]) -> object:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(
            json.dumps({**manifest, "models": [{**manifest["models"][0], "parts": parts}]})
        )

    return change


DAMAGE = {
    "no manifest": without("manifest.json"),
    "manifest is no JSON": with_text("manifest.json", "{"),
    "manifest is a list": with_text("manifest.json", "[]"),
    "manifest is empty": with_text("manifest.json", "{}"),
    "no report": without("report.json"),
    "report of another kind": with_text("report.json", '{"schema_version": 99}'),
    "report is empty": with_text("report.json", '{"schema_version": 1}'),
    "no board": without("board.json"),
    "board of another kind": with_text("board.json", "{}"),
    "no model": without("model.tflite"),
    "no image": without("dense.elf"),
    "parts of a layer that is not there": with_parts([99]),
    "no parts": with_parts([]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_build_folder_is_a_usage_error(capfd: pytest.CaptureFixture[str], built: Path, damage: str) -> None:
    shutil.copytree(built / "out", "out")
    DAMAGE[damage](Path("out"))  # type: ignore[operator]
    message = refused(capfd, ["sim", "out"], 2)
    assert "the build folder out is damaged" in message or "out is not a build folder" in message


def test_a_folder_that_is_no_build_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert "is not a build folder" in refused(capfd, ["sim", "."], 2)
    assert "is not a build folder" in refused(capfd, ["sim", "nowhere"], 2)


def test_nobodys_files_are_replaced(capfd: pytest.CaptureFixture[str]) -> None:
    Path("dense.tflite").write_bytes(dense())
    Path("full").mkdir()
    Path("full/thesis.txt").write_text("years of work")
    to = ["build", "dense.tflite", "--board", BOARD, "-o"]
    assert "holds other files" in refused(capfd, [*to, "full"], 2)
    assert "is a file" in refused(capfd, [*to, "full/thesis.txt"], 2)
    assert "cannot write to" in refused(capfd, [*to, "full/thesis.txt/below"], 2)
    assert Path("full/thesis.txt").read_text() == "years of work"


def test_an_earlier_build_is_replaced_whole(built: Path) -> None:
    shutil.copytree(built / "out", "out")
    Path("out/src/stale.c").write_text("old")
    shutil.copy(built / "dense.tflite", ".")
    assert mcuq("build", "dense.tflite", "--board", BOARD, "-o", "out", cwd=Path.cwd()).returncode == 0
    assert digests(Path("out")) == digests(built / "out")


# Bytes that differ.


def test_a_weight_changed_in_the_image_is_a_mismatch(capfd: pytest.CaptureFixture[str], built: Path) -> None:
    shutil.copytree(built / "out", "out")
    source = next(Path("out/src").glob("*_weights.c")).read_text()
    table = re.search(r"int8_t \w*\[\w*\][^{]*\{([^}]*)\}", source)
    assert table, source
    weights = bytes(int(value) & 0xFF for value in re.findall(r"-?\b\d+\b", table[1])[:16])
    image = Path("out/dense.elf").read_bytes()
    assert image.count(weights) == 1
    Path("out/dense.elf").write_bytes(image.replace(weights, bytes(byte ^ 0x40 for byte in weights)))
    assert run(["sim", "out", "--json"]) == 5
    printed = capfd.readouterr()
    assert json.loads(printed.out)["mismatched_bytes"] > 0
    assert re.search(r"Error: \d+ of 32 output bytes differ from LiteRT's, in \d of 8 samples", printed.err)


@pytest.mark.parametrize("other", [dense(12, 7), dense()[:-1] + b"\x55", wide_relu(5)], ids=["other", "byte", "kind"])
def test_a_swapped_model_is_a_mismatch(capfd: pytest.CaptureFixture[str], built: Path, other: bytes) -> None:
    shutil.copytree(built / "out", "out")
    Path("out/model.tflite").write_bytes(other)
    assert "is not the model that the image was built from" in refused(capfd, ["sim", "out"], 5)


# What is printed.

KEYS = {
    *("schema_version", "model", "board", "samples", "mismatched_bytes", "accuracy", "instructions_per_inference"),
    *("layers", "arena_bytes", "ram_bytes", "stack_bytes", "flash_bytes"),
}


def test_json_is_one_object_on_standard_output(tmp_path: Path, built: Path) -> None:
    shutil.copytree(built / "out", tmp_path / "out")
    shutil.copy(built / "dense.tflite", tmp_path)
    np.savez(tmp_path / "test.npz", x=random_samples(5, 12), y=np.arange(5) % 4)
    data = ("--data", "test.npz", "--json")
    done = mcuq("build", "dense.tflite", "--board", BOARD, "-o", "new", *data, cwd=tmp_path)
    made, ran = report_of(done), report_of(mcuq("sim", "out", *data, "--limit", "3", cwd=tmp_path))
    for report in (made, ran):
        assert set(report) >= KEYS
        assert set(report["accuracy"]) == {"float", "int8", "target"}
        assert set(report["instructions_per_inference"]) == {"kind", "value"}
        assert all({"name", "op", "kernel", "instructions"} <= set(layer) for layer in report["layers"])
    assert made["mismatched_bytes"] is None and made["samples"] == 5
    assert json.loads((tmp_path / "new/report.json").read_text()) == made
    assert ran["mismatched_bytes"] == 0 and ran["samples"] == 3 and ran["stack_used_bytes"] <= ran["stack_bytes"]
    assert ran["instructions_per_inference"]["kind"] == "counted"
    assert 0 < sum(layer["instructions"] for layer in ran["layers"]) <= ran["instructions_per_inference"]["value"]
    assert ran["accuracy"]["int8"] == ran["accuracy"]["target"] is not None
    assert json.loads((tmp_path / "out/report.json").read_text()) == ran


def test_random_inputs_are_given_no_accuracy(built: Path) -> None:
    shutil.copytree(built / "out", "out")
    done = mcuq("sim", "out", cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    assert "accuracy" not in done.stdout and "0 of 32 bytes, 8 samples, against LiteRT" in done.stdout
    assert "0 of 8 bytes, 2 samples" in mcuq("sim", "out", "--limit", "2", cwd=Path.cwd()).stdout


def on_a_terminal(*arguments: str, **changes: str) -> bytes:
    """What ``mcuq`` writes when standard output and error are a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mcuq", *arguments],
        env=environment(TERM="xterm-256color", **changes),
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    written = b""
    try:
        while piece := os.read(master, 65536):
            written += piece
    except OSError:  # the other end has closed
        pass
    os.close(master)
    assert process.wait(60) == 0, written
    return written


def test_no_color_is_respected_and_pipes_get_plain_text(built: Path) -> None:
    color = re.compile(rb"\x1b\[[\d;]*[34]\d[\d;]*m")
    assert not color.search(on_a_terminal("sim", str(built / "out"), "--limit", "1", NO_COLOR="1"))
    piped = mcuq("boards", cwd=Path.cwd())
    assert "\x1b" not in piped.stdout + piped.stderr


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from mcuq.cli import run; assert run(['--help']) == 0; "
        "heavy = {'numpy', 'tensorflow', 'keras', 'ai_edge_litert', 'jinja2', 'pydantic'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of the processor: how long it takes depends on what else runs.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def all_commands() -> list[tuple[str, click.Command]]:
    context = click.Context(commands)
    found = [(name, commands.get_command(context, name)) for name in commands.list_commands(context)]
    return [(name, command) for name, command in found if command is not None]


@pytest.mark.parametrize(("name", "command"), all_commands(), ids=[name for name, _ in all_commands()])
def test_every_command_and_option_has_help_and_an_environment_twin(
    capfd: pytest.CaptureFixture[str], name: str, command: click.Command
) -> None:
    assert command.name == name and command.help and command.help.splitlines()[0].rstrip().endswith(".")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, (name, parameter.name)
            assert str(parameter.envvar).startswith("MCUQ_"), (name, parameter.name)
    assert run([name, "--help"]) == 0
    assert "Usage: mcuq " + name in capfd.readouterr().out


def test_an_unknown_command_and_option_are_usage_errors(capfd: pytest.CaptureFixture[str]) -> None:
    assert "No such command 'biuld'" in refused(capfd, ["biuld"], 2)
    assert "No such option" in refused(capfd, ["build", "x", "--bord", "y"], 2)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("arena", "--place 'arena' is not of the form WHAT=BANK"),
        ("arena=ccm", "placement.arena is 'ccm', but there is no memory of that name and kind 'ram'"),
        ("code=ram", "placement.code is 'ram', but there is no memory of that name and kind 'flash'"),
        ("heap=ram", "nothing called 'heap' is placed in memory"),
    ],
)
def test_a_placement_that_cannot_be_is_a_usage_error(capfd: pytest.CaptureFixture[str], place: str, said: str) -> None:
    Path("dense.tflite").write_bytes(dense())
    assert said in refused(capfd, ["build", "dense.tflite", "--board", BOARD, "--place", place], 2)


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m mcuq ops | head -n 1"
    done = subprocess.run(["sh", "-c", command], env=environment(), capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr and "Error" not in done.stderr


# Where settings come from.


def test_flags_win_over_the_environment_over_mcuq_toml_over_defaults(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("dense.tflite").write_bytes(dense())

    def board_and_kernels(*flags: str) -> tuple[str, str]:
        assert run(["build", "dense.tflite", "--json", *flags]) == 0
        report = json.loads(capfd.readouterr().out)
        return report["board"], report["kernels"]

    assert board_and_kernels("--board", "microbit") == ("microbit", "auto")
    Path("mcuq.toml").write_text('board = "mps2-an385"\nkernels = "mcuq"\n')
    assert board_and_kernels() == ("mps2-an385", "mcuq")
    monkeypatch.setenv("MCUQ_BOARD", "netduinoplus2")
    monkeypatch.setenv("MCUQ_KERNELS", "auto")
    assert board_and_kernels() == ("netduinoplus2", "auto")
    assert board_and_kernels("--board", "microbit", "--kernels", "mcuq") == ("microbit", "mcuq")
    monkeypatch.setenv("MCUQ_BOARD_FILE", "no-such-file.toml")
    assert board_and_kernels("--board", "microbit")[0] == "microbit"
    assert {path.name for path in Path("build").iterdir()} == {
        f"dense-{board}" for board in ("microbit", "mps2-an385", "netduinoplus2")
    }


def test_mcuq_toml_beside_the_model_names_its_data(capfd: pytest.CaptureFixture[str]) -> None:
    Path("project").mkdir()
    Path("project/dense.tflite").write_bytes(dense())
    Path("project/mcuq.toml").write_text('data = "some.npy"\n')
    np.save("project/some.npy", random_samples(6, 12))
    assert run(["build", "project/dense.tflite", "--board", BOARD, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["samples"] == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [("bord = 'x'", "bord"), ("board = 3", "board"), ("kernels = 'fast'", "kernels"), ("board =", "is not TOML")],
)
def test_a_wrong_mcuq_toml_is_a_usage_error(capfd: pytest.CaptureFixture[str], text: str, said: str) -> None:
    Path("dense.tflite").write_bytes(dense())
    Path("mcuq.toml").write_text(text)
    assert said in refused(capfd, ["build", "dense.tflite", "--board", BOARD], 2)


def test_doctor_names_what_is_missing_and_how_to_get_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["doctor"]) == 0
    assert "qemu-system-arm" in capfd.readouterr().out
    monkeypatch.setenv("PATH", "")
    assert run(["doctor"]) == 6
    printed = capfd.readouterr()
    assert "sudo apt-get install gcc-arm-none-eabi" in " ".join(printed.out.split())
    assert printed.err.count("Error:") == 1 and "missing: arm-none-eabi-gcc" in printed.err


def test_tables_print_brackets_and_colons_as_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    table = Table()
    table.add_column()
    table.add_row("pip install 'mcuq[keras]' :rocket:")
    output_console().print(table)
    assert "pip install 'mcuq[keras]' :rocket:" in capfd.readouterr().out
