"""``mcuq sweep``: every candidate is built, here and on a Dask cluster, and nothing that is done is done again."""

from __future__ import annotations

import csv
import io
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcuq.cli import run
from mcuq.sweep.candidate import Outcome
from mcuq.sweep.results import Row, with_best
from tests.harness.small_models import dense, environment, processes_with

BOARDS = ("mps2-an386", "microbit")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("dense.tflite").write_bytes(dense())
    Path("cut.tflite").write_bytes(dense()[:400])
    return tmp_path


def test_all_combinations_are_built_once_and_a_failure_is_a_row(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("plan.toml").write_text(
        'models = ["dense.tflite", "cut.tflite"]\nboards = ["mps2-an386"]\noptimize = ["speed", "size"]\nsamples = 1\n'
    )
    assert run(["sweep", "--plan", "plan.toml", "--json"]) == 0
    printed = capfd.readouterr()
    rows = json.loads(printed.out)["rows"]
    assert [(Path(row["model"]).name, row["optimize"]) for row in rows] == [
        ("cut.tflite", "size"),
        ("cut.tflite", "speed"),
        ("dense.tflite", "size"),
        ("dense.tflite", "speed"),
    ]
    assert all("cut.tflite is damaged" in row["error"] and row["flash_bytes"] is None for row in rows[:2])
    small, quick = rows[2:]
    assert (small["error"], small["mismatched_bytes"], quick["mismatched_bytes"]) == (None, 0, 0)
    assert small["flash_bytes"] < quick["flash_bytes"]
    assert small["instructions"] > quick["instructions"]
    assert [row["best"] for row in rows] == [False, False, True, True]
    assert "cut.tflite w8a8 on mps2-an386 for size: cut.tflite is damaged" in printed.err.replace("\n", " ")
    monkeypatch.setenv("PATH", "")  # without a compiler: what is built again, fails
    assert run(["sweep", "--plan", "plan.toml", "--csv"]) == 0
    again = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert [row["flash_bytes"] for row in again] == [str(row["flash_bytes"] or "") for row in rows]
    assert [row["key"] for row in again] == [row["key"] for row in rows]
    Path("dense.tflite").write_bytes(dense(outputs=5))
    assert run(["sweep", "dense.tflite", "--board", BOARDS[0]]) == 0
    assert "arm-none-eabi-gcc was not found" in capfd.readouterr().err.replace("\n", " ")


def test_an_interrupted_sweep_goes_on_where_it_stopped(folder: Path) -> None:
    command = [sys.executable, "-m", "mcuq", "sweep", "dense.tflite", "--jobs", "1"]
    command += [part for board in (*BOARDS, "mps2-an385") for part in ("--board", board)]
    process = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    seen = 0
    while not (done := finished()) and time.monotonic() < deadline:
        seen = max(seen, len(processes_with("mcuq.sweep.worker", Path.cwd())))
        time.sleep(0.05)
    assert seen >= 1
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert processes_with("mcuq.sweep.worker", Path.cwd()) == []
    kept = finished()
    assert set(done) <= set(kept)
    assert 1 <= len(kept) < 3
    assert subprocess.run(command, env=environment(), capture_output=True, check=False).returncode == 0
    rows = finished()
    assert len(rows) == 3
    assert {key: rows[key] for key in kept} == kept  # with the seconds that they took then


def finished() -> dict[str, tuple[float, int]]:
    if not Path("sweep.sqlite").exists():
        return {}
    connection = sqlite3.connect("sweep.sqlite", timeout=10)
    try:
        found = connection.execute("SELECT key, seconds, flash_bytes FROM candidates").fetchall()
    except sqlite3.OperationalError:  # the table is not there yet
        found = []
    finally:
        connection.close()
    return {key: tuple(rest) for key, *rest in found}


def test_a_dask_cluster_builds_the_same(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    distributed = pytest.importorskip("distributed", reason="not checked: sweeps on Dask, which is not installed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None) as cluster:
        arguments = ["sweep", "dense.tflite", "cut.tflite", "--board", BOARDS[0], "--json"]
        assert run([*arguments, "--scheduler", cluster.scheduler_address, "-o", "there.sqlite"]) == 0
    there = json.loads(capfd.readouterr().out)["rows"]
    assert [row["error"] is None for row in there] == [False, True]
    assert there[1]["flash_bytes"] > 2000


def test_what_is_wrong_is_told_before_anything_is_built(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("wrong.toml").write_text('modles = ["dense.tflite"]\n')
    Path("text.sqlite").write_text("no database, but long enough to look at" * 20)
    sqlite3.connect("other.sqlite").execute("CREATE TABLE mine (x)").connection.close()
    board = ["--board", BOARDS[0]]
    for arguments, code, words in (
        (["dense.tflite"], 2, "no board given"),
        ([], 2, "nothing to build"),
        (["none.tflite", *board], 2, "model not found"),
        (["dense.tflite", "--board", "mps2-an38"], 2, "mps2-an38"),
        (["dense.tflite", *board, "--scheme", "w5a8"], 2, "no quantization scheme 'w5a8'"),
        (["dense.tflite", *board, "--data", "none.npz"], 2, "data not found"),
        (["--plan", "wrong.toml"], 2, "modles"),
        (["--plan", "none.toml"], 2, "cannot read none.toml"),
        (["dense.tflite", *board, "-o", "text.sqlite"], 2, "is no results file"),
        (["dense.tflite", *board, "-o", "other.sqlite"], 2, "is a database, but not of `mcuq sweep`"),
        (["dense.tflite", *board, "-o", "none/here.sqlite"], 1, "cannot use none/here.sqlite"),
    ):
        assert run(["sweep", *arguments]) == code, arguments
        assert words in capfd.readouterr().err.replace("\n", " ")
    assert not Path("sweep.sqlite").exists()


def test_the_best_are_those_that_no_other_of_their_model_and_board_beats() -> None:
    def row(model: str, flash: int, instructions: int, accuracy: float | None, error: str | None = None) -> Row:
        outcome = Outcome(error, flash, 1000, instructions, accuracy)
        return Row("", model, "board", "w8a8", "size", "auto", None, None, 0, outcome)

    rows = [
        row("a", 10, 10, 0.9),
        row("a", 11, 10, 0.9),  # larger, and no better for it
        row("a", 20, 5, 0.9),
        row("a", 20, 20, 0.95),
        row("a", 1, 1, 1.0, "failed"),
        row("b", 30, 30, None),
        row("a", 10, 10, 0.9),  # as good as the first
    ]
    assert [one.best for one in with_best(rows)] == [True, False, True, True, False, True, True]
