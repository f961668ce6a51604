"""Several models in one image: one arena, each byte LiteRT's in any order, and every command for all or one of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mcuq.board import board_named
from mcuq.build import BuildOptions, Source, build
from mcuq.built import load_built, load_models
from mcuq.cli import run
from mcuq.cli._shared import by_model, configurations, named_model
from mcuq.code_estimate import code_estimates
from mcuq.codegen.names import check_distinct, image_identifier
from mcuq.config import load_config
from mcuq.core import core_named
from mcuq.errors import BudgetError, LinkError, UsageError
from mcuq.fit import NOTHING, Choice, Goals, Surveyed, search, surveyed
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.image import KERNELS, DoesNotFitError
from mcuq.kernels.base import Target
from mcuq.layout import read_layout
from mcuq.measure import check_identity
from mcuq.passes import run_passes
from mcuq.planner.choose import Optimize
from mcuq.planner.lower import KernelPolicy
from mcuq.reference import Reference
from mcuq.runners.qemu import QemuRunner
from mcuq.tuned import Tuned, TunedLayer, placement_of, read_tuned, tuned_by_model
from tests.firmware.building import SANITIZERS, STRICT
from tests.harness.small_models import convolution, dense, environment, mcuq
from tests.test_states import FIRST, counter
from tests.test_verify import rows

BOARD = "mps2-an386"
MODELS = {"dense": dense(), "rows": rows(), "counter": counter()}
"""One plain, one whose input is fed, one that remembers."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model files, and their build ``out`` for little RAM."""
    where = tmp_path_factory.mktemp("several")
    for name, content in MODELS.items():
        (where / f"{name}.tflite").write_bytes(content)
    sources = tuple(Source(where / f"{name}.tflite") for name in MODELS)
    goals = Goals(Optimize.RAM, policy=KernelPolicy.MCUQ)
    build(BuildOptions(sources, board_named(BOARD), where / "out", goals), lambda *_: None)
    return where


def answers(model: bytes, count: int) -> list[tuple[list[bytes], tuple[bytes, ...]]]:
    """Random inputs and what LiteRT makes of them, each from the model's first state on."""
    rng, found, reference = np.random.default_rng(6), [], Reference(model)
    shapes = [info.shape[1:] for info in reference.inputs]
    for _ in range(count):
        given = [rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes]
        found.append(([x.tobytes() for x in given], tuple(np.asarray(y).tobytes() for y in reference.run(given))))
    return found


def test_models_that_run_in_any_order_compute_what_litert_computes(folder: Path) -> None:
    builts = load_models(folder / "out")
    wanted = [answers(MODELS[built.model.name], 3) for built in builts]
    rng = np.random.default_rng(7)
    with (
        QemuRunner(board_named(BOARD), builts[0].image, count=False).start() as target,
        target.open_link() as link,
    ):
        identities = [check_identity(link, built.report.build_id, built.model.name, built.number) for built in builts]
        assert [(i.model, i.number, i.models) for i in identities] == [(b.model.name, b.number, 3) for b in builts]
        assert [i.fed_input for i in identities] == [False, True, False]
        for _ in range(24):
            number = int(rng.integers(len(builts)))
            given, outputs = wanted[number][int(rng.integers(3))]
            assert link.select(number).number == number
            assert link.run(given).outputs == outputs, builts[number].model.name
            assert len(link.layer_ticks().ticks) == len(builts[number].report.layers)
        with pytest.raises(LinkError, match="the target has 3 models, none of number 3"):
            link.select(3)


def test_the_models_share_one_arena_as_large_as_the_largest_needs(folder: Path) -> None:
    builts = load_models(folder / "out")
    arenas = {built.model.name: built.report.arena_bytes for built in builts}
    header = (folder / "out/src/dense_rows_counter_arena.h").read_text()
    assert f"_ARENA_BYTES {max(arenas.values())}U" in header
    assert f"#define DENSE_ARENA_BYTES {arenas['dense']}U" in (folder / "out/src/dense.h").read_text()
    assert len({(built.report.ram_bytes, built.report.flash_bytes, built.report.build_id) for built in builts}) == 1
    assert builts[0].report.ram_bytes < max(arenas.values()) + 4096


