"""Cycles on a Cortex-M7, which issues two neighbours at once when nothing forbids it. Memory without wait states.

Arm publishes no timings of this core. The rules follow what people measured and published: A. Zonenberg's notes on
dual-issue restrictions (one shifter, which extensions and bit fields use too; DSP instructions only in the older of two
slots); quinapalus.com/cm7cycles.html, measured on an STM32H730, has many pairs to look up. Not modelled: two loads at
once from different banks of the DTCM or the data cache (so loads are dearer here than they may be), branches predicted
wrong, shifter inputs that are needed a cycle early.
"""

from __future__ import annotations

from collections.abc import Mapping

from mcuq.estimate.disassembly import Instruction, Program
from mcuq.estimate.in_order import CoreTiming, ran, simple_cycles
from mcuq.estimate.operands import accesses_memory, branches, is_dsp, loads, multiplies, read, shifts, written

_TIMING = CoreTiming(taken=0, load=1, store=1, pipelined_load=1, call=1, indirect=1, return_pop=0)


def dual_issue(program: Program, counts: Mapping[int, int]) -> int:
    """Cycles: neighbours that may issue together cost what the dearer one costs."""
    all_ran = ran(program, counts)
    total, index = 0, 0
    while index < len(all_ran):
        (first, count), rest = all_ran[index], all_ran[index + 1 : index + 3]
        cost = simple_cycles(_TIMING, first, None, count, rest[0][1] if rest else 0)
        if rest and rest[0][1] == count and _pairs(first, rest[0][0]):
            second, _ = rest[0]
            cost = max(cost, simple_cycles(_TIMING, second, None, count, rest[1][1] if len(rest) > 1 else 0))
            index += 1
        elif rest and loads(first) and written(first) & read(rest[0][0]):
            cost += count  # the loaded value is a cycle late
        total += cost
        index += 1
    return total


def _pairs(first: Instruction, second: Instruction) -> bool:
    """May the two issue in one cycle? One multiplier, one path to memory, one shifter; no result used at once."""
    if second.address - first.address > 4 or branches(first):
        return False
    for kind in (multiplies, accesses_memory, shifts):
        if kind(first) and kind(second):
            return False
    if is_dsp(second):
        return False
    made = written(first)
    return not made & (read(second) | written(second))
