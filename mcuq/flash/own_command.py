"""A command of the user's own, such as a script, in whose words ``{elf}``, ``{bin}``, ``{hex}`` and ``{uf2}`` stand for
the image's files.

No shell reads it, it runs where mcuq was started, and no board file can name one. An exit code of 0 is success.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mcuq.built import Built
from mcuq.errors import UsageError
from mcuq.flash.base import Flasher, Trouble

SUFFIXES = ("elf", "bin", "hex", "uf2")


@dataclass(frozen=True, slots=True)
class OwnCommand(Flasher):
    """``words`` are the command's, with the places still in them."""

    words: tuple[str, ...] = ()
    name = "a command of your own"
    program = "the command"
    install = ""
    probes = ()
    needs_target = False
    verifies = False
    in_empty_folder = False
    troubles: ClassVar[Mapping[Trouble, str]] = {}

    def commands(self) -> tuple[tuple[str, ...], ...]:
        return (tuple(self._filled(word) for word in self.words),)

    def _filled(self, word: str) -> str:
        for suffix in SUFFIXES:
            word = word.replace(f"{{{suffix}}}", str(self.elf.with_suffix(f".{suffix}")))
        return word

    @classmethod
    def installed(cls) -> bool:
        return True  # starting it tells


def own_command(built: Built, command: str) -> OwnCommand:
    """``command`` for the image of ``built``. Raises ``UsageError`` when it cannot be one."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--flash-command {command!r} cannot be split into words: {error}") from error
    wanted = [suffix for suffix in SUFFIXES if any(f"{{{suffix}}}" in word for word in words)]
    if not wanted:
        raise UsageError(
            f"--flash-command {command!r} names no file to write",
            hint="{elf}, {bin}, {hex} and {uf2} stand for the image's, as in './flash.sh {elf}'",
        )
    for suffix in wanted:
        if not built.image.with_suffix(f".{suffix}").is_file():
            raise UsageError(f"{built.folder} has no {built.image.stem}.{suffix}, which --flash-command takes")
    return OwnCommand(built.image.absolute(), built.origin, words=words)
