"""`mcuq tune` on a board: images are really flashed, by a script that starts each in QEMU, and measured over its port.

The simulator's side of it, and what a build makes of the file, is in test_budgets.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mcuq.bench import DoesNotRunError, OnBoard
from mcuq.board import Board, board_named, load_board
from mcuq.build import BuildOptions, Source, build
from mcuq.built import load_built
from mcuq.cli import run
from mcuq.errors import BoardError, BudgetError, LinkError, MismatchError, ToolError, UsageError
from mcuq.planner.choose import Choices
from mcuq.runners.qemu import QemuRunner
from mcuq.tune import WORTH, Move, try_kernels, try_places
from mcuq.tuned import read_tuned
from tests.firmware.building import build_for_board
from tests.harness import flash_qemu
from tests.harness.small_models import ROOT, dense

BOARD = "mps2-an386"


@pytest.fixture
def two_banks(tmp_path: Path) -> Path:
    """A board file: QEMU's M4 with its RAM in two banks."""
    text = (ROOT / "boards" / f"{BOARD}.toml").read_text()
    ram = 'name = "ram"\nkind = "ram"\norigin = 0x2000_0000'
    assert ram in text
    fast = '[[memory]]\nname = "fast"\nkind = "ram"\norigin = 0x2020_0000\nsize = 0x0020_0000\n\n[placement]'
    text = text.replace("size = 0x0040_0000", "size = 0x0020_0000").replace("[placement]", fast)
    file = tmp_path / "two_banks.toml"
    file.write_text(text.replace(f'name = "{BOARD}"', 'name = "two-banks"', 1))
    return file


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to stand in, with a model, and with what the flashing script leaves there."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MCUQ_")]:
        monkeypatch.delenv(name)
    Path("dense.tflite").write_bytes(dense())
    yield tmp_path
    flash_qemu.unplug(tmp_path)


def by_script(desk: Path) -> list[str]:
    """Flags that have images flashed by the script, and measured at the port that it leaves."""
    command = QemuRunner(board_named(BOARD), Path("{elf}")).command()
    words = [sys.executable, "-S", flash_qemu.__file__, str(desk), *command]
    return ["--port", str(desk / "port"), "--flash-command", shlex.join(words)]


def images(desk: Path) -> list[str]:
    return (desk / "images").read_text().split()


