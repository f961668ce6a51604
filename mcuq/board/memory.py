"""A board's memories, and which of them holds what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mcuq.board.fields import Address, BankName, Table


class Bank(Table):
    """A memory: ``size`` bytes from ``origin``."""

    name: BankName
    kind: Literal["flash", "ram"]
    origin: Address
    size: Annotated[int, Field(ge=1024, le=0x4000_0000)]

    @property
    def end(self) -> int:
        return self.origin + self.size


class Placement(Table):
    """Which bank holds what: code with constants, the stack, variables, and the arena.

    ``weights``, the model's constant tables, and ``hot``, the code of the model and its kernels, may lie in a RAM that
    start-up copies them to; by default both stay in the code's bank.
    """

    code: BankName
    stack: BankName
    data: BankName
    arena: BankName
    weights: BankName | None = None
    hot: BankName | None = None

    def banks(self) -> dict[str, BankName]:
        """The bank of each role, of those that have one of their own."""
        return {role: name for role, name in self if name is not None}


COPIED_ROLES = ("weights", "hot")
"""What start-up copies to RAM where a placement wants it."""
