"""Plans with inputs that lie in the output which joins them (PACK, CONCATENATION), and with others copied there.

A join that copies nothing keeps its whole output alive from its first input on: where that makes the arena larger, it
is better copied.
"""

from __future__ import annotations

from collections.abc import Mapping

from mcuq.ir import Graph
from mcuq.kernels.base import Target
from mcuq.kernels.mcuq_copy import COPY
from mcuq.planner.arena import Plan, plan
from mcuq.planner.lower import KernelPolicy, lower


def least_plan(graph: Graph, target: Target, policy: KernelPolicy, choices: Mapping[str, str]) -> Plan:
    """The plan for the kernels chosen, with each join copied that makes the arena smaller so."""
    best = plan(lower(graph, target, policy, choices))
    for step in best.program.steps:
        if any(part.outer == step.layer.output.name for part in step.lowering.parts):
            copied = {**choices, step.layer.name: COPY}
            other = plan(lower(graph, target, policy, copied))
            if other.arena_bytes < best.arena_bytes:
                best, choices = other, copied
    return best
