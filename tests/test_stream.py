"""Nets that run row by row compute the same bytes, and no layer overwrites what is still needed: each is watched."""

from __future__ import annotations

import dataclasses
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mcuq.board import board_named
from mcuq.cmsis_nn import find_cmsis_nn
from mcuq.codegen.model import generate
from mcuq.core import Core, core_named
from mcuq.image import KERNELS
from mcuq.ir import Graph
from mcuq.kernels.base import Target
from mcuq.link import Link, Request
from mcuq.planner.arena import Placement, Plan, plan
from mcuq.planner.lower import KernelPolicy, lower
from mcuq.planner.stream import ROWS, Streamer, stream
from mcuq.runners.host import HostRunner
from mcuq.runners.qemu import QemuRunner
from tests.firmware.building import SANITIZERS, STRICT
from tests.harness.canary import CAUGHT, WatchedCase, build_watched_image, build_watched_program
from tests.harness.row_nets import NETS, mobile, residual, rounds


def target_of(core: Core) -> Target:
    found = find_cmsis_nn()
    return Target(core, found.functions if found else frozenset())


def watched(core: Core, policy: KernelPolicy, every: int | None = None) -> list[WatchedCase]:
    """Every net as it is, with the stage found best, and with every n-th other stage, of some numbers of rows."""
    cases = []
    for make in NETS:
        graph = make()
        program = lower(graph, target_of(core), policy)
        plans = {"whole": plan(program)}
        best = stream(plans["whole"], policy) or stream(plans["whole"], policy, ram_bytes=0)
        assert best is not None, f"no stage makes {graph.name} smaller"
        plans["best"] = best.plan
        streamer = Streamer(program, policy)
        for number, shape in enumerate(streamer.shapes()):
            if every is None or number % every:
                continue
            last_rows, most = ROWS[(number // every + len(graph.nodes)) % len(ROWS)]
            streamed, _ = streamer.streamed(streamer.scheduled(shape, last_rows, most))
            plans[f"steps {shape.first} to {shape.last} by {last_rows} and {most} rows"] = plan(streamed)
        data = rounds(graph, 2)
        cases += [WatchedCase(f"{graph.name}: {what}", found, data) for what, found in plans.items()]
    return cases


def ask(link: Link, message: bytes, answer_bytes: int, payload: int) -> tuple[int, bytes]:
    link._write_input(0, message, payload)
    status, _ = link._unpack("<iQ", link._ask(Request.RUN))
    return status, link._read_output(0, answer_bytes, payload)


def differences(link: Link, cases: Sequence[WatchedCase]) -> list[str]:
    payload = link.identify().payload_bytes
    wrong = []
    for number, case in enumerate(cases):
        for given, want in case.rounds:
            status, answer = ask(link, struct.pack("<I", number) + given, len(want), payload)
            bad = int((np.frombuffer(answer, np.uint8) != np.frombuffer(want, np.uint8)).sum())
            if bad or status:
                wrong.append(f"{case.id}: status {status}, {bad} of {len(want)} bytes, with {case.kernel}")
    return wrong


@pytest.mark.parametrize(
    ("core", "policy"),
    [("cortex-m0", "mcuq"), ("cortex-m4", "mcuq"), ("cortex-m4", "cmsis-nn"), ("cortex-m55", "mcuq")],
)
def test_streamed_nets_are_exact_and_overwrite_nothing_on_the_host(core: str, policy: str, tmp_path: Path) -> None:
    cases = watched(core_named(core), KernelPolicy(policy), every=3)
    program = build_watched_program(cases, tmp_path)
    with HostRunner(program).start() as running, running.open_link() as link:
        assert differences(link, cases) == []


@pytest.mark.parametrize("board", ["mps2-an385", "mps2-an386", "mps3-an547"])
def test_streamed_nets_are_exact_and_overwrite_nothing_in_qemu(board: str, tmp_path: Path) -> None:
    """The first board runs code for Cortex-M0: QEMU's own has too little memory for it."""
    machine = board_named(board)
    if board == "mps2-an385":
        machine = machine.model_copy(update={"core": "cortex-m0"})
    cases = watched(machine.core_with_fpu, KernelPolicy.MCUQ)
    image = build_watched_image(cases, machine, tmp_path)
    with QemuRunner(machine, image, count=False).start() as running, running.open_link() as link:
        assert differences(link, cases) == []


def writes(found: Plan, step: int, tensor: str) -> bool:
    return found.program.steps[step].layer.output.name == tensor


def corrupted(found: Plan) -> list[tuple[str, Plan]]:
    """``found`` with each buffer in turn moved over another that is alive when the first comes alive, and not written
    by the same step."""
    made = []
    for moved in found.placements:
        over = next(
            (
                p for p in found.placements
                if p is not moved and p.buffer.tensors and p.buffer.overlaps(moved.buffer)
                and p.buffer.first < moved.buffer.first < p.buffer.last
                and not (moved.buffer.tensors == () and writes(found, moved.buffer.first, p.buffer.name))
            ),
            None,
        )  # fmt: skip
        if over is not None:
            places = tuple(Placement(p.buffer, over.offset) if p is moved else p for p in found.placements)
            most = max(place.end for place in places)
            changed = dataclasses.replace(
                found, placements=places, arena_bytes=max(found.arena_bytes, -(-most // 8) * 8)
            )
            made.append((f"{moved.buffer.name} over {over.buffer.name}", changed))
    return made


def test_a_plan_that_overwrites_what_is_alive_is_caught(tmp_path: Path) -> None:
    """In ordinary plans and in streamed ones, whichever buffer lies where it must not."""
    cases: list[WatchedCase] = []
    for make in (mobile, residual):
        graph: Graph = make()
        whole = plan(lower(graph, target_of(core_named("cortex-m4")), KernelPolicy.MCUQ))
        best = stream(whole, KernelPolicy.MCUQ)
        assert best is not None
        for planned in (whole,) if make is mobile else (best.plan,):
            cases += [WatchedCase(what, made, rounds(graph, 1)) for what, made in corrupted(planned)[::2]]
    assert len(cases) >= 4
    built = build_watched_program(cases, tmp_path)
    with HostRunner(built).start() as running, running.open_link() as link:
        payload = link.identify().payload_bytes
        for number, case in enumerate(cases):
            ((given, want),) = case.rounds
            status, _ = ask(link, struct.pack("<I", number) + given, len(want), payload)
            assert status >= CAUGHT, case.id


_APPLICATION = """#include "net.h"
#include <stdio.h>
#include <string.h>
static uint8_t input[NET_INPUT_ELEMENTS];
#ifdef NET_OWN_READ_INPUT
static uint32_t taken;
void net_read_input(void *to, uint32_t bytes)
{
    memcpy(to, &input[taken], bytes);
    taken += bytes;
}
#endif
int main(void)
{
    static int8_t output[NET_OUTPUT_ELEMENTS];
    if (fread(input, 1U, sizeof input, stdin) != sizeof input) {
        return 1;
    }
#ifdef NET_OWN_READ_INPUT
    const int32_t status = net_invoke();
    memcpy(output, net_output(), sizeof output);
#else
    const int32_t status = net_run((const int8_t *)input, output);
#endif
    return status == 0 && fwrite(output, 1U, sizeof output, stdout) == sizeof output ? 0 : 2;
}
"""


@pytest.mark.parametrize("flags", [(), ("-DNET_OWN_READ_INPUT",)], ids=["whole", "own"])
def test_an_application_gives_a_whole_input_or_reads_it_itself(flags: tuple[str, ...], tmp_path: Path) -> None:
    graph = mobile()
    whole = plan(lower(graph, Target(core_named("cortex-m0")), KernelPolicy.MCUQ))
    best = stream(whole, KernelPolicy.MCUQ, ram_bytes=0)
    assert best is not None and best.plan.program.fed_input is not None
    for name, text in generate(best.plan, "net", "a net").items():
        (tmp_path / name).write_text(text)
    (tmp_path / "application.c").write_text(_APPLICATION)
    sources = sorted({source for step in best.plan.program.steps for source in step.lowering.sources})
    files = ["application.c", "net.c", "net_weights.c", *(str(KERNELS / source) for source in sources)]
    gcc = ["gcc", "-O1", *STRICT, *SANITIZERS, *flags, f"-I{KERNELS}", *files, "-o", "application"]
    subprocess.run(gcc, cwd=tmp_path, check=True, timeout=120)
    for given, want in rounds(graph, 2):
        done = subprocess.run([tmp_path / "application"], input=given, capture_output=True, check=True, timeout=60)
        assert done.stdout == want and done.stderr == b""


def test_streaming_halves_what_the_first_layers_need() -> None:
    whole = plan(lower(mobile(), target_of(core_named("cortex-m4")), KernelPolicy.MCUQ))
    best = stream(whole, KernelPolicy.MCUQ)
    assert best is not None
    assert best.plan.arena_bytes < whole.arena_bytes
    roomy = stream(whole, KernelPolicy.MCUQ, ram_bytes=whole.arena_bytes - 8)
    assert roomy is not None
    assert best.plan.arena_bytes <= roomy.plan.arena_bytes < whole.arena_bytes
    assert roomy.extra_cycles <= best.extra_cycles
