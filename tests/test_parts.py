"""Along the outermost axis SPLIT and UNPACK copy nothing, for their outputs are parts of the input; nor do PACK and
CONCATENATION, whose inputs are parts of the output. All stay whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mcuq.core import core_named
from mcuq.ir import Node
from mcuq.kernels.base import Target
from mcuq.passes import run_passes
from mcuq.planner.arena import Plan, plan
from mcuq.planner.choose import survey
from mcuq.planner.joined import least_plan
from mcuq.planner.lower import KernelPolicy, lower
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


def joined(net: MovesBuilder, op: str, inputs: list[str], shape: tuple[int, ...], axis: int) -> str:
    """PACK or CONCATENATION of ``inputs`` along ``axis``, into ``shape``."""
    type_ = net.type(inputs[0])
    output = net.activation(shape, type_.zero_point, type_.scale)
    options = {"axis": axis, "values_count": len(inputs)} if op == "PACK" else {"axis": axis}
    net.nodes.append(Node(output, op, options, tuple(inputs), (output,)))
    return output


def branches(net: MovesBuilder, shape: tuple[int, ...], count: int) -> tuple[str, list[str]]:
    """An input, and layers that compute from it, or from one another, all quantized alike."""
    x = net.activation(shape, 3)
    found = [net.same(x, "TANH", 0, 1 / 128)]
    while len(found) < count:
        found.append(net.same(net.add(found[-1], x, zero=0), "TANH", 0, 1 / 128))
    return x, found


def packed_branches() -> WatchedCase:
    """A part that is read before and after it is joined; the whole is overwritten in place."""
    net = MovesBuilder(6)
    x, (first, second, third) = branches(net, (2, 24), 3)
    whole = net.same(joined(net, "PACK", [first, second, third], (3, 2, 24), 0), "TANH", 0, 1 / 128)
    return case("PACK", net, x, f"{whole} {net.add(third, first, zero=0)}")


def one_row_of_features() -> WatchedCase:
    """Leading dimensions of one: the last axis is the outermost. The last part need not be a multiple of 8 bytes."""
    net = MovesBuilder(7)
    x, (first, second) = branches(net, (1, 32), 2)
    y, (third,) = branches(net, (1, 5), 1)
    return case("row", net, f"{x} {y}", net.ends(joined(net, "CONCATENATION", [second, first, third], (1, 69), -1)))


def joins_in_joins() -> WatchedCase:
    """A part in another shape, joins of joins, and parts of what is joined."""
    net = MovesBuilder(8)
    x, (first, second, third) = branches(net, (4, 8), 3)
    inner = joined(net, "CONCATENATION", [first, second], (8, 8), 0)
    outer = joined(net, "CONCATENATION", [net.reshape(third, 2, 16), net.reshape(inner, 4, 16)], (6, 16), 0)
    found = parts(net, "SPLIT", outer, 0, 3)
    return case("joins", net, x, f"{net.add(found[2], found[0], zero=0)} {inner}")


def joined_inputs() -> WatchedCase:
    """The host writes straight into the whole."""
    net = MovesBuilder(9)
    x, y = net.activation((2, 8), 3), net.activation((1, 8), 3)
    return case("inputs", net, f"{x} {y}", net.ends(joined(net, "CONCATENATION", [y, x], (3, 8), 0)))


def joined_twice() -> WatchedCase:
    """What lies in one whole is copied to the other."""
    net = MovesBuilder(10)
    x, (first, second, third) = branches(net, (1, 16), 3)
    one = joined(net, "CONCATENATION", [first, second], (2, 16), 0)
    return case("twice", net, x, f"{one} {joined(net, 'CONCATENATION', [second, third], (2, 16), 0)}")


JOINED = (
    (packed_branches, ["alias"]),
    (one_row_of_features, ["alias"]),
    (joins_in_joins, ["alias", "alias"]),
    (joined_inputs, ["alias"]),
    (joined_twice, ["alias", "mcuq_copy"]),
)


@pytest.mark.parametrize(("made", "wanted"), JOINED)
def test_what_is_joined_lies_in_the_whole(made: Callable[[], WatchedCase], wanted: list[str]) -> None:
    found = made().plan
    steps = [step for step in found.program.steps if step.layer.op in ("PACK", "CONCATENATION")]
    assert [step.kernel for step in steps] == wanted
    for step in steps[: wanted.count("alias")]:
        at = found.offset(step.layer.output.name)
        for tensor in (t for t in step.layer.inputs if t is not None):
            assert found.offset(tensor.name) == at
            at += tensor.type.bytes


def test_one_input_twice_and_parts_that_are_not_aligned_are_copied() -> None:
    for shape, twice in (((1, 16), True), ((1, 12), False)):
        net = MovesBuilder(5)
        x, (first, second) = branches(net, shape, 2)
        whole = joined(net, "CONCATENATION", [first, first if twice else second], (2, shape[1]), 0)
        assert kernels(case("copied", net, x, net.ends(whole)).plan)["CONCATENATION"] == "mcuq_copy"


def test_a_join_that_would_make_the_arena_larger_is_copied() -> None:
    """Its first part is made, and read, before the images that the rest of it is made of."""
    net = MovesBuilder(11)
    x, image = net.activation((1, 64), 3), net.activation((8, 64), 3)
    early = net.same(x, "TANH", 0, 1 / 128)
    late = net.same(net.add(net.add(image, early, zero=0), image, zero=0), "TANH", 0, 1 / 128)
    whole = joined(net, "CONCATENATION", [early, late], (9, 64), 0)
    graph = run_passes(net.graph(f"{x} {image}", net.ends(whole)))
    always, best = plan(lower(graph, TARGET)), least_plan(graph, TARGET, KernelPolicy.AUTO, {})
    assert (kernels(always)["CONCATENATION"], kernels(best)["CONCATENATION"]) == ("alias", "mcuq_copy")
    assert best.arena_bytes < always.arena_bytes


def test_a_build_copies_no_parts() -> None:
    """Kernels are chosen for layers that run: not for one whose outputs are there."""
    graph = sum_of_parts("SPLIT", (4, 24)).plan.program.graph
    assert "SPLIT" not in {one.layer.op for one in survey(graph, TARGET, KernelPolicy.AUTO)}


RANDOM_NETS = range(100, 105)


def random_net(seed: int) -> WatchedCase:
    """Rows of 16 bytes, in any number, which layers change, add, split, reshape and join at random."""
    chance, net = random.Random(seed), MovesBuilder(seed)
    x = net.activation((chance.choice((2, 4)), 16), 3)
    pool = [net.same(x, "TANH", 0, 1 / 128)]
    for _ in range(chance.randrange(6, 14)):
        one = chance.choice(pool)
        rows = net.type(one).shape[0]
        kind = chance.choice((0, 1, 1, 2, 3, 4, 4))
        if kind == 0:
            pool.append(net.same(one, "TANH", 0, 1 / 128))
        elif kind == 1:
            other = chance.choice([t for t in pool if net.type(t).shape == net.type(one).shape])
            pool.append(net.same(net.add(one, other, zero=0), "TANH", 0, 1 / 128))
        elif kind == 2 and rows % 2 == 0:
            pool += parts(net, "SPLIT", one, 0, 2)
        elif kind == 3:
            pool.append(net.reshape(net.reshape(one, 16, rows), rows, 16))
        else:
            chosen = chance.sample(pool[-5:], min(len(pool[-5:]), chance.randrange(2, 4)))
            total = sum(net.type(t).shape[0] for t in chosen)
            if total <= 24 and len(chosen) > 1:
                pool.append(joined(net, "CONCATENATION", chosen, (total, 16), 0))
    ends = [net.same(t, "TANH", 0, 1 / 128) for t in chance.sample(pool, min(len(pool), 2))]
    return case(f"random {seed}", net, x, " ".join([*ends, pool[-1]]))


def test_nets_with_parts_are_exact_and_overwrite_nothing(tmp_path: Path) -> None:
    cases = [sum_of_parts(op, size, count) for op, size, count in CASES] + [made() for made, _ in JOINED]
    cases += [random_net(seed) for seed in RANDOM_NETS]
    program = build_watched_program(cases, tmp_path)
    with HostRunner(program).start() as running, running.open_link() as link:
        assert differences(link, cases) == []
