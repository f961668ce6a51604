"""Cycles of counted instructions on each core, memory without wait states. The rules and sources are in the modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from mcuq.estimate.disassembly import Program
from mcuq.estimate.dual_issue import dual_issue
from mcuq.estimate.in_order import TIMINGS, in_order
from mcuq.estimate.vector import vector

_MODELS: Mapping[str, Callable[[Program, Mapping[int, int]], int]] = {
    **{name: partial(in_order, timing) for name, timing in TIMINGS.items()},
    "cortex-m7": dual_issue,
    "cortex-m55": vector,
    "cortex-m85": vector,
}
CORES = tuple(_MODELS)
"""The cores that have timings."""


def cycles(core: str, program: Program, counts: Mapping[int, int]) -> int:
    """Estimated core cycles for the instructions that ran as often as ``counts`` says, by address.

    Raises ``KeyError`` for a core without timings.
    """
    return _MODELS[core](program, counts)
