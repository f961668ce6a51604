"""Layer by layer against LiteRT, in QEMU: images as they were built, and images with one weight changed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mcuq import host_c
from mcuq.board import board_named
from mcuq.built import Built, load_built
from mcuq.cli import run
from mcuq.errors import MismatchError, ToolError, UsageError
from mcuq.expected import HeldTo, agreed_bytes
from mcuq.layout import Layout
from mcuq.runners.qemu import QemuRunner
from mcuq.verification import Verification
from mcuq.verify import VerifyOptions, verify
from tests.harness.elf import contents
from tests.harness.net_builder import RELU, RELU6, NetBuilder
from tests.harness.proxy_pty import ProxyPty
from tests.harness.small_models import mcuq

BOARD = "mps2-an386"


def branching() -> bytes:
    """Two outputs, channels that passes take away or put elsewhere, and layers that only rename bytes."""
    net = NetBuilder(3)
    x = net.activation((1, 12, 12, 3), -3)
    y = net.conv(x, 8, 3, activation=RELU6)
    y = net.conv(y, 8, 1, dead=0.3, full=0.3, activation=RELU6)
    y = net.depthwise(y, activation=RELU6)
    y = net.conv(y, 8, 1, activation=RELU)
    both = net.add(y, net.conv(y, 8, 1, dead=0.2), activation=RELU)
    head = net.dense(net.flatten(net.pool(both)), 4)
    return net.tflite(x, f"{head} {both}")


def rows() -> bytes:
    """Large images first, which run a few rows at a time where memory counts; the input is fed."""
    net = NetBuilder(5)
    x = net.activation((1, 40, 20, 2), -3)
    y = net.conv(x, 6, 3, stride=2, activation=RELU)
    y = net.depthwise(y, activation=RELU)
    y = net.conv(y, 12, 1, stride=2, activation=RELU)
    return net.tflite(x, net.dense(net.mean(y), 3))


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("verify")
    found = {}
    for name, model, optimize in (("branching", branching(), "speed"), ("rows", rows(), "ram")):
        (folder / f"{name}.tflite").write_bytes(model)
        done = mcuq("build", f"{name}.tflite", "--board", BOARD, "-o", name, "--optimize", optimize, cwd=folder)
        assert done.returncode == 0, done.stderr
        found[name] = folder / name
    return found


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The program of each build's C for this machine: it is compiled once, not in each test."""
    programs: dict[str, Path] = {}

    def compiled(built: Built, layout: Layout, cmsis_nn: Path | None, _folder: Path) -> Path:
        found = programs.get(built.report.build_id)
        if found is None or not shutil.which("gcc"):
            found = host_c.build_for_host(built, layout, cmsis_nn, tmp_path_factory.mktemp("host"))
            programs[built.report.build_id] = found
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mcuq.verify.build_for_host", compiled)
        yield


def silent(_stage: str, _done: int, _of: int) -> None:
    """Progress that nobody looks at."""


def verified(folder: Path, **options: object) -> Verification:
    return verify(load_built(folder), None, VerifyOptions(**{"limit": 1, **options}), silent)  # type: ignore[arg-type]


