"""WHILE of a known number of steps as LOOP: the counter, and what it picks and places, become slices and rows.

A counter starts at 0, is one more after each step, and ends the loop at a constant. A GATHER of the counter along the
one dimension that matters is a slice of a sequence, a DYNAMIC_UPDATE_SLICE at it makes a row of one. Nothing else may
read the counter. Other variables are carried from step to step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mcuq.ir import DType, Graph, Node, Tensor
from mcuq.ir.loop import Loop
from mcuq.ir.verify import verify

WHILE = "WHILE"
LOOP = "LOOP"
MOST_STEPS = 1 << 16


class LoopError(Exception):
    """A WHILE that is no such loop."""


@dataclass(frozen=True, slots=True)
class _Sliced:
    """A GATHER that reads the slice of ``variable`` at each step."""

    variable: int
    node: Node


@dataclass(frozen=True, slots=True)
class _Stacked:
    """What makes ``variable`` of the rows ``row``."""

    variable: int
    row: str
    nodes: tuple[Node, Node]


def subgraphs_of(node: Node) -> tuple[int, int]:
    """The numbers of the subgraphs of a WHILE: condition and body. Raises ``LoopError`` when it does not say."""
    numbers = [node.attributes.get(f"{what}_subgraph_index", 0) for what in ("cond", "body")]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise LoopError("its condition and body are not told")
    return numbers[0], numbers[1]


def as_loop(node: Node, given: Sequence[Tensor], read: frozenset[str], condition: Graph, body: Graph) -> Node:
    """The LOOP that ``node``, a WHILE of ``given`` values whose outputs are read as far as in ``read``, is.

    Raises ``LoopError`` for other loops.
    """
    if not len(given) == len(node.outputs) == len(body.inputs) == len(body.outputs) == len(condition.inputs):
        raise LoopError("its subgraphs have other variables than it has")
    if body.states or len(set(body.inputs)) != len(body.inputs):
        raise LoopError("its body has variables of its own")
    counter, steps = _counter(given, condition, body)
    sliced = [one for i in range(len(given)) if i != counter for one in _slices(i, counter, steps, body)]
    stacked = [one for i in range(len(given)) if i != counter if (one := _rows(i, counter, steps, body)) is not None]
    whole = {one.variable for one in sliced} | {one.variable for one in stacked} | {counter}
    increment = body.producer(body.outputs[counter])
    gone = {id(one) for one in (increment, *(s.node for s in sliced), *(n for s in stacked for n in s.nodes))}
    nodes = tuple(one for one in body.nodes if id(one) not in gone)
    if any(body.inputs[i] in one.inputs for i in whole for one in nodes):
        raise LoopError("it computes with the number of the step")
    carried = [i for i in range(len(given)) if i not in whole]
    for i in (counter, *(one.variable for one in sliced)):
        if node.outputs[i] in read:
            raise LoopError("what it counts or only reads is read behind it")
    inner = Graph(
        body.name,
        body.tensors,
        nodes,
        (*(body.inputs[i] for i in carried), *(one.node.outputs[0] for one in sliced)),
        (*(body.outputs[i] for i in carried), *(one.row for one in stacked)),
    )
    verify(inner)
    return Node(
        node.name,
        LOOP,
        {"loop": Loop(steps, len(carried), inner)},
        (*(node.inputs[i] for i in carried), *(node.inputs[one.variable] for one in sliced)),
        (*(node.outputs[i] for i in carried), *(node.outputs[one.variable] for one in stacked)),
    )


def _counter(given: Sequence[Tensor], condition: Graph, body: Graph) -> tuple[int, int]:
    """The number of the variable that counts, and the number of steps."""
    if len(condition.nodes) != 1 or condition.nodes[0].op != "LESS" or condition.outputs != condition.nodes[0].outputs:
        raise LoopError("how often it runs depends on more than a counter")
    left, right = condition.nodes[0].inputs
    steps = None if right is None else _integer(condition.tensors[right])
    if left not in condition.inputs or steps is None or not 0 < steps <= MOST_STEPS:
        raise LoopError(f"the number of its steps is no constant from 1 to {MOST_STEPS:,}")
    counter = condition.inputs.index(left)
    increment = body.producer(body.outputs[counter])
    counts = (
        increment is not None
        and increment.op == "ADD"
        and not increment.attributes.get("fused_activation_function", 0)
        and increment.inputs[0] == body.inputs[counter]
        and increment.inputs[1] is not None
        and _integer(body.tensors[increment.inputs[1]]) == 1
    )
    if not counts or _integer(given[counter]) != 0:
        raise LoopError("its counter does not go from 0 on by one")
    return counter, steps


def _integer(tensor: Tensor) -> int | None:
    """The value of a constant integer; None for other tensors."""
    if tensor.data is None or tensor.type.dtype not in (DType.INT32, DType.INT64) or tensor.type.elements != 1:
        return None
    return int(tensor.data.reshape(()))


def _slices(variable: int, counter: int, steps: int, body: Graph) -> list[_Sliced]:
    """The slices of a variable that nothing changes and nothing else reads; none of other variables."""
    name = body.inputs[variable]
    if body.outputs[variable] != name or body.outputs.count(name) != 1:
        return []
    found = [node for node in body.nodes if name in node.inputs]
    shape = body.tensors[name].shape
    for node in found:
        if node.op != "GATHER" or node.inputs != (name, body.inputs[counter]) or node.attributes.get("batch_dims", 0):
            return []
        axis = node.attributes.get("axis", 0)
        if not -len(shape) <= axis < len(shape) or not _is_along(axis % len(shape), shape, steps):
            return []
    return [_Sliced(variable, node) for node in found]


def _rows(variable: int, counter: int, steps: int, body: Graph) -> _Stacked | None:
    """What makes a variable of rows that nothing else reads; None of other variables."""
    name, after = body.inputs[variable], body.outputs[variable]
    update = body.producer(after)
    if update is None or update.op != "DYNAMIC_UPDATE_SLICE" or len(update.inputs) != 3 or update.inputs[0] != name:
        return None
    _, row, place = update.inputs
    pack = None if place is None else body.producer(place)
    if row is None or place is None or pack is None or pack.op != "PACK" or pack.attributes.get("axis", 0):
        return None
    readers = [node for node in body.nodes if {name, after, place} & set(node.inputs)]
    axes = [axis for axis, at in enumerate(pack.inputs) if at == body.inputs[counter]]
    fixed = [_integer(body.tensors[at]) for at in pack.inputs if at is not None and at != body.inputs[counter]]
    shape = body.tensors[name].shape
    alone = readers == [update] and body.outputs.count(after) == 1 and place not in body.outputs
    if not alone or len(axes) != 1 or any(fixed) or None in fixed or len(pack.inputs) != len(shape):
        return None
    wanted = (*shape[: axes[0]], 1, *shape[axes[0] + 1 :])
    if not _is_along(axes[0], shape, steps) or body.tensors[row].shape != wanted:
        return None
    return _Stacked(variable, row, (pack, update))


def _is_along(axis: int, shape: tuple[int, ...], steps: int) -> bool:
    """Do ``steps`` slices along ``axis`` lie one after the other, and are they all there is?"""
    return math.prod(shape[:axis]) == 1 and shape[axis] == steps
