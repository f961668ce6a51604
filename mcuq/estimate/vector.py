"""Cycles on Cortex-M55 and M85, whose vector instructions take two beats and overlap. Memory without wait states.

Sources: the Cortex-M55 Technical Reference Manual (101051) and Arm's introduction to Helium: a vector instruction takes
two cycles (four beats, two at a time), and the second half of one overlaps the first half of the next when they use
different units (memory, multiplier, other). Arm publishes no table of cycles. Scalar instructions are taken as one a
cycle, the end of a low-overhead loop too; that an M85 issues two at once is not modelled, so its figures are too high.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcuq.estimate.disassembly import Instruction, Program
from mcuq.estimate.in_order import CoreTiming, ran, simple_cycles

_TIMING = CoreTiming(taken=1, load=1, store=1, pipelined_load=1, call=2, indirect=2, return_pop=1)


def vector(program: Program, counts: Mapping[int, int]) -> int:
    """Cycles: vector instructions of different kinds overlap, those of one kind take their two cycles each."""
    total, kind_before = 0, ""
    all_ran = ran(program, counts)
    for index, (instruction, count) in enumerate(all_ran):
        follows = all_ran[index + 1][1] if index + 1 < len(all_ran) else 0
        kind = _kind(instruction)
        if kind:
            total += count * (2 if kind == kind_before else 1)
        elif instruction.mnemonic in ("le", "letp"):
            total += count
        else:
            total += simple_cycles(_TIMING, instruction, None, count, follows)
        kind_before = kind
    return total


def _kind(instruction: Instruction) -> str:
    if not re.search(r"\bq\d", instruction.operands):
        return ""
    if instruction.mnemonic.startswith(("vldr", "vld", "vstr", "vst")):
        return "memory"
    return "multiply" if re.match(r"^v(q?r?d?ml|mul|qrdmul|qdmul)", instruction.mnemonic) else "other"
