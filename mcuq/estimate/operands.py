"""What an instruction reads, writes and is, as far as its printed form tells. No timings."""

from __future__ import annotations

import re

from mcuq.estimate.disassembly import Instruction

_MULTIPLY = re.compile(r"^(mul|mla|mls|smul|smla|smml|smmul|smuad|smusd|smlsd|umul|umla|umaal|smull|umull|vml|vmul)")
_DSP = re.compile(
    r"^(smla|smul|smua|smus|smls|smml|[su]xt[ba]+16|pkh|[su]sat|q(d?add|d?sub|asx|sax)|[su]h?(add|sub)(8|16)|usad|sel"
    r"|rev|rbit|clz)"
)
_SHIFT = re.compile(r"^(lsl|lsr|asr|ror|rrx|[su]bfx|bfi|bfc|[su]xt)")
_MEMORY = ("ldr", "str", "ldm", "stm", "push", "pop", "vldr", "vstr", "vldm", "vstm", "vpush", "vpop")
_NO_RESULT = ("str", "push", "cmp", "cmn", "tst", "teq", "b", "cb", "vstr", "vstm", "stm", "vcmp", "it", "nop")
_BITFIELDS = ("bfi", "bfc", "bic")


def multiplies(instruction: Instruction) -> bool:
    return _MULTIPLY.match(instruction.mnemonic) is not None


def is_dsp(instruction: Instruction) -> bool:
    """DSP and SIMD instructions, and those that the Cortex-M7 treats like them (REV)."""
    return _DSP.match(instruction.mnemonic) is not None


def shifts(instruction: Instruction) -> bool:
    """Uses the shifter: a shift, an extension, a bit field, or a shifted operand."""
    if accesses_memory(instruction):
        return False
    return _SHIFT.match(instruction.mnemonic) is not None or bool(
        re.search(r"\b(lsl|lsr|asr|ror|rrx)\b", instruction.operands)
    )


def accesses_memory(instruction: Instruction) -> bool:
    return instruction.mnemonic.startswith(_MEMORY)


def loads(instruction: Instruction) -> bool:
    return instruction.mnemonic.startswith("ldr")


def stores(instruction: Instruction) -> bool:
    return instruction.mnemonic.startswith(("str", "stm", "push", "vstr", "vstm", "vpush"))


def branches(instruction: Instruction) -> bool:
    return re.match(r"^(b(?!ic|f)|cb|tb[bh]|it)", instruction.mnemonic) is not None


def _registers(text: str) -> list[str]:
    return re.findall(r"\b(r\d+|ip|lr|sp|fp|sl|[sdq]\d+)\b", text)


def written(instruction: Instruction) -> set[str]:
    """The registers that an instruction writes; the base that a load steps on is not among them."""
    name = instruction.mnemonic
    found = _registers(instruction.operands)
    if not found or (name.startswith(_NO_RESULT) and not name.startswith(_BITFIELDS)):
        return set()
    if name.startswith(("ldrd", "smull", "umull", "smlal", "umlal")):
        return set(found[:2])
    if name.startswith(("ldm", "pop", "vldm", "vpop")):
        return set(found)
    return {found[0]}


def read(instruction: Instruction) -> set[str]:
    found = _registers(instruction.operands)
    accumulates = instruction.mnemonic.startswith(("smlal", "umlal", "movt", "bfi"))
    return set(found if accumulates or not written(instruction) else found[1:])


def address_registers(instruction: Instruction) -> set[str]:
    """The registers that the address of a load or store is made of."""
    inside = re.search(r"\[([^\]]*)\]", instruction.operands)
    if inside is not None:
        return set(_registers(inside[1]))
    return set(_registers(instruction.operands.partition(",")[0])) if accesses_memory(instruction) else set()