_APPLICATION = """
#include <stdbool.h>
#include <stdio.h>
#include "counter.h"
#include "dense.h"
#include "rows.h"

static int8_t input[ROWS_INPUT_ELEMENTS];
static int8_t output[DENSE_OUTPUT_ELEMENTS + COUNTER_OUTPUT_ELEMENTS + ROWS_OUTPUT_ELEMENTS];

static int32_t ran(int model)
{
    switch (model) {
    case 'd':
        return dense_run(input, output);
    case 'c':
        return counter_run(input, output);
    default:
        return rows_run(input, output);
    }
}

int main(void)
{
    counter_reset();
    for (int model = getchar(); model != EOF; model = getchar()) {
        const bool d = model == 'd';
        const bool c = model == 'c';
        const size_t given = d ? DENSE_INPUT_ELEMENTS : c ? COUNTER_INPUT_ELEMENTS : ROWS_INPUT_ELEMENTS;
        const size_t made = d ? DENSE_OUTPUT_ELEMENTS : c ? COUNTER_OUTPUT_ELEMENTS : ROWS_OUTPUT_ELEMENTS;
        if (fread(input, 1U, given, stdin) != given || ran(model) != 0 || fwrite(output, 1U, made, stdout) != made) {
            return 1;
        }
    }
    return 0;
}
"""


