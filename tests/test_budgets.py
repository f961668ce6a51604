"""`mcuq build --optimize, --flash, --ram, --tuned` and `mcuq tune`, with real compilers and QEMU."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from mcuq.cli import run
from tests.harness.small_models import convolution, mcuq

BOARD = "mps2-an386"


@pytest.fixture(autouse=True)
def with_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MCUQ_"):
            monkeypatch.delenv(name)
    Path("conv.tflite").write_bytes(convolution())


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of a file that `mcuq tune` wrote."""
    folder = tmp_path_factory.mktemp("tuned")
    (folder / "conv.tflite").write_bytes(convolution())
    done = mcuq("tune", "conv.tflite", "--board", BOARD, "--optimize", "speed", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "cycles in layers against" in done.stdout
    return (folder / f"conv-{BOARD}.tuned.toml").read_text()


def report(capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON of a command that must work."""
    assert run([*arguments, "--json"]) == 0, capfd.readouterr().err
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def built(capfd: pytest.CaptureFixture[str], *flags: str) -> dict[str, Any]:
    return report(capfd, "build", "conv.tflite", "--board", BOARD, "-o", "out", *flags)


def kernels(found: dict[str, Any]) -> dict[str, str]:
    return {layer["name"]: layer["kernel"] for layer in found["layers"]}


def test_size_is_smaller_and_speed_quicker_and_both_exact(capfd: pytest.CaptureFixture[str]) -> None:
    found = {}
    for optimize in ("speed", "balanced", "size", "ram"):
        assert built(capfd, "--optimize", optimize)["optimize"] == optimize
        found[optimize] = report(capfd, "sim", "out")
        assert found[optimize]["mismatched_bytes"] == 0
    flash = {name: one["flash_bytes"] for name, one in found.items()}
    instructions = {name: one["instructions_per_inference"]["value"] for name, one in found.items()}
    assert flash["size"] < min(flash["balanced"], flash["speed"])
    assert instructions["speed"] <= instructions["balanced"] < instructions["size"]
    assert found["ram"]["arena_bytes"] <= min(found[name]["arena_bytes"] for name in ("speed", "balanced"))


def test_a_flash_budget_changes_kernels_until_the_image_keeps_it(capfd: pytest.CaptureFixture[str]) -> None:
    quick = built(capfd, "--optimize", "speed")
    small = built(capfd, "--optimize", "size")
    limit = (quick["flash_bytes"] + small["flash_bytes"]) // 2
    between = built(capfd, "--optimize", "speed", "--flash", str(limit))
    assert between["flash_bytes"] <= limit
    assert kernels(between) != kernels(quick)
    assert run(["build", "conv.tflite", "--board", BOARD, "-o", "never", "--flash", "4K"]) == 4
    message = capfd.readouterr().err
    assert "--flash allows 4,096 B" in message
    assert not Path("never").exists()


def test_a_ram_budget_that_nothing_keeps_is_told_with_the_numbers(capfd: pytest.CaptureFixture[str]) -> None:
    needed = built(capfd)["ram_bytes"]
    assert built(capfd, "--ram", str(needed))["ram_bytes"] <= needed
    assert run(["build", "conv.tflite", "--board", BOARD, "-o", "never", "--ram", "1K"]) == 4
    message = capfd.readouterr().err
    assert "--ram allows 1,024 B" in message
    assert "most at layer" in message


def test_what_is_told_of_two_budgets_is_the_image_that_came_closest(capfd: pytest.CaptureFixture[str]) -> None:
    flash = built(capfd, "--optimize", "size")["flash_bytes"]
    assert (
        run(["build", "conv.tflite", "--board", BOARD, "-o", "never", "--flash", str(flash + 1000), "--ram", "1K"]) == 4
    )
    message = capfd.readouterr().err
    assert "--ram allows 1,024 B" in message
    assert "--flash allows" not in message


@pytest.mark.parametrize("text", ["0", "-1", "64Q", "lots", "1.5K"])
def test_a_budget_that_is_no_number_of_bytes_is_a_usage_error(capfd: pytest.CaptureFixture[str], text: str) -> None:
    assert run(["build", "conv.tflite", "--board", BOARD, f"--flash={text}"]) == 2
    assert "is no number of bytes" in capfd.readouterr().err


def test_tuning_tries_every_kernel_and_its_file_settles_a_build(capfd: pytest.CaptureFixture[str], tuned: str) -> None:
    tried = re.findall(r"(\w+) = (\d+)", tuned.partition("cycles = ")[2])
    assert len(tried) >= 3
    Path("t.toml").write_text(tuned)
    ((name, kernel),) = kernels(built(capfd, "--tuned", "t.toml")).items()
    assert kernel == min(tried, key=lambda entry: int(entry[1]))[0]
    Path("t.toml").write_text(tuned.replace(f'kernel = "{kernel}"', 'kernel = "mcuq_conv_2d_s8"'))
    Path("mcuq.toml").write_text('tuned = "t.toml"\n')
    assert kernels(built(capfd)) == {name: "mcuq_conv_2d_s8"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("cortex-m4", "cortex-m0"), "was tuned for cortex-m0"),
        (("kernel = ", "kernal = "), "was not made by `mcuq tune`"),
        (('kernel = "mcuq_', 'kernel = "my_'), "does not run layer"),
        (('name = "', 'name = "other'), "a layer that the model does not have"),
        (("[[layer]]", "[[layer"), "is not TOML"),
    ],
)
def test_a_wrong_tuned_file_is_a_usage_error(
    capfd: pytest.CaptureFixture[str], tuned: str, change: tuple[str, str], said: str
) -> None:
    assert change[0] in tuned
    Path("t.toml").write_text(tuned.replace(*change))
    assert run(["build", "conv.tflite", "--board", BOARD, "-o", "never", "--tuned", "t.toml"]) == 2
    assert said in capfd.readouterr().err
    assert not Path("never").exists()
