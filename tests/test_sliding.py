"""Step functions: every step gives the bytes that LiteRT gives for the whole window that ends with it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from mcuq.board import board_named
from mcuq.build import BuildOptions, Source, build
from mcuq.built import Built, load_built
from mcuq.codegen.image import FIRMWARE_VIEW
from mcuq.codegen.model import generate
from mcuq.core import core_named
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.image import KERNELS, kernel_units
from mcuq.kernels.base import Target
from mcuq.litert import LiteRT
from mcuq.model import compiled
from mcuq.ops import operators
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from mcuq.simulate import SimulationOptions, simulate
from mcuq.sliding import NotSlidingError, SlidingModel
from mcuq.sliding.feed import silence
from mcuq.toolchain import Unit
from mcuq.verify import VerifyOptions, verify
from tests.harness.ladder import random_input
from tests.harness.net_builder import SAME
from tests.harness.suite import HOST, SANITIZE
from tests.harness.tflite_writer import write_case
from tests.harness.time_nets import NETS, TimeCase, TimeNet, two_inputs

WINDOWS = 3
"""So many windows' worth of steps: rings go round."""


def sliding(case: TimeCase) -> SlidingModel:
    _, made = compiled(bind(read_tflite(case.tflite, case.name)), stream=True)
    assert made is not None
    return made


class Stream:
    """Random input without end for a case: what each step takes, and the window that ends with it."""

    def __init__(self, case: TimeCase, made: SlidingModel) -> None:
        rng = np.random.default_rng(9)
        self.made, self.count = made, WINDOWS * made.graph.steps
        self.timed = [made.axes.get(name) == case.time_axis for name in made.graph.inputs]
        self.tensors = made.window.input_tensors
        length = self.count * made.frames
        self.inputs = []
        for tensor, timed in zip(self.tensors, self.timed, strict=True):
            shape = list(tensor.shape)
            if timed:
                shape[case.time_axis] = length
            fresh = random_input(tuple(shape), tensor.type.dtype, rng)
            self.inputs.append(np.concatenate((silence(tensor.type), fresh), case.time_axis) if timed else fresh)
        self.axis = case.time_axis

    def steps(self) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
        frames, window = self.made.frames, self.made.window_frames
        for end in range(window + frames, window + self.count * frames + 1, frames):
            yield tuple(
                [
                    np.take(values, range(end - size, end), self.axis) if timed else values
                    for values, timed in zip(self.inputs, self.timed, strict=True)
                ]
                for size in (frames, window)
            )  # type: ignore[misc]


def litert(case: TimeCase, stream: Stream) -> list[bytes]:
    """What LiteRT gives for each window, as far as the step gives it, too."""
    model, made = LiteRT(case.tflite, exact=True, all_tensors=False), stream.made
    answers = []
    for _, window in stream.steps():
        outputs = zip(made.graph.outputs, model.run(window), strict=True)
        answers.append(b"".join(made.newest(name, values).tobytes() for name, values in outputs))
    return answers


MAIN = """
#include <stdio.h>
#include "mcuq_model.h"
{includes}
void mcuq_profile_layer(uint32_t index) {{ (void)index; }}
static int32_t got(void *to, size_t bytes) {{ return fread(to, 1U, bytes, stdin) == bytes ? 0 : 1; }}
int main(void)
{{
    int32_t bad = 0;
{body}
    return bad == 0 ? 0 : 1;
}}
"""


def program(cases: Sequence[tuple[TimeCase, SlidingModel]], folder: Path) -> Path:
    """Takes the inputs of all steps of all cases from its standard input, and writes the outputs."""
    (folder / "src").mkdir()
    units: dict[str, Unit] = {}
    includes, body = [], []
    for number, (case, made) in enumerate(cases):
        name, graph = f"net_{number}", made.graph
        planned = plan(lower(graph, Target(core_named("cortex-m4")), KernelPolicy.MCUQ))
        for file, text in generate(planned, name, case.name).items():
            if file != FIRMWARE_VIEW:
                (folder / "src" / file).write_text(text)
                if file.endswith(".c"):
                    units[file] = Unit(Path("src") / file, f"obj/{file}.o")
        lowerings = [(step.library, step.lowering) for step in planned.program.steps]
        units.update({unit.object: unit for unit in kernel_units(lowerings, None, "obj/kernels")})
        includes.append(f'#include "{name}.h"')
        body += [f"    {name}_reset();", f"    for (int i = 0; i < {WINDOWS * graph.steps} && bad == 0; i++) {{"]
        for role, tensors, form in (
            ("input", graph.input_tensors, "bad |= got({name}_{port}(), {bytes}U);"),
            ("output", graph.output_tensors, "(void)fwrite({name}_{port}(), 1U, {bytes}U, stdout);"),
        ):
            for index, tensor in enumerate(tensors):
                port = role if len(tensors) == 1 else f"{role}_{index}"
                body.append(" " * 8 + form.format(name=name, port=port, bytes=tensor.type.bytes))
            body += [f"        bad |= {name}_invoke();"] if role == "input" else []
        body.append("    }")
    (folder / "src" / "main.c").write_text(MAIN.format(includes="\n".join(includes), body="\n".join(body)))
    units["main"] = Unit(Path("src/main.c"), "obj/main.o", own=False)
    HOST.compile(list(units.values()), folder, (KERNELS, KERNELS.parent, Path("src")))
    HOST.link([unit.object for unit in units.values()], "steps", folder, SANITIZE)
    return folder / "steps"


