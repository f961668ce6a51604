"""Variables of a TFLite file: what VAR_HANDLE names and a CALL_ONCE's subgraph gives its first value, as states.

A variable that the model never assigns is a constant. Nothing else of control flow is read here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from mcuq.ir import DType, Node, Tensor, TensorType

HANDLE = "VAR_HANDLE"
READ = "READ_VARIABLE"
ASSIGN = "ASSIGN_VARIABLE"
ONCE = "CALL_ONCE"
UNREAD = TensorType((), DType.INT32)
"""The type of a handle's tensor: it stands for no values."""

Variable = tuple[str, str]
"""What tells variables apart: container and name."""


class VariableError(Exception):
    """Variables are used in a way that mcuq does not read."""


def handles(nodes: Sequence[Node]) -> Mapping[str, Variable]:
    """The variable that each handle's tensor stands for, by the tensor's name. ``nodes`` have raw options."""
    return {name: _variable(node) for node in nodes if node.op == HANDLE for name in node.outputs}


def _variable(node: Node) -> Variable:
    container, name = (node.attributes.get(key) or b"" for key in ("container", "shared_name"))
    return container.decode("utf-8", "replace"), name.decode("utf-8", "replace")


def initial_values(nodes: Sequence[Node], tensors: Mapping[str, Tensor]) -> Mapping[Variable, Tensor]:
    """The constant that the subgraph of a CALL_ONCE assigns to each variable."""
    found: dict[Variable, Tensor] = {}
    variables = handles(nodes)
    for node in nodes:
        if node.op == HANDLE:
            continue
        handle, value = (*node.inputs, None, None)[:2]
        if node.op != ASSIGN or not handle or handle not in variables or not value or not tensors[value].constant:
            raise VariableError(f"{node.op} in a subgraph that runs once; only constants are assigned there")
        found[variables[handle]] = tensors[value]
    return found


def with_states(
    nodes: Sequence[Node], tensors: Sequence[Tensor], initial: Mapping[Variable, Tensor]
) -> tuple[tuple[Node, ...], tuple[Tensor, ...]]:
    """``nodes`` and ``tensors`` with a state for each variable, in the place of its first handle.

    READ_VARIABLE then reads the state, ASSIGN_VARIABLE has it as its output, and nothing calls or names variables.
    """
    variables = handles(nodes)
    assigned = {variables.get(node.inputs[0] or "") for node in nodes if node.op == ASSIGN and node.inputs}
    holder: dict[Variable, str] = {}
    for name, variable in variables.items():
        holder.setdefault(variable, name)
    states = {name: _state(name, variable, initial, variable in assigned) for variable, name in holder.items()}
    rewritten = tuple(_rewritten(nodes, variables, holder))
    return rewritten, tuple(states.get(tensor.name, tensor) for tensor in tensors)


def _state(name: str, variable: Variable, initial: Mapping[Variable, Tensor], assigned: bool) -> Tensor:
    if variable not in initial:
        raise VariableError(f"variable {variable[1]!r} has no first value (a CALL_ONCE that assigns a constant)")
    value = initial[variable]
    constant = Tensor(name, value.type, value.data)
    return dataclasses.replace(constant, data=None, initial=value.data) if assigned else constant


def _rewritten(
    nodes: Sequence[Node], variables: Mapping[str, Variable], holder: Mapping[Variable, str]
) -> Iterator[Node]:
    for node in nodes:
        if node.op in (HANDLE, ONCE):
            continue
        if node.op not in (READ, ASSIGN):
            if any(name in variables for name in node.inputs):
                raise VariableError(f"{node.op} takes a variable; only {READ} and {ASSIGN} do")
            yield node
            continue
        handle, *rest = node.inputs
        if not handle or handle not in variables:
            raise VariableError(f"{node.op} of a variable that no {HANDLE} names")
        state = holder[variables[handle]]
        if node.op == READ:
            yield Node(node.name, node.op, {}, (state,), node.outputs)
        else:
            yield Node(node.name, node.op, {}, tuple(rest), (state,))
