"""Cycles of counted instructions on each core, memory without wait states.

Sources: Cortex-M0 TRM (DDI0432) table 3-1, M0+ TRM (DDI0484) table 3-1, M3 TRM (DDI0337) table 3-1, M4 TRM (DDI0439)
table 3-1. Arm publishes no such tables for M33, M7, M55 and M85: M33 is taken as an M4; M7 as an M4 that issues two
instructions at once under the rules in ``_pairs``; M55 and M85 as one instruction a cycle, and two cycles for a vector
instruction that follows one of its own kind. Their figures are rougher.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mcuq.estimate.disassembly import Instruction, Program

_CONDITIONS = "eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|hs|lo"
_CONDITIONAL_BRANCH = re.compile(rf"^(b({_CONDITIONS})|cbn?z)$")
_SINGLE_ACCESS = re.compile(r"^(ldr|str)(b|h|sb|sh)?$")
_MULTIPLY = re.compile(r"^(mul|mla|mls|smul|smla|smml|smmul|smuad|smusd|smlsd|umul|umla|umaal|smull|umull|vml|vmul)")
DIVIDE_CYCLES = 6
"""Of 2 to 12, by the operands."""


@dataclass(frozen=True, slots=True)
class CoreTiming:
    """What differs between the simple cores. ``taken``: what a taken branch adds; ``load``: one that stands alone."""

    taken: int
    load: int
    store: int
    pipelined_load: int
    call: int
    multiply_accumulate: int = 1
    long_multiply: int = 1


_TIMINGS: Mapping[str, CoreTiming] = {
    "cortex-m0": CoreTiming(taken=2, load=2, store=2, pipelined_load=2, call=4),
    "cortex-m0plus": CoreTiming(taken=1, load=2, store=2, pipelined_load=2, call=3),
    "cortex-m3": CoreTiming(2, 2, 1, 1, 3, multiply_accumulate=2, long_multiply=4),
    "cortex-m4": CoreTiming(taken=2, load=2, store=1, pipelined_load=1, call=3),
    "cortex-m33": CoreTiming(taken=2, load=2, store=1, pipelined_load=1, call=3),
}


def cycles(core: str, program: Program, counts: Mapping[int, int]) -> int:
    """Estimated core cycles for the instructions that ran as often as ``counts`` says, by address.

    Raises ``KeyError`` for a core without timings.
    """
    if core in _TIMINGS:
        return _in_order(_TIMINGS[core], program, counts)
    return _COMPLEX[core](program, counts)


CORES = (*_TIMINGS, "cortex-m7", "cortex-m55", "cortex-m85")
"""The cores that have timings."""


def _ran(program: Program, counts: Mapping[int, int]) -> Sequence[tuple[Instruction, int]]:
    """The instructions that ran, in order of address, with their counts."""
    return [(program.instructions[a], counts[a]) for a in sorted(counts) if a in program.instructions]


def _in_order(timing: CoreTiming, program: Program, counts: Mapping[int, int]) -> int:
    total = 0
    previous: Instruction | None = None
    ran = _ran(program, counts)
    for index, (instruction, count) in enumerate(ran):
        follows = ran[index + 1][1] if index + 1 < len(ran) else 0
        total += _simple_cycles(timing, instruction, previous, count, follows)
        previous = instruction
    return total


def _simple_cycles(
    timing: CoreTiming, instruction: Instruction, previous: Instruction | None, count: int, follows: int
) -> int:
    """Cycles of ``count`` executions; ``follows`` is how often the instruction behind a branch ran."""
    name, operands = instruction.mnemonic, instruction.operands
    base = name.split(".")[0]
    if _CONDITIONAL_BRANCH.match(base):
        return count + timing.taken * max(0, count - follows)
    return count * _fixed_cycles(timing, base, operands, instruction.registers, previous)


def _fixed_cycles(  # noqa: PLR0911 - a line for each row of the manuals' tables
    timing: CoreTiming, base: str, operands: str, registers: int, previous: Instruction | None
) -> int:
    refill = timing.taken if re.search(r"\bpc\b", operands) else 0
    if base in ("b", "bx", "tbb", "tbh"):
        return 1 + timing.taken
    if base in ("bl", "blx"):
        return timing.call
    if base in ("udiv", "sdiv"):
        return DIVIDE_CYCLES
    if base.startswith(("vdiv", "vsqrt")):
        return 14
    if re.match(r"^v(f?n?ml[as])", base):
        return 3
    if base.startswith(("ldm", "pop", "vldm", "vpop")):
        return 1 + registers + refill
    if base == "ldrd":
        return 3
    if base.startswith(("stm", "push", "vstm", "vpush")):
        return 1 + registers
    if base == "strd":
        return 3
    if base.startswith(("ldr", "vldr")):
        paired = previous is not None and _SINGLE_ACCESS.match(previous.mnemonic.split(".")[0])
        return (timing.pipelined_load if paired else timing.load) + refill
    if base.startswith(("str", "vstr")):
        return timing.store
    if base.startswith(("smull", "umull", "smlal", "umlal")):
        return timing.long_multiply
    return timing.multiply_accumulate if base.startswith(("mla", "mls")) else 1


def _dual_issue(program: Program, counts: Mapping[int, int]) -> int:
    """Cortex-M7: neighbours that may issue together cost what the dearer one costs."""
    timing = CoreTiming(taken=0, load=1, store=1, pipelined_load=1, call=1)
    ran = _ran(program, counts)
    total, index = 0, 0
    while index < len(ran):
        (first, count), rest = ran[index], ran[index + 1 :]
        cost = _simple_cycles(timing, first, None, count, rest[0][1] if rest else 0)
        if rest and rest[0][1] == count and _pairs(first, rest[0][0]):
            second, _ = rest[0]
            cost = max(cost, _simple_cycles(timing, second, None, count, rest[1][1] if len(rest) > 1 else 0))
            index += 1
        elif rest and _loads(first) and _written(first) & _read(rest[0][0]):
            cost += count  # the loaded value is a cycle late
        total += cost
        index += 1
    return total


def _pairs(first: Instruction, second: Instruction) -> bool:
    """May the two issue in one cycle? One multiplier, one path to memory, one shifter; no result used at once."""
    if second.address - first.address > 4 or re.match(r"^(b|bl|bx|blx|cb|it)", first.mnemonic):
        return False
    for kind in (_multiplies, _accesses_memory, _in_older_slot_only):
        if kind(first) and kind(second):
            return False
    if _in_older_slot_only(second):
        return False
    written = _written(first)
    return not written & (_read(second) | _written(second))


def _multiplies(instruction: Instruction) -> bool:
    return _MULTIPLY.match(instruction.mnemonic) is not None


def _accesses_memory(instruction: Instruction) -> bool:
    return instruction.mnemonic.startswith(("ldr", "str", "ldm", "stm", "push", "pop", "vldr", "vstr", "vldm", "vstm"))


def _loads(instruction: Instruction) -> bool:
    return instruction.mnemonic.startswith("ldr")


def _in_older_slot_only(instruction: Instruction) -> bool:
    return instruction.mnemonic.startswith(("sxtb16", "uxtb16", "sxtab16", "pkh", "ssat", "usat"))


def _registers(operands: str) -> list[str]:
    return re.findall(r"\b(r\d+|ip|lr|sp|fp|sl|[sdq]\d+)\b", operands)


def _written(instruction: Instruction) -> set[str]:
    """The registers an instruction writes, as far as its printed form tells: the first one, or none for a store."""
    name = instruction.mnemonic
    found = _registers(instruction.operands)
    if not found or name.startswith(("str", "push", "cmp", "cmn", "tst", "teq", "b", "cb", "vstr", "vcmp")):
        return set()
    return set(found[:2]) if name.startswith(("ldrd", "smull", "umull", "smlal", "umlal")) else {found[0]}


def _read(instruction: Instruction) -> set[str]:
    found = _registers(instruction.operands)
    accumulates = instruction.mnemonic.startswith(("smlal", "umlal", "movt", "bfi"))
    return set(found if accumulates or not _written(instruction) else found[1:])


def _vector(program: Program, counts: Mapping[int, int]) -> int:
    """Cortex-M55, M85: vector instructions of different kinds overlap, those of one kind take their two beats each."""
    timing = CoreTiming(taken=1, load=1, store=1, pipelined_load=1, call=2)
    total, kind_before = 0, ""
    ran = _ran(program, counts)
    for index, (instruction, count) in enumerate(ran):
        follows = ran[index + 1][1] if index + 1 < len(ran) else 0
        kind = _vector_kind(instruction)
        if kind:
            total += count * (2 if kind == kind_before else 1)
        elif instruction.mnemonic in ("le", "letp"):
            total += count  # the low-overhead loop's branch, once its cache is filled
        else:
            total += _simple_cycles(timing, instruction, None, count, follows)
        kind_before = kind
    return total


def _vector_kind(instruction: Instruction) -> str:
    if not re.search(r"\bq\d", instruction.operands):
        return ""
    if instruction.mnemonic.startswith(("vldr", "vld", "vstr", "vst")):
        return "memory"
    return "multiply" if re.match(r"^v(q?r?d?ml|mul|qrdmul|qdmul)", instruction.mnemonic) else "other"


_COMPLEX: Mapping[str, Callable[[Program, Mapping[int, int]], int]] = {
    "cortex-m7": _dual_issue,
    "cortex-m55": _vector,
    "cortex-m85": _vector,
}