def test_an_application_runs_models_in_turn_and_none_forgets_what_it_remembers(folder: Path, tmp_path: Path) -> None:
    source, layout = folder / "out" / "src", read_layout(folder / "out" / "dense" / "layout.json")
    (tmp_path / "application.c").write_text(_APPLICATION)
    files = [*(file for file in source.glob("*.c") if file.name != "mcuq_model.c")]
    files += [KERNELS / name for name in layout.own_sources]
    gcc = ["gcc", "-O1", *STRICT, *SANITIZERS, f"-I{KERNELS}", f"-I{source}", "application.c", *map(str, files)]
    subprocess.run([*gcc, "-o", "application"], cwd=tmp_path, check=True, timeout=120)
    line = wanted = b""
    for step, (one, other) in enumerate(zip(answers(MODELS["dense"], 3), answers(MODELS["rows"], 3), strict=True), 1):
        added = np.array([1, 2, -3, 4], np.int8)
        line += b"d" + one[0][0] + b"c" + added.tobytes() + b"r" + other[0][0]
        wanted += one[1][0] + (FIRST + step * added).tobytes() + other[1][0]
    ran = subprocess.run([tmp_path / "application"], input=line, capture_output=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout == wanted


def test_commands_are_about_all_models_or_one(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = str(folder / "out")
    np.save(folder / "few.npy", np.zeros((2, 12), np.float32))
    assert run(["sim", out, "--limit", "3", "--data", f"dense={folder / 'few.npy'}", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [(one["model"], one["samples"], one["mismatched_bytes"]) for one in told["models"]] == [
        ("dense", 2, 0), ("rows", 3, 0), ("counter", 3, 0),
    ]  # fmt: skip
    assert told["arena_bytes"] == max(one["arena_bytes"] for one in told["models"])
    assert told["flash_bytes"] == told["models"][0]["flash_bytes"]
    assert run(["sim", out, "--model", "dense", "--limit", "1"]) == 0
    printed = capfd.readouterr().out
    assert "image " not in printed and printed.startswith("model         dense")
    assert run(["estimate", out, "--model", "rows", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["model"] == "rows"
    assert run(["sim", out, "--model", "none"]) == 2
    assert "has no model 'none'\nHint: models: dense, rows, counter" in capfd.readouterr().err
    assert run(["sim", out, "--robot", str(folder / "x.robot")]) == 2
    assert "--robot is for one model, and the build has dense, rows, counter" in capfd.readouterr().err


def test_every_layer_of_a_model_among_others_is_verified(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(folder / "out"), "--model", "rows", "--limit", "1", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert [place["difference"] for place in found["places"]] == [None, None]


def test_a_run_of_one_model_among_others_is_kept_and_repeated(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "kept.zip")
    assert run(["repro", str(folder / "out"), "--model", "counter", "--limit", "2", "-o", file]) == 0
    assert run(["repro", file]) == 0
    assert "now in QEMU: 0 of" in capfd.readouterr().out
    assert run(["repro", str(folder / "out"), "-o", file]) == 2


def test_a_board_with_several_models_is_measured_and_names_them_all(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "out", tmp_path / "out")
    with QemuRunner(board_named(BOARD), tmp_path / "out" / "dense_rows_counter.elf", count=False).start() as target:
        runs = ("--runs", "1", "--warmup", "0", "--limit", "1", "--json")
        done = mcuq("measure", "out", "--port", target.port, *runs, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["models"]
        assert [(one["model"], one["mismatched_bytes"]) for one in found] == [(name, 0) for name in MODELS]
        assert json.loads((tmp_path / "out" / "rows" / "measurement.json").read_text()) == found[1]
        monitor = [sys.executable, "-m", "mcuq", "monitor", "--port", target.port]
        unbuffered = environment(PYTHONUNBUFFERED="1")
        with subprocess.Popen(monitor, env=unbuffered, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in MODELS]
            process.kill()
    said = sorted(line.split(" runs ")[1].split(", build")[0] for line in lines)
    assert said == ["counter (model 2 of 3)", "dense (model 0 of 3)", "rows (model 1 of 3)"]


def test_kernels_are_chosen_for_all_models_together_within_a_budget() -> None:
    """Code that both need counts once, the arena is that of the larger one, and budgets are of all of it."""
    target, goals = Target(core_named("cortex-m4")), Goals(Optimize.SPEED)
    graphs = [run_passes(bind(read_tflite(content, "net"))) for content in (convolution(), convolution(), dense())]
    models = [surveyed(graph, NOTHING, target, goals.policy) for graph in graphs]

    def chosen(models: list[Surveyed], goals: Goals) -> Choice:
        def attempt(choice: Choice) -> Choice:
            over = max(0, choice.cost.flash_bytes - (goals.flash_bytes or choice.cost.flash_bytes))
            if over:
                raise DoesNotFitError("too large", (), "", over, 0)
            return choice

        return search(models, target, goals, lambda: code_estimates(None), attempt)

    quick, alone = chosen(models, goals), [chosen([model], goals) for model in models]
    assert quick.arena_bytes == max(one.arena_bytes for one in alone)
    assert quick.kernels == tuple(kernel for one in alone for kernel in one.kernels)
    small = chosen(models, Goals(Optimize.SIZE))
    alone = [chosen([model], Goals(Optimize.SIZE)) for model in models]
    assert max(one.cost.flash_bytes for one in alone) < small.cost.flash_bytes
    assert small.cost.flash_bytes < sum(one.cost.flash_bytes for one in alone)
    limit = small.cost.flash_bytes
    assert chosen(models, Goals(Optimize.SPEED, flash_bytes=limit)).cost.flash_bytes <= limit
    with pytest.raises(BudgetError, match="too large"):
        chosen(models, Goals(Optimize.SPEED, flash_bytes=limit - 1))


def test_names_that_c_cannot_tell_apart_are_refused(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = str(folder / "dense.tflite")
    other = str(shutil.copy(folder / "counter.tflite", tmp_path / "dense.tflite"))
    to = ["--board", BOARD, "-o", str(tmp_path / "out")]
    assert run(["build", first, other, *to]) == 2
    assert "models 'dense' and 'dense' of one image would have C names in common" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run(["build", first, f"small={other}", *to]) == 0
    assert [one.model.name for one in load_models(tmp_path / "out")] == ["dense", "small"]
    with pytest.raises(UsageError, match="out holds 2 models"):
        load_built(tmp_path / "out")


@pytest.mark.parametrize(
    ("names", "clash"),
    [
        (("a", "b"), False),
        (("kws", "kws_small"), False),
        (("a b", "a-b"), True),
        (("a", "a_weights"), True),
        (("a", "a_input_net"), True),
        (("a_00_conv", "a"), True),
        (("main", "main_model"), True),
    ],
)
def test_which_names_clash(names: tuple[str, ...], clash: bool) -> None:
    if clash:
        with pytest.raises(UsageError, match="NAME=FILE"):
            check_distinct(names)
    else:
        check_distinct(names)
        assert image_identifier(names) not in names


def test_a_flag_is_about_all_models_or_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_model(("x.npz", "b=y.npz"), ("a", "b")) == {"a": "x.npz", "b": "y.npz"}
    assert by_model(("c=y.npz",), ("a",)) == {"a": "c=y.npz"}
    monkeypatch.chdir(tmp_path)
    assert named_model("dir/x.h5") == ("x", Path("dir/x.h5"))
    assert named_model("a=dir/x.h5") == ("a", Path("dir/x.h5"))
    (tmp_path / "a=b.h5").touch()
    assert named_model("a=b.h5") == ("a=b", Path("a=b.h5"))


def test_the_configuration_knows_models_by_name(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mcuq.toml").write_text(
        'data = "all.npy"\ntest_data = "test.npy"\n[models.dense]\ntest_data = "two.npy"\n'
        '[models.dense.quantize]\nscheme = "w4a8"\n'
    )
    config = load_config(tmp_path)
    dense, other = config.of("dense"), config.of("other")
    assert (dense.data, dense.test_data) == (str(tmp_path / "all.npy"), str(tmp_path / "two.npy"))
    assert (other.data, other.test_data) == (str(tmp_path / "all.npy"), str(tmp_path / "test.npy"))
    assert dense.quantize is not None and dense.quantize.scheme == "w4a8" and other.quantize == config.quantize
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mcuq.toml").write_text('board = "microbit"\ndata = "own.npy"\n')
    monkeypatch.chdir(folder)
    image, own = configurations((("one", tmp_path / "a" / "x.h5"), ("other", tmp_path / "y.h5")))
    assert (image.board, own["one"].data) == ("microbit", str(tmp_path / "a" / "own.npy"))
    assert own["other"].data == str(tmp_path / "all.npy")
    (tmp_path / "mcuq.toml").write_text("[models.dense]\nboard = 'microbit'\n")
    with pytest.raises(UsageError, match=r"models\.dense\.board"):
        load_config(tmp_path)


def tuned(model: str, **placement: str) -> Tuned:
    layers = [TunedLayer(name="layer", kernel="kernel", cycles={})]
    about = {"board": BOARD, "core": "cortex-m4", "kind": "made", "optimize": "speed"}
    return Tuned(schema_version=1, model=model, placement=placement, layer=layers, **about)


def test_files_of_tune_are_for_the_models_that_they_name() -> None:
    a, b = tuned("a", arena="fast"), tuned("b", weights="fast")
    assert tuned_by_model([a], ["renamed"]) == {"renamed": a}
    assert tuned_by_model([b, a], ["a", "b"]) == {"a": a, "b": b}
    with pytest.raises(UsageError, match="for a model 'b'"):
        tuned_by_model([a, b], ["a", "c"])
    assert placement_of([a, b]) == {"arena": "fast", "weights": "fast"}
    with pytest.raises(UsageError, match="arena was tuned to lie in fast for one model, in slow for c"):
        placement_of([a, tuned("c", arena="slow")])


def test_a_build_of_the_version_before_is_read(tmp_path: Path) -> None:
    """Its manifest is that of one model."""
    (tmp_path / "dense.tflite").write_bytes(MODELS["dense"])
    build(BuildOptions((Source(tmp_path / "dense.tflite"),), board_named(BOARD), tmp_path / "out"), lambda *_: None)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (entry,) = manifest.pop("models")
    del entry["folder"]
    (tmp_path / "out" / "manifest.json").write_text(json.dumps({**manifest, **entry, "schema_version": 1}))
    built = load_built(tmp_path / "out")
    assert (built.model.name, built.number, built.files) == ("dense", 0, tmp_path / "out")


def test_models_are_tuned_in_one_image(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    models = [str(folder / "dense.tflite"), f"small={folder / 'counter.tflite'}"]
    flags = ["--board", BOARD, "--kernels", "mcuq"]
    assert run(["tune", *models, *flags, "--no-placements"]) == 0, capfd.readouterr().err
    printed = capfd.readouterr().out
    files = [f"{name}-{BOARD}.tuned.toml" for name in ("dense", "small")]
    found = [read_tuned(Path(file), board_named(BOARD)) for file in files]
    assert [tuned.model for tuned in found] == ["dense", "small"]
    assert all(f"{tuned.model}: {layer.name}" in printed for tuned in found for layer in tuned.layer)
    assert run(["build", *models, *flags, "--tuned", files[1], "--tuned", files[0], "-o", "out", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)["models"]
    chosen = [{layer["name"]: layer["kernel"] for layer in one["layers"]} for one in told]
    assert all(dict(tuned.choices).items() <= kernels.items() for tuned, kernels in zip(found, chosen, strict=True))
    assert run(["tune", *models, *flags, "-o", "x.toml"]) == 2