def test_every_step_gives_the_bytes_of_the_window_that_ends_with_it(tmp_path: Path) -> None:
    cases = [(case, sliding(case)) for case in (make() for make in NETS)]
    streams = [Stream(case, made) for case, made in cases]
    given = b"".join(values.tobytes() for stream in streams for step, _ in stream.steps() for values in step)
    done = subprocess.run([program(cases, tmp_path)], input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    at = 0
    for (case, _), stream in zip(cases, streams, strict=True):
        for number, want in enumerate(litert(case, stream)):
            assert done.stdout[at : at + len(want)] == want, f"{case.name}: step {number + 1}"
            at += len(want)
    assert at == len(done.stdout)


@pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)
def test_a_step_computes_what_is_new(make: type) -> None:
    case: TimeCase = make()
    made = sliding(case)
    ops = {node.name: node.op for node in made.window.nodes}
    assert (made.axis, made.frames) == (case.time_axis, case.step)
    assert tuple(ops[name] for name in made.whole) == case.whole
    assert made.products < made.window_products / 2


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The step of a net with inputs of either kind, for a Cortex-M4 in QEMU."""
    folder = tmp_path_factory.mktemp("sliding")
    (folder / "net.tflite").write_bytes(two_inputs().tflite)
    sources = (Source(folder / "net.tflite", stream=True),)
    options = BuildOptions(sources, board_named("mps2-an386"), folder / "built")
    build(options, lambda *_: None)
    return load_built(folder / "built")


def test_a_build_takes_windows_step_by_step_and_counts_the_last(built: Built) -> None:
    report = simulate(built, None, SimulationOptions(limit=2), lambda *_: None)
    assert report.mismatched_bytes == 0 and report.compared_bytes == 2 * 7
    step = report.step
    assert step is not None and (step.frames, step.window_frames) == (1, 14)
    layers, whole = sum(layer.instructions or 0 for layer in report.layers), report.instructions_per_inference.value
    assert whole is not None and 0 < layers <= whole < 2 * layers


def test_every_layer_of_the_last_step_is_litert_s_of_the_window(built: Built) -> None:
    found = verify(built, None, VerifyOptions(limit=1), lambda *_: None)
    assert [place.difference for place in found.places] == [None, None]
    held = {layer.name: layer.held_to for layer in found.layers}
    assert {held[layer.name] for layer in found.layers if layer.op != "RING"} == {"LiteRT"}


def test_padding_behind_the_window_is_refused_with_the_layer_s_name() -> None:
    net = TimeNet(1)
    inputs = net.activation((1, 12, 1, 4))
    outputs = net.dense(net.flatten(net.over_time(inputs, (3, 1), filters=4, padding=SAME)), 3)
    with pytest.raises(NotSlidingError, match=r"n0: it pads 1 frames behind the window's end \(padding SAME\)"):
        compiled(net.graph(inputs, outputs), stream=True)


def test_causal_padding_that_is_used_is_refused() -> None:
    """A shifted window has zeros where the stream has had frames."""
    net = TimeNet(1)
    inputs = net.activation((1, 12, 1, 4))
    outputs = net.dense(net.flatten(net.over_time(net.pad_before(inputs, 2), (3, 1), filters=4)), 3)
    with pytest.raises(NotSlidingError, match="it has to compute the whole window at each step"):
        compiled(net.graph(inputs, outputs), stream=True)


def test_a_model_that_remembers_is_refused() -> None:
    graph = bind(read_tflite(write_case("SVDF", operators()["SVDF"].cases[0]), "svdf"))
    with pytest.raises(NotSlidingError, match=r"\(SVDF\) keeps a state"):
        compiled(graph, stream=True)