def change_a_weight(folder: Path, to: Path, layer: int, share: float = 0.5) -> Built:
    """A copy of a build in whose image one byte of the largest table of a layer, so far into it, is another."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    built = load_built(to)
    tables = {n: at for n, at in contents(built.image).items() if n.startswith(f"{built.model.name}_{layer:02d}_")}
    first, size = max(tables.values(), key=lambda table: (table[1], table[0]))
    at = first + int(size * share)
    content = bytearray(built.image.read_bytes())
    content[at] ^= 0x40
    built.image.write_bytes(content)
    return built


def verified_with_a_fault(folder: Path, to: Path, layer: int) -> Verification:
    """What is found in a copy of a build with one weight of ``layer`` changed, one that matters for the sample."""
    for share in (0.5, 0.25, 0.1, 0.3, 0.4, 0.05):  # some weights multiply zeros, and some bytes are none
        found = verified(change_a_weight(folder, to, layer, share).folder)
        if found.differences:
            break
    return found


def test_every_layer_is_litert_s_whatever_passes_made_of_it(builds: dict[str, Path]) -> None:
    found = verified(builds["branching"], limit=2)
    assert [place.name for place in found.places] == ["host C", f"{BOARD} in QEMU"]
    assert all(place.difference is None and place.reason is None and place.samples == 2 for place in found.places)
    assert found.differences == () and found.notes == ()
    built = load_built(builds["branching"])
    assert [layer.name for layer in found.layers] == [layer.name for layer in built.report.layers]
    held_to = {layer.held_to for layer in found.layers}
    assert {"LiteRT", "LiteRT's channels"} <= held_to, held_to
    assert "alias" in {layer.kernel for layer in found.layers}


def test_layers_that_run_a_few_rows_at_a_time_are_compared_row_by_row(builds: dict[str, Path]) -> None:
    built = load_built(builds["rows"])
    layout = json.loads((built.folder / "layout.json").read_text())
    parts = [write[0] for write in layout["writes"]]
    assert parts == list(range(1, len(built.parts) + 1)) and len(parts) > 2 * len(built.report.layers)
    covered = dict.fromkeys(range(len(built.report.layers)), 0)
    for (_, layer, _, _, size, _), step in zip(layout["writes"], built.parts, strict=True):
        assert layer == step
        covered[layer] += size
    assert all(covered[i] == layer.output.type.bytes for i, layer in enumerate(built.model.graph.layers()))
    assert verified(builds["rows"]).differences == ()


@pytest.mark.parametrize("model", ["branching", "rows"])
@pytest.mark.parametrize("where", ["early", "middle", "last"])
def test_one_weight_changed_in_flash_is_found_in_its_layer(
    builds: dict[str, Path], tmp_path: Path, model: str, where: str
) -> None:
    layers = load_built(builds[model]).report.layers
    weighted = [i for i, layer in enumerate(layers) if "CONV" in layer.op or "FULLY" in layer.op]
    layer = {"early": weighted[0], "middle": weighted[len(weighted) // 2], "last": weighted[-1]}[where]
    found = verified_with_a_fault(builds[model], tmp_path / "out", layer)
    host, target = found.places
    assert host.difference is None
    assert target.difference is not None
    assert (target.difference.layer, target.difference.name) == (layer, layers[layer].name)
    assert 0 < target.difference.differing <= target.difference.compared
    first = target.difference.first[0]
    assert first.expected != first.found and len(first.index) == len(target.difference.shape)
    assert abs(first.expected - first.found) <= target.difference.largest
    assert any("is right: look at" in note for note in found.notes)
    assert f"{model}.elf is not the file that `mcuq build` wrote" in found.notes


def test_a_difference_is_told_with_its_elements_and_ends_with_5(
    builds: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    verified_with_a_fault(builds["branching"], out, 3)
    name = load_built(out).report.layers[3].name
    assert run(["verify", str(out), "--limit", "1"]) == MismatchError.exit_code
    printed = capfd.readouterr()
    assert printed.err.count("Error: ") == 1
    assert f"{BOARD} in QEMU: layer {name} (CONV_2D, " in printed.err and "is the first that differs" in printed.err
    assert "DIFFERS" in printed.out
    assert re.search(r"^\[0, \d+, \d+, \d+\] +-?\d+ +-?\d+ *$", printed.out, re.MULTILINE)
    assert run(["verify", str(out), "--limit", "1", "--json"]) == MismatchError.exit_code
    found = json.loads(capfd.readouterr().out)
    assert (found["schema_version"], found["command"]) == (1, "verify")
    assert found["places"][0]["difference"] is None and found["places"][1]["difference"]["name"] == name


def test_the_board_is_verified_over_its_port_also_when_the_line_breaks(builds: dict[str, Path], tmp_path: Path) -> None:
    built = load_built(builds["rows"])
    runner = QemuRunner(board_named(BOARD), built.image, count=False)
    with runner.start() as target, ProxyPty(target.port, tmp_path / "port", unplug_at=(2_500,), spoil_at=900) as proxy:
        found = verified(built.folder, target=str(proxy.port), limit=2, reconnect_s=20)
        assert proxy.unplugged == 1
    assert found.differences == () and found.places[1].samples == 2
    assert found.places[1].name == f"{BOARD} on {proxy.port}"


def test_another_build_on_the_board_is_refused(builds: dict[str, Path]) -> None:
    runner = QemuRunner(board_named(BOARD), load_built(builds["rows"]).image, count=False)
    with (
        runner.start() as target,
        pytest.raises(MismatchError, match="the target does not run this build of branching"),
    ):
        verified(builds["branching"], target=target.port)


def test_this_machine_alone_needs_no_target(
    builds: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = verified(builds["branching"], target="host")
    assert [(place.name, place.difference) for place in found.places] == [("host C", None)]
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "qemu-system-arm").symlink_to(shutil.which("qemu-system-arm"))
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(ToolError, match="gcc was not found"):
        verified(builds["branching"], target="host")
    found = verified(builds["branching"])
    assert found.places[0].reason == "not run: gcc was not found" and found.places[1].difference is None


def test_a_layout_that_does_not_belong_to_the_build_is_refused(builds: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(builds["branching"], tmp_path / "out")
    shutil.copy(builds["rows"] / "layout.json", tmp_path / "out" / "layout.json")
    with pytest.raises(UsageError, match="built by another version"):
        verified(tmp_path / "out")
    for text in ("", "{}", "[1]", '{"schema_version": 1, "own_sources": [], "cmsis_nn_sources": [], "writes": [[1]]}'):
        (tmp_path / "out" / "layout.json").write_text(text)
        with pytest.raises(UsageError, match="missing or damaged"):
            verified(tmp_path / "out")
    (tmp_path / "out" / "layout.json").unlink()
    with pytest.raises(UsageError, match="missing or damaged"):
        verified(tmp_path / "out")


def test_channels_may_be_fewer_or_elsewhere_but_not_in_an_output() -> None:
    theirs = np.arange(24, dtype=np.int8).reshape(2, 3, 4)
    own = theirs[..., [2, 0]].copy()
    expected, held_to = agreed_bytes(own, theirs, whole=False)
    assert expected is own and held_to is HeldTo.LITERT_CHANNELS
    assert agreed_bytes(own, theirs, whole=True)[0] is theirs
    own[0, 0, 0] ^= 1
    expected, held_to = agreed_bytes(own, theirs, whole=False)
    assert expected is theirs and held_to is HeldTo.LITERT
    expected, held_to = agreed_bytes(own, None, whole=True)
    assert expected is own and held_to is HeldTo.REFERENCE
    assert agreed_bytes(theirs.reshape(6, 4), theirs, whole=True)[1] is HeldTo.LITERT
