"""What the keys of a board file may hold, and how what is wrong with them is told.

Every text in a board file that reaches C, a linker script or a command line is held to a pattern of this file.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
BankName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
Title = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ,.:()+-]{1,60}$")]
UsbId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]
ToolTarget = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*([./:][A-Za-z0-9_-]+)*$", max_length=64)
]
"""What a flashing tool calls a chip, or a file of its own: no absolute path, no ``..``, nothing a shell expands."""
Hz = Annotated[int, Field(ge=1_000, le=2_000_000_000)]
Address = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]

PeripheralName = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9_]{0,30}$")]
PeripheralModel = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]{0,30}\.[A-Z][A-Za-z0-9_]{0,40}$")]
SettingName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{0,40}$")]
SettingText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./+-]{1,80}$")]


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def told(error: ValidationError) -> tuple[str, ...]:
    """What is wrong, a line each: ``memory.0.size: Input should be ...``; a rule over the whole file has no key."""
    return tuple(_explain(problem["loc"], problem["msg"]) for problem in error.errors()[:12])


def _explain(location: tuple[str | int, ...], message: str) -> str:
    where = ".".join(str(part)[:40] for part in location)
    text = message.removeprefix("Value error, ")
    return f"{where}: {text}" if where else text
