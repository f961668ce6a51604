"""Cycles on cores that run one instruction after another: Cortex-M0, M0+, M3, M4, and M33 as far as it is known.

Sources, all for memory without wait states:
- M0: Technical Reference Manual DDI0432, table 3-1 (with the single-cycle multiplier).
- M0+: DDI0484, table 3-1 (with the single-cycle multiplier).
- M3: DDI0337, table 3-1 and "Load/store timings".
- M4: DDI0439, table 3-1, "Load/store timings" and the table of the FPU's instructions.
- M33: Arm publishes no table. Its pipeline makes a load's address one stage earlier than the M4's ("Cortex-M23 und M33
  sind erste ARMv8-M-CPUs", Elektronik, 2016), so a load is taken as one cycle, and one more when the next instruction
  uses what it loaded; the rest is the M4's. That it issues some 16-bit instructions two at once is not modelled.

Where a manual gives a range: a pipeline refill (1 to 3) is 2, a division (2 to 12) is ``DIVIDE_CYCLES``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcuq.estimate.disassembly import Instruction, Program
from mcuq.estimate.operands import accesses_memory, address_registers, branches, loads, read, stores, written

_CONDITIONS = "eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|hs|lo"
_CONDITIONAL_BRANCH = re.compile(rf"^(b({_CONDITIONS})|cbn?z)$")
_SINGLE_LOAD = re.compile(r"^ldr(b|h|sb|sh)?$")
DIVIDE_CYCLES = 6
"""Of 2 to 12, by the operands."""


@dataclass(frozen=True, slots=True)
class CoreTiming:
    """What differs between the cores.

    ``taken``: what a taken branch adds; ``load``: one that stands alone; ``pipelined_load``: one behind a single load;
    ``call``, ``indirect``: BL and BLX; ``return_pop``: what loading the program counter adds. ``address_stall``: lost
    when an address depends on the data instruction before; ``load_use``: when a loaded value is used next.
    """

    taken: int
    load: int
    store: int
    pipelined_load: int
    call: int
    indirect: int
    return_pop: int
    multiply_accumulate: int = 1
    long_multiply: int = 1
    address_stall: int = 0
    load_use: int = 0


TIMINGS: Mapping[str, CoreTiming] = {
    "cortex-m0": CoreTiming(taken=2, load=2, store=2, pipelined_load=2, call=4, indirect=3, return_pop=3),
    "cortex-m0plus": CoreTiming(taken=1, load=2, store=2, pipelined_load=2, call=3, indirect=2, return_pop=2),
    # SMULL and SMLAL take 3 to 7 cycles on an M3, by the operands.
    "cortex-m3": CoreTiming(2, 2, 1, 1, 3, 3, 2, multiply_accumulate=2, long_multiply=4, address_stall=1),
    "cortex-m4": CoreTiming(2, 2, 1, 1, 3, 3, 2, address_stall=1),
    "cortex-m33": CoreTiming(2, 1, 1, 1, 3, 3, 2, load_use=1),
}


def ran(program: Program, counts: Mapping[int, int]) -> Sequence[tuple[Instruction, int]]:
    """The instructions that ran, in order of address, with their counts."""
    return [(program.instructions[a], counts[a]) for a in sorted(counts) if a in program.instructions]


def in_order(timing: CoreTiming, program: Program, counts: Mapping[int, int]) -> int:
    """Cycles of the instructions that ran as often as ``counts`` says."""
    total = 0
    previous: Instruction | None = None
    all_ran = ran(program, counts)
    for index, (instruction, count) in enumerate(all_ran):
        follows = all_ran[index + 1][1] if index + 1 < len(all_ran) else 0
        total += simple_cycles(timing, instruction, previous, count, follows)
        if previous is not None and not branches(previous):
            total += _stall(timing, previous, instruction) * min(count, all_ran[index - 1][1])
        previous = instruction
    return total


def _stall(timing: CoreTiming, previous: Instruction, instruction: Instruction) -> int:
    if instruction.address - previous.address > 4:
        return 0
    if loads(previous):
        return timing.load_use if written(previous) & read(instruction) else 0
    if accesses_memory(previous) or not accesses_memory(instruction):
        return 0
    return timing.address_stall if written(previous) & address_registers(instruction) else 0


def simple_cycles(
    timing: CoreTiming, instruction: Instruction, previous: Instruction | None, count: int, follows: int
) -> int:
    """Cycles of ``count`` executions; ``follows`` is how often the instruction behind a branch ran."""
    base = instruction.mnemonic.split(".")[0]
    if _CONDITIONAL_BRANCH.match(base):
        return count + timing.taken * max(0, count - follows)
    return count * _fixed_cycles(timing, base, instruction, previous)


def _fixed_cycles(  # noqa: PLR0911, PLR0912 - a line for each row of the manuals' tables
    timing: CoreTiming, base: str, instruction: Instruction, previous: Instruction | None
) -> int:
    registers = instruction.registers
    goes = re.search(r"\bpc\b", instruction.operands.partition("[")[0]) is not None
    if base in ("b", "bx"):
        return 1 + timing.taken
    if base in ("tbb", "tbh"):
        return 2 + timing.taken
    if base == "bl":
        return timing.call
    if base == "blx":
        return timing.indirect
    if base in ("udiv", "sdiv"):
        return DIVIDE_CYCLES
    if base.startswith(("vdiv", "vsqrt")):
        return 14
    if re.match(r"^v(f?n?ml[as])", base):
        return 3
    if base.startswith(("ldm", "pop", "vldm", "vpop")):
        return 1 + registers + (timing.return_pop if goes else 0)
    if base.startswith(("stm", "push", "vstm", "vpush")):
        return 1 + registers
    if base in ("ldrd", "strd"):
        return 3
    if base.startswith(("ldr", "vldr")):
        paired = previous is not None and _pipelines(previous, instruction)
        return (timing.pipelined_load if paired else timing.load) + (timing.taken if goes else 0)
    if base.startswith(("str", "vstr")):
        return timing.store
    if base.startswith(("smull", "umull", "smlal", "umlal")):
        return timing.long_multiply
    return timing.multiply_accumulate if base.startswith(("mla", "mls")) else 1


def _pipelines(previous: Instruction, instruction: Instruction) -> bool:
    """May the load start while the one before ends? Not behind a store, nor when it needs what that one loads."""
    if stores(previous) or not _SINGLE_LOAD.match(previous.mnemonic.split(".")[0]):
        return False
    return not written(previous) & address_registers(instruction)
