"""A stage into C text: parameter structs, each distinct one once, and the calls of its rounds. Prints no file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcuq.ir.kernel_call import Argument, KernelCall, Struct, TensorPointer
from mcuq.planner.stage import MOVE, READ_INPUT, Round, Stage

ArgumentText = Callable[[int, Argument], str]
"""The C text of an argument of a call on behalf of a step; structs are not asked for."""

StructText = Callable[[int, Struct], str]
"""The definition of a struct for a step."""


@dataclass(frozen=True, slots=True)
class StageLine:
    """A statement, or (``success`` given) a call whose status must be that. ``layer`` is its step, ``last`` when the
    step's calls end with it."""

    text: str
    success: str | None
    layer: int
    last: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Lines to run ``count`` times; they may read the loop's counter ``i``."""

    count: int
    lines: tuple[StageLine, ...]


@dataclass(frozen=True, slots=True)
class StageText:
    """The function that runs a stage."""

    function: str
    first: int
    last: int
    structs: tuple[str, ...]
    blocks: tuple[Block, ...]
    fails: bool


class StageWriter:
    """Writes one stage; ``model`` is the model's identifier."""

    def __init__(self, model: str, number: int, argument: ArgumentText, struct: StructText) -> None:
        self.model = model
        self.number = number
        self.argument = argument
        self.struct = struct
        self._structs: dict[str, str] = {}
        self._definitions: list[str] = []

    def write(self, stage: Stage) -> StageText:
        blocks = tuple(self._block(one) for one in stage.rounds)
        fails = any(line.success for block in blocks for line in block.lines)
        return StageText(f"stage_{self.number}", stage.first, stage.last, tuple(self._definitions), blocks, fails)

    def _block(self, one: Round) -> Block:
        lines = []
        for index, found in enumerate(one.calls):
            last = index + 1 == len(one.calls) or one.calls[index + 1].step != found.step
            lines.append(StageLine(self._call(found.step, found.call), found.call.success, found.step, last))
        return Block(one.count, tuple(lines))

    def _call(self, step: int, call: KernelCall) -> str:
        function = {MOVE: "(void)memmove", READ_INPUT: f"{self.model}_read_input"}.get(call.function, call.function)
        arguments = [self._argument(step, argument) for argument in call.arguments]
        return f"{function}({', '.join(arguments)})"

    def _argument(self, step: int, argument: Argument) -> str:
        if not isinstance(argument, Struct):
            return self.argument(step, argument)
        content = self.struct(step, Struct(argument.c_type, "", argument.fields))
        if content not in self._structs:
            name = f"{argument.name}_{len(self._structs)}"
            self._structs[content] = name
            self._definitions.append(self.struct(step, Struct(argument.c_type, name, argument.fields)))
        return f"&{self._structs[content]}"


def pointer(base: str, argument: TensorPointer, element_bytes: int) -> str:
    """``base``, the tensor's C name, moved to where ``argument`` points."""
    text = base
    if argument.offset_bytes:
        text += f" + {argument.offset_bytes // element_bytes}U"
    if argument.step_bytes:
        text += f" + {argument.step_bytes // element_bytes}U * i"
    return text
