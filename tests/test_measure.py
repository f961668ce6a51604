"""Measuring over real serial lines: the image that would be flashed, in QEMU behind a pseudo terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuq.built import Built, load_built
from mcuq.data import Dataset
from mcuq.errors import LinkError, MismatchError, ToolError
from mcuq.frames import Frame, encode
from mcuq.link import HELLO_LAYOUT, Link
from mcuq.measurement import Spread
from mcuq.monitor import Monitor
from mcuq.on_target import MeasureOptions, is_simulated, measure, mismatches
from mcuq.runners.qemu import QemuRunner
from tests.harness.proxy_pty import ProxyPty
from tests.harness.small_models import convolution, dense, environment, mcuq

UNCHANGED = ("netduinoplus2", "stm32vldiscovery", "microbit", "mps2-an386")
"""Boards whose very image runs in QEMU: it is what would be flashed."""


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory):
    """Build folders by board and model, made once."""
    made: dict[tuple[str, str], Path] = {}
    models = {"dense": dense(), "other": dense(16, 3), "conv": convolution()}

    def build(board: str, model: str = "dense") -> Built:
        if (board, model) not in made:
            folder = tmp_path_factory.mktemp(f"{board}-{model}")
            (folder / f"{model}.tflite").write_bytes(models[model])
            done = mcuq("build", f"{model}.tflite", "--board", board, "-o", "out", cwd=folder)
            assert done.returncode == 0, done.stderr
            made[board, model] = folder / "out"
        return load_built(made[board, model])

    return build


def board_for(built: Built, *, count: bool = False) -> QemuRunner:
    return QemuRunner(built.board, built.image, count=count)


def labelled(built: Built, count: int) -> Dataset:
    shape = tuple(built.model.file_graph.input_tensors[0].type.shape[1:])
    values = np.random.default_rng(3).normal(0, 1, (count, *shape)).astype(np.float32)
    return Dataset((values,), np.arange(count) % 4, "made")


frames = st.builds(Frame, st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=80))


def silent(stage: str, done: int, of: int) -> None:
    """Progress that nobody looks at."""


@pytest.mark.parametrize(("board", "model"), [*((board, "dense") for board in UNCHANGED), ("netduinoplus2", "conv")])
def test_the_image_that_would_be_flashed_is_measured_without_a_wrong_byte(builds, board, model, tmp_path):
    built = builds(board, model)
    with board_for(built, count=True).start() as target:
        runs = ("--runs", "4", "--warmup", "2", "--layers", "--json")
        done = mcuq("measure", built.folder, "--port", target.port, *runs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == json.loads((built.folder / "measurement.json").read_text())
    assert (found["schema_version"], found["command"], found["board"]) == (1, "measure", board)
    assert found["samples"] == 8
    assert found["compared_bytes"] == 8 * built.model.graph.output_tensors[0].type.elements
    assert found["mismatched_bytes"] == 0 and found["mismatches"] == []
    assert found["build_id"] == built.report.build_id
    assert found["clock"]["counter"] == ("timer" if board == "microbit" else "systick")
    # A program is behind the port: it ticks, and no tick says anything of time.
    assert found["timing"]["kind"] == "unknown"
    assert found["timing"]["runs"] == 4 and found["timing"]["warmup"] == 2
    assert found["timing"]["cycles"] is None and found["timing"]["ms"] is None
    ticks = found["timing"]["ticks"]
    assert 0 < ticks["minimum"] <= ticks["median"] <= ticks["p99"]
    assert [layer["name"] for layer in found["layers"]] == [layer.name for layer in built.report.layers]
    assert all(layer["cycles"] is None for layer in found["layers"])
    assert 0 < found["stack_used_bytes"] <= found["stack_bytes"]


def test_ticks_are_the_simulators_instructions_where_it_counts(builds):
    built = builds("mps2-an386", "conv")
    qemu = built.board.qemu
    with board_for(built, count=True).start() as target:
        found = measure(built, None, MeasureOptions(target.port, runs=2, warmup=1, layers=True, limit=1), silent)
    ticks = found.timing.ticks
    counts = {qemu.instructions(round(value)) for value in (ticks.minimum, ticks.median, ticks.p99)}
    assert len(counts) == 1, counts  # exact, as every run is the same; a tick is less than an instruction
    assert counts.pop() > 1000
    layers = sum(layer.ticks for layer in found.layers)
    assert layers <= ticks.median <= layers + 100 * (1 + len(found.layers)), (found.timing, layers)


def test_people_read_accuracy_a_confusion_matrix_and_how_fast_it_was_not(builds, tmp_path):
    built = builds("mps2-an386")
    data = labelled(built, 40)
    np.savez(tmp_path / "test.npz", x=data.inputs[0], y=data.labels)
    with board_for(built).start() as target:
        done = mcuq("measure", built.folder, "--port", target.port, "--data", "test.npz", "--runs", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0 of 160 bytes, 0 of 40 samples, against LiteRT" in done.stdout
    assert "unknown: a program is behind this port" in done.stdout and " ms" not in done.stdout
    assert "true \\ predicted" in done.stdout


def test_the_confusion_matrix_adds_up_to_the_accuracy(builds):
    built = builds("mps2-an386")
    data = labelled(built, 60)
    unlabelled = Dataset(data.inputs, np.where(np.arange(60) < 10, -1, data.labels), "made")
    with board_for(built).start() as target:
        found = measure(built, unlabelled, MeasureOptions(target.port, runs=1, warmup=0), silent)
    matrix = np.array(found.confusion)
    assert matrix.shape == (4, 4) and matrix.sum() == 50
    assert np.trace(matrix) / 50 == found.accuracy.target == found.accuracy.int8
    assert list(matrix.sum(axis=1)) == [np.sum(unlabelled.labels == label) for label in range(4)]


def test_a_line_that_is_pulled_out_twice_in_a_thousand_samples_resumes(builds, tmp_path):
    built = builds("mps2-an386")
    data = labelled(built, 1000)
    done = []
    with (
        board_for(built).start() as target,
        ProxyPty(target.port, tmp_path / "port", unplug_at=(9_000, 30_007), spoil_at=20_000) as proxy,
    ):
        options = MeasureOptions(str(proxy.port), runs=1, warmup=0, reconnect_s=20)
        found = measure(built, data, options, lambda _stage, now, of: done.append(now) if of == 1000 else None)
        assert proxy.unplugged == 2
    assert found.reconnections == 2
    assert (found.samples, found.compared_bytes, found.mismatched_bytes) == (1000, 4000, 0)
    streamed = done[-1001:]
    assert streamed == list(range(1001)), "each sample is told once, in order"
    assert np.array(found.confusion).sum() == 1000


def test_a_target_that_stays_away_ends_the_run(builds, tmp_path):
    built = builds("mps2-an386")
    with (
        board_for(built).start() as target,
        ProxyPty(target.port, tmp_path / "port", unplug_at=(3_000,), comes_back=False) as proxy,
        pytest.raises(LinkError, match=r"did not come back within 0\.5 s") as error,
    ):
        measure(built, labelled(built, 200), MeasureOptions(str(proxy.port), runs=1, warmup=0, reconnect_s=0.5), silent)
    assert "cannot be opened" in error.value.details[1]


def test_a_target_that_is_still_starting_is_waited_for(builds, tmp_path):
    built, port = builds("mps2-an386"), tmp_path / "port"
    with board_for(built).start() as target:
        threading.Timer(0.6, port.symlink_to, (target.port,)).start()
        options = MeasureOptions(str(port), runs=1, warmup=0, limit=1, starting_s=30)
        found = measure(built, None, options, silent)
    assert (found.compared_bytes, found.mismatched_bytes, found.reconnections) == (4, 0, 0)


def test_another_build_on_the_target_is_refused(builds, tmp_path):
    built, other = builds("mps2-an386"), builds("mps2-an386", "other")
    with board_for(other).start() as target:
        done = mcuq("measure", built.folder, "--port", target.port, cwd=tmp_path)
    assert done.returncode == MismatchError.exit_code
    assert "the target does not run this build of dense" in done.stderr
    assert other.report.build_id in done.stderr and built.report.build_id in done.stderr


def test_without_a_port_of_the_board_it_is_a_missing_device(builds, tmp_path):
    done = mcuq("measure", builds("netduinoplus2").folder, cwd=tmp_path)
    assert done.returncode == ToolError.exit_code
    assert "no serial port of its own over USB" in done.stderr
    done = mcuq("measure", builds("microbit").folder, "--port", "auto", cwd=tmp_path)
    assert done.returncode == ToolError.exit_code
    assert "no serial port of microbit was found (USB 0d28:0204)" in done.stderr
    done = mcuq("measure", builds("microbit").folder, "--port", "/dev/nosuch", cwd=tmp_path)
    assert done.returncode == ToolError.exit_code
    assert "/dev/nosuch cannot be opened" in done.stderr and "Hint" in done.stderr


def test_bytes_that_differ_are_told_by_sample():
    expected = (np.arange(12, dtype=np.int8).reshape(4, 3), np.zeros((4, 1), np.float32))
    answers = (expected[0].copy(), expected[1].copy())
    answers[0][1] = [9, 9, 5]
    answers[1][3] = 1.0
    assert [(one.sample, one.bytes) for one in mismatches(answers, expected)] == [(1, 2), (3, 2)]
    assert mismatches(expected, expected) == ()


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([7], (7, 7, 7)), ([3, 1], (2, 3, 1)), (list(range(1, 101)), (50.5, 99, 1)), ([5] * 99 + [900], (5, 5, 5))],
)
def test_median_99th_percentile_and_minimum(values, wanted):
    spread = Spread.of(values)
    assert (spread.median, spread.p99, spread.minimum) == wanted


def test_only_a_real_port_can_measure_time(tmp_path):
    master, slave = os.openpty()
    (tmp_path / "ttyACM0").symlink_to(os.ttyname(slave))
    assert is_simulated(os.ttyname(slave)) and is_simulated(str(tmp_path / "ttyACM0"))
    assert is_simulated("socket://localhost:3456")
    assert not is_simulated("/dev/ttyACM0") and not is_simulated("COM3")
    os.close(master)
    os.close(slave)


# mcuq monitor


def test_the_monitor_names_who_is_there_until_it_is_interrupted(builds):
    built = builds("mps2-an386")
    with board_for(built).start() as target:
        process = subprocess.Popen(
            [sys.executable, "-m", "mcuq", "monitor", "--port", target.port],
            env=environment(PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            text=True,
        )
        line = process.stdout.readline()
        assert line.startswith(f"#0 mps2-an386 runs dense, build {built.report.build_id}, at 25 MHz"), line
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        with Link.open(target.port) as link:  # the target is none the worse for it
            assert link.identify().model == "dense"


def test_the_monitor_reads_frames_and_text_in_any_pieces():
    nak = encode(Frame(0xFF, 7, bytes((4, 2))))
    fault = encode(Frame(0xFE, 0, bytes.fromhex("78560000 00000000 00000100 03000000")))
    data = b"hello\r\n" + nak + b"noise\x01\0" + fault + b"caf\xc3\xa9\nlast"
    for size in (1, 2, 5, len(data)):
        monitor = Monitor()
        lines = [line for at in range(0, len(data), size) for line in monitor.feed(data[at : at + size])]
        lines += monitor.rest()
        assert lines[:3] == ["hello", "#7 refused RUN: wrong length", "noise\\x01"]
        assert lines[3] == "the target's processor faulted at PC 0x00005678 (exception 3)"
        assert lines[-2:] == ["café", "last"]


def test_the_monitor_passes_no_command_on_to_the_terminal():
    names = b"\x0b\x1b[2Jbo\x9bard\n" + b"\x05\x07\x08\r\x7f\x00"
    hello = Frame(0x81, 1, HELLO_LAYOUT.pack(2, 0, 0, 0, 1, 1, 256, 0, 0, 1, 1, bytes(16), 0) + names)
    text = "\x1b]0;title\x07 \x9b31m caf\u00e9 \u202egnp.exe\u2028end\x85".encode() + b"\x80\xff\x1b[1m\n"
    monitor = Monitor()
    lines = [line for part in (encode(hello), text, text * 3 + b"\0") for line in monitor.feed(part)] + monitor.rest()
    assert lines and all(line.isprintable() for line in lines), lines
    assert "#1 \ufffd[2Jbo\ufffdard\ufffd runs" in lines[0]
    assert "\\x1b]0;title\\x07 \\x9b31m café \\x202egnp.exe" in lines[1]


@given(st.lists(st.one_of(st.binary(max_size=60), st.just(b"\0"), st.just(b"\n"), frames.map(encode)), max_size=12))
def test_the_monitor_prints_whatever_comes_as_plain_lines(parts):
    monitor = Monitor()
    lines = [line for part in parts for line in monitor.feed(part)] + monitor.rest()
    assert all(line.isprintable() for line in lines), lines


def test_the_monitor_keeps_little_of_what_never_ends():
    monitor = Monitor()
    assert sum(len(line) for _ in range(10) for line in monitor.feed(b"x" * 10_000)) > 80_000
