"""A scheme for each layer, searched for: the front of assignments, what is chosen within budgets, and keeping it."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.board import board_named
from mcuq.cli import run
from mcuq.data import Dataset
from mcuq.errors import BudgetError
from mcuq.fit import Goals
from mcuq.mixed import Machine, choosing
from mcuq.mixed.front import Option, front
from mcuq.mixed.search import likely
from mcuq.planner.choose import Optimize
from mcuq.planner.lower import KernelPolicy
from mcuq.quantize.request import Request
from tests.harness.float_net import FloatNet

pytest.importorskip("litert_quantizer", reason="not checked: quantization, litert-quantizer is not installed")

OPTIONS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(OPTIONS, min_size=1, max_size=4))
def test_the_front_has_what_no_other_assignment_beats(layers: list[list[tuple[int, int]]]) -> None:
    found = front([Option(str(i), *option) for i, option in enumerate(options)] for options in layers)
    sums = {(sum(s for s, _ in picked), sum(n for _, n in picked)) for picked in itertools.product(*layers)}
    unbeaten = {one for one in sums if not any(o != one and o[0] <= one[0] and o[1] <= one[1] for o in sums)}
    assert [(one.size, one.noise) for one in found] == sorted(unbeaten)
    for one in found:
        picked = [options[int(scheme)] for options, scheme in zip(layers, one.schemes, strict=True)]
        assert (one.size, one.noise) == (sum(s for s, _ in picked), sum(n for _, n in picked))


def test_a_long_front_is_thinned_and_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    layers = [[Option("wide", 1000 + int(rng.integers(99)), 0.0), Option("narrow", 1, rng.random())] for _ in range(30)]
    found = front(layers)
    assert len(found) <= 1024
    assert set(found[0].schemes) == {"narrow"}
    assert set(found[-1].schemes) == {"wide"}
    assert all(one.size < other.size and one.noise > other.noise for one, other in itertools.pairwise(found))


def test_a_sample_that_changes_sides_counts_by_the_float_model_s_doubt() -> None:
    floats = np.array([[0.5, 0.5], [0.9, 0.1], [0.45, 0.55]])
    same, other = floats.copy(), np.array([[0.5, 0.5], [0.9, 0.1], [0.6, 0.4]])
    assert likely(floats, same) == pytest.approx((0.5 + 0.9 + 0.55) / 3)
    assert likely(floats, other) == pytest.approx((0.5 + 0.9 + 0.45) / 3)
    assert likely(floats * 2, same) is None
    assert likely(np.array([[0.2], [0.9]]), np.array([[0.1], [0.2]])) == pytest.approx((0.8 + 0.1) / 2)


@pytest.fixture(scope="module")
def content() -> bytes:
    net = FloatNet(1, 4, 4, 16)
    net.convolution("stem", 1, 40, 2)
    net.convolution("middle", 1, 64)
    net.dense("scores", 40)
    return net.content()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.tflite").write_bytes(content)
    np.savez("data.npz", x=np.random.default_rng(1).normal(size=(10, 4, 4, 16)).astype(np.float32))
    return tmp_path


MIXED = ["--data", "data.npz", "--scheme", "mixed"]


def test_half_the_constants_are_enough_and_the_lines_printed_give_the_same_file(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="not checked: plots, matplotlib is not installed")
    command = [
        "quantize",
        "net.tflite",
        *MIXED,
        "--max-drop",
        "30",
        "-o",
        "mixed.tflite",
        "--plot",
        "front.svg",
        "--json",
    ]
    assert run(command) == 0
    assert "<svg" in Path("front.svg").read_text()
    found = json.loads(capfd.readouterr().out)["mixed"]
    chosen, usual = found["chosen"], found["usual"]
    assert chosen["constant_bytes"] < 0.6 * usual["constant_bytes"]
    assert 0.0 <= found["drop_points"] <= 30.0
    assert chosen["error"] > usual["error"]
    assert chosen["quality"]["agreement"] == pytest.approx(usual["quality"]["agreement"] - found["drop_points"] / 100)
    sizes = [point["constant_bytes"] for point in found["front"]]
    errors = [point["error"] for point in found["front"]]
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    layers = "".join(f'"{name}" = "{scheme}"\n' for name, scheme in found["layers"].items() if scheme != "w8a8")
    Path("mcuq.toml").write_text(f"[quantize.layers]\n{layers}")
    assert run(["quantize", "net.tflite", "--data", "data.npz", "-o", "pasted.tflite"]) == 0
    assert Path("pasted.tflite").read_bytes() == Path("mixed.tflite").read_bytes()


def test_a_build_keeps_to_its_flash_by_narrower_weights_and_names_them(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("mcuq.toml").write_text('[quantize.layers]\n"stem" = "w8a8"\n')
    build = ["build", "net.tflite", *MIXED, "--board", "mps2-an386", "--kernels", "mcuq", "--json"]
    assert run([*build, "--flash", "16K", "-o", "out"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (15 << 10) <= report["flash_bytes"] <= (16 << 10), "within the budget, and not far below"
    schemes = json.loads(Path("out/manifest.json").read_text())["models"][0]["schemes"]
    assert schemes["stem"] == "w8a8"
    assert schemes["scores"] != "w8a8"
    assert any(note.startswith("mixed: ") for note in report["notes"])


def test_a_search_goes_on_with_less_to_spend_and_quantizes_nothing_twice(content: bytes) -> None:
    board = board_named("mps2-an386")
    machine = Machine(board, None, Goals(Optimize.SIZE, 15_000, None, KernelPolicy.MCUQ))
    assert machine.with_less(600, 0).goals == dataclasses.replace(machine.goals, flash_bytes=14_400)
    assert machine.with_less(0, 100).goals.ram_bytes == board.ram_bytes - 100
    samples = Dataset((np.random.default_rng(1).normal(size=(4, 4, 4, 16)).astype(np.float32),), None, "test")
    stages: list[str] = []
    found = choosing(machine, None)(content, samples, Request("mixed"), lambda stage, *_: stages.append(stage))
    stages.clear()
    assert found.again(machine).chosen == found.chosen
    assert not stages
    less = machine.with_less(found.chosen.cost.flash_bytes - 14_000, 0)
    narrower = found.again(less)
    assert less.goals.flash_bytes is not None
    assert narrower.chosen.cost.flash_bytes <= less.goals.flash_bytes < found.chosen.cost.flash_bytes
    assert narrower.chosen.error > found.chosen.error
    assert {*stages} >= {"rounding weights"}
    with pytest.raises(BudgetError, match="no assignment of schemes fits") as caught:
        found.again(machine.with_less(14_000, 0))
    assert "smallest: about" in caught.value.details[0]


def test_what_no_assignment_keeps_to_is_told_with_what_comes_nearest(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["quantize", "net.tflite", *MIXED, "--latency", "2k", "--flash", "1M"]) == 4
    error = capfd.readouterr().err
    assert "no assignment of schemes fits the budgets" in error
    assert "quickest: about" in error


def test_flags_of_mixed_schemes_mean_nothing_without_them(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for command, words in (
        (["quantize", "net.tflite", "--data", "data.npz", "--max-drop", "1"], "--max-drop is for --scheme mixed"),
        (["build", "net.tflite", "--board", "microbit", "--latency", "1ms"], "--latency is for --scheme mixed"),
        (["quantize", "net.tflite", *MIXED, "--latency", "1ms"], "a time is no number of cycles without a board"),
        (["quantize", "net.tflite", *MIXED, "--plot", "front.pdf"], "a plot is an .svg or a .png file"),
        (["quantize", "net.tflite", "--scheme", "mixed"], "the scheme mixed needs data"),
        (["analyze", "net.tflite", *MIXED], "the scheme mixed is none of a calibrated model"),
        (["quantize", "net.tflite", *MIXED, "--latency", "soon"], "'soon' is no time such as 25ms"),
    ):
        assert run(command) == 2, command
        assert words in capfd.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["data.npz", "net.tflite"]