def test_every_kernel_and_placement_is_flashed_and_measured(
    desk: Path, two_banks: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    board = ["--board-file", str(two_banks)]
    settled = ["--place", "weights=fast", "--place", "hot=fast"]
    flags = ["--optimize", "speed", "--kernels", "mcuq", "--runs", "2", "-o", "t.toml"]
    assert run(["tune", "dense.tflite", *board, *settled, *flags, *by_script(desk)]) == 0, capfd.readouterr().err
    printed = capfd.readouterr().out
    found = read_tuned(Path("t.toml"), load_board(two_banks))
    # A program is behind the port: nobody calls its ticks cycles of the board.
    assert found.kind == "unknown: ticks of a program behind the port, which is no two-banks"
    assert " cycles" not in printed and "trying" not in printed
    (kernel,) = found.choices.values()
    cycles = found.layer[0].cycles
    assert len(cycles) == 2 and kernel == min(cycles, key=lambda name: cycles[name])
    # The simulator's counter counts instructions, and knows no slower memory.
    assert found.placement == {"weights": "fast", "hot": "fast"}
    moved = re.search(r"arena in fast: ([\d,]+) ticks", printed)
    assert moved is not None and int(moved[1].replace(",", "")) == pytest.approx(cycles[kernel], rel=WORTH)
    # Two rounds of kernels, the board's own placement (the image of the first round) and one other.
    first, second, again, other = images(desk)
    assert first == again and len({first, second, other}) == 3
    assert run(["build", "dense.tflite", *board, "--tuned", "t.toml", "--kernels", "mcuq", "-o", "out"]) == 0
    assert hashlib.sha256(Path("out/dense.elf").read_bytes()).hexdigest() == first


def test_a_board_that_is_lost_between_two_rounds_ends_it_and_nothing_is_written(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "dies_at").write_text("2")
    flags = ["--kernels", "mcuq", "--runs", "1", "--reconnect", "0.2"]
    assert run(["tune", "dense.tflite", "--board", BOARD, *flags, *by_script(desk)]) == LinkError.exit_code
    message = capfd.readouterr().err
    assert "port cannot be opened" in message and f"is {BOARD} still connected" in message
    assert len(images(desk)) == 2
    assert not list(desk.glob("*.tuned.toml")) and not list(desk.glob(".*toml*"))


def test_a_port_that_is_another_boards_is_a_mismatch(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    elf, _ = build_for_board(board_named(BOARD), desk)
    with QemuRunner(board_named(BOARD), elf).start() as other:
        wrong = ["--port", other.port, "--flash-command", f"{sys.executable} -S -c pass {{elf}}"]
        assert run(["tune", "dense.tflite", "--board", BOARD, "--kernels", "mcuq", *wrong]) == MismatchError.exit_code
    message = capfd.readouterr().err
    assert f"after flashing, {BOARD} does not run what was flashed" in message
    assert "is --port the port of the board" in message and "mcuq-" not in message


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--port", "auto"], ToolError.exit_code, "no serial port of its own over USB"),
        (["--runner", "openocd"], UsageError.exit_code, "--runner is given, but no --port"),
        (["--place", "arena=ccm"], BoardError.exit_code, "no memory of that name"),
        (["-o", "no/such/t.toml"], UsageError.exit_code, "there is no folder"),
        (["--flash", "1K"], BudgetError.exit_code, "--flash allows 1,024 B"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_flashed(
    desk: Path, capfd: pytest.CaptureFixture[str], flags: list[str], code: int, said: str
) -> None:
    assert run(["tune", "dense.tflite", "--board", BOARD, "--kernels", "mcuq", *flags]) == code
    assert said in capfd.readouterr().err


def test_the_simulator_moves_weights_by_what_data_from_flash_cost(
    desk: Path, two_banks: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = "\n[flash_stream]\ncycles_per_byte = 8.0\ncache_bytes = 0\n"
    two_banks.write_text(two_banks.read_text() + stream)
    flags = ["--board-file", str(two_banks), "--kernels", "mcuq", "--place", "hot=fast"]
    assert run(["tune", "dense.tflite", *flags, "-o", "t.toml"]) == 0, capfd.readouterr().err
    assert read_tuned(Path("t.toml"), load_board(two_banks)).placement == {"hot": "fast", "weights": "ram"}
    build = ["build", "dense.tflite", "--kernels", "mcuq", "--tuned", "t.toml"]
    assert run([*build, "--board-file", str(two_banks), "-o", "out"]) == 0
    with Path("out/dense.elf").open("rb") as file:
        address = {section.name: section["sh_addr"] for section in ELFFile(file).iter_sections()}
    assert address[".weights"] == 0x2000_0000 and 0x2020_0000 <= address[".hot"] < 0x2040_0000
    assert run([*build, "--board", BOARD, "-o", "never"]) == UsageError.exit_code
    assert f"memory bank of two-banks, and this is {BOARD}" in capfd.readouterr().err


def test_a_budget_is_for_the_whole_image_as_in_a_build(desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the image with the smallest kernel takes, the quickest kernel's does not keep to."""
    flags = ["--board", BOARD, "--kernels", "mcuq"]
    assert run(["build", "dense.tflite", *flags, "--optimize", "size", "-o", "out", "--json"]) == 0
    flags += ["--optimize", "speed", "--flash", str(json.loads(capfd.readouterr().out)["flash_bytes"])]
    assert run(["tune", "dense.tflite", *flags, "-o", "t.toml"]) == 0
    (layer,) = read_tuned(Path("t.toml"), board_named(BOARD)).layer
    assert layer.cycles["mcuq_fully_connected_s8_dsp"] < layer.cycles[layer.kernel]
    assert run(["build", "dense.tflite", *flags, "-o", "out", "--tuned", "t.toml"]) == 0


def test_a_real_port_gives_cycles_of_the_boards_clock_and_spoiled_weights_are_a_mismatch(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal is taken for a real port here: no other is at hand."""
    monkeypatch.setattr("mcuq.on_target.is_simulated", lambda port: False)
    build(BuildOptions((Source(Path("dense.tflite")),), board_named(BOARD), Path("out")), quiet)
    built = load_built(Path("out"))
    with QemuRunner(built.board, built.image).start() as target:
        found = OnBoard(lambda _: None, target.port, 2, 30.0, 1.0).tried([built])
    assert found.kind == f"measured on {BOARD} at 25 MHz"
    assert set(found.cycles) == {("dense", layer.name) for layer in built.report.layers}
    assert all(cycles > 100 for cycles in found.cycles.values())
    image = built.image.read_bytes()
    source = next(Path("out/src").glob("*_weights.c")).read_text()
    table = re.search(r"int8_t \w*\[\w*\][^{]*\{([^}]*)\}", source)
    assert table, source
    weights = bytes(int(value) & 0xFF for value in re.findall(r"-?\b\d+\b", table[1])[:16])
    assert image.count(weights) == 1
    built.image.write_bytes(image.replace(weights, bytes(byte ^ 0x40 for byte in weights)))
    with (
        QemuRunner(built.board, built.image).start() as target,
        pytest.raises(MismatchError, match="bytes differ from LiteRT's"),
    ):
        OnBoard(lambda _: None, target.port, 1, 30.0, 1.0).tried([built])


# The search alone


ABLE = {"a": ("x", "y", "z"), "b": ("x", "y"), "c": ("x",), "d": ("z", "x", "y")}
USUAL = {"a": "x", "b": "y", "c": "x", "d": "z"}


def spent(layer: str, kernel: str) -> int:
    return 100 * ord(layer) + ord(kernel)


def test_each_round_gives_each_layer_its_next_kernel() -> None:
    rounds = []

    def attempt(choices: Choices) -> Mapping[str, int]:
        rounds.append(choices)
        return {layer: spent(layer, kernel) for layer, kernel in choices.items()}

    found = try_kernels(ABLE, USUAL, attempt, quiet)
    assert found == {(layer, kernel): spent(layer, kernel) for layer, kernels in ABLE.items() for kernel in kernels}
    assert rounds == [USUAL, {**USUAL, "a": "y", "b": "x", "d": "x"}, {**USUAL, "a": "z", "d": "y"}]


def test_a_round_that_does_not_fit_is_halved_and_a_kernel_that_never_fits_is_left_out() -> None:
    """Kernels other than the usual take one unit of room, z takes three; there is room for two."""
    room = {"x": 1, "y": 1, "z": 3}

    def attempt(choices: Choices) -> Mapping[str, int]:
        if sum(room[kernel] for layer, kernel in choices.items() if USUAL[layer] != kernel) > 2:
            raise BudgetError("too large")
        return {layer: spent(layer, kernel) for layer, kernel in choices.items()}

    found = try_kernels(ABLE, USUAL, attempt, quiet)
    assert set(found) == {(layer, kernel) for layer, kernels in ABLE.items() for kernel in kernels} - {("a", "z")}
    assert all(cycles == spent(*entry) for entry, cycles in found.items())


def test_usual_kernels_that_do_not_fit_are_an_error() -> None:
    def attempt(_: Choices) -> Mapping[str, int]:
        raise BudgetError("too large")

    with pytest.raises(BudgetError):
        try_kernels(ABLE, USUAL, attempt, quiet)


def test_a_role_is_moved_where_it_saves_a_hundredth_and_fits_beside_what_was_moved_before() -> None:
    """On the H7: moving the arena saves a fifth; weights then no longer fit there; hot code saves too little."""
    board = board_named("nucleo-h743zi2")
    tried = []

    def attempt(there: Board) -> int:
        place = there.placement
        tried.append((place.arena, place.weights, place.hot))
        if place.arena == place.weights == "dtcm":
            raise BudgetError("too large")
        if place.hot == "dtcm":
            raise DoesNotRunError("no code runs there")
        return 10_000 - 2000 * (place.arena == "dtcm") - 500 * (place.weights == "itcm") - 70 * (place.hot == "itcm")

    best, moves = try_places(board, ("arena", "weights", "hot"), attempt, quiet)
    assert (best.placement.arena, best.placement.weights, best.placement.hot) == ("dtcm", "itcm", None)
    assert moves is not None and (moves.before, moves.after) == (10_000, 7500)
    assert moves.tried[0] == Move("arena", "dtcm", 8000)
    assert Move("weights", "dtcm", None, "too large") in moves.tried and Move("hot", "itcm", 7430) in moves.tried
    assert Move("hot", "dtcm", None, "no code runs there") in moves.tried
    assert len(tried) == len(set(tried)) == 1 + 2 + 3 + 3


def test_with_one_bank_for_all_that_may_move_nothing_is_tried() -> None:
    board = board_named(BOARD)
    assert try_places(board, ("arena",), lambda _: 1 // 0, quiet) == (board, None)


def quiet(_stage: str, _done: int, _of: int) -> None:
    """Progress that nobody looks at."""
