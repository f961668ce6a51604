"""SPLIT and UNPACK along the outermost axis copy nothing: their outputs are parts of the input, and stay whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcuq.core import core_named
from mcuq.kernels.base import Target
from mcuq.passes import run_passes
from mcuq.planner.arena import Plan, plan
from mcuq.planner.lower import lower
from mcuq.runners.host import HostRunner
from tests.harness.canary import WatchedCase, build_watched_program
from tests.harness.ladder import litert_outputs, random_input
from tests.test_passes_on_moves import MovesBuilder
from tests.test_stream import differences

TARGET = Target(core_named("cortex-m4"))


def parts(net: MovesBuilder, op: str, x: str, axis: int, count: int) -> list[str]:
    """The outputs of SPLIT or UNPACK along ``axis``, in parts of equal size."""
    before, (size, *after) = net.type(x).shape[:axis], net.type(x).shape[axis:]
    if op == "SPLIT":
        shape = (*before, size // count, *after)
        first = net.move("SPLIT", x, shape, axis, first=True, num_splits=count)
    else:
        shape = (*before, *after)
        first = net.move("UNPACK", x, shape, axis=axis, num=count)
    type_ = net.type(x)
    names = [first, *(net.activation(shape, type_.zero_point, type_.scale) for _ in range(count - 1))]
    node = net.nodes.pop()
    net.nodes.append(type(node)(node.name, node.op, node.attributes, node.inputs, tuple(names)))
    return names


def case(name: str, net: MovesBuilder, inputs: str, outputs: str) -> WatchedCase:
    """The plan after all passes, and two rounds of LiteRT's bytes."""
    graph = run_passes(net.graph(inputs, outputs))
    model, rng = net.tflite(inputs, outputs), np.random.default_rng(4)
    rounds = []
    for _ in range(2):
        given = [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors]
        wanted = litert_outputs(model, given)
        rounds.append((b"".join(a.tobytes() for a in given), b"".join(a.tobytes() for a in wanted)))
    return WatchedCase(name, plan(lower(graph, TARGET)), tuple(rounds))


def sum_of_parts(op: str, size: tuple[int, ...], count: int = 2) -> WatchedCase:
    """Parts are read one by one and in other orders than they lie; the last addition could run in place of one."""
    net = MovesBuilder(5)
    x = net.activation(size, 3)
    found = parts(net, op, net.ends(x), 0, count)
    y = net.add(found[-1], net.same(found[0], "TANH", 0, 1 / 128), zero=0)
    z = net.add(found[1], found[0], zero=0)
    return case(f"{op} of {size}", net, x, f"{net.add(y, z, zero=0)} {found[0]}")


def kernels(found: Plan) -> dict[str, str]:
    return {step.layer.op: step.kernel for step in found.program.steps}


CASES = (
    ("SPLIT", (4, 24), 2),
    ("UNPACK", (3, 2, 16), 3),
    ("SPLIT", (4, 3), 2),
    ("UNPACK", (2, 8), 2),
)


@pytest.mark.parametrize(("op", "size", "count"), [c for c in CASES if c[1] != (4, 3)])
def test_parts_lie_in_what_they_are_parts_of(op: str, size: tuple[int, ...], count: int) -> None:
    found = sum_of_parts(op, size, count).plan
    assert kernels(found)[op] == "alias"
    step = next(step for step in found.program.steps if step.layer.op == op)
    whole = found.offset(next(t.name for t in step.layer.inputs if t is not None and t.in_arena))
    part_bytes = step.layer.output.type.bytes
    assert [found.offset(t.name) - whole for t in step.layer.outputs] == [i * part_bytes for i in range(count)]


def test_parts_that_are_not_aligned_are_copied() -> None:
    assert kernels(sum_of_parts("SPLIT", (4, 3)).plan)["SPLIT"] == "mcuq_copy"


def test_parts_along_an_inner_axis_are_copied() -> None:
    net = MovesBuilder(5)
    x = net.activation((4, 16), 3)
    outputs = " ".join(net.ends(part) for part in parts(net, "SPLIT", x, 1, 2))
    assert kernels(case("inner", net, x, outputs).plan)["SPLIT"] == "mcuq_copy"


def test_nets_with_parts_are_exact_and_overwrite_nothing(tmp_path: Path) -> None:
    cases = [sum_of_parts(op, size, count) for op, size, count in CASES]
    program = build_watched_program(cases, tmp_path)
    with HostRunner(program).start() as running, running.open_link() as link:
        assert differences(link, cases) == []
