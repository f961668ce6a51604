"""C identifiers from the names of models, layers and tensors."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from mcuq.errors import UsageError

# A generated header <model>.h must not hide one of these, nor a firmware header.
_TAKEN = frozenset(
    (
        "assert", "complex", "ctype", "errno", "fenv", "float", "inttypes", "iso646", "limits", "locale", "math",
        "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio", "stdlib",
        "stdnoreturn", "string", "tgmath", "threads", "time", "uchar", "wchar", "wctype", "board", "frame", "link",
        "main", "mcuq_model", "platform", "profile", "protocol", "startup",
    )
)  # fmt: skip


def identifier(text: str) -> str:
    """``text`` with all that C does not allow in an identifier made underscores, in lower case; never empty."""
    cleaned = re.sub(r"_+", "_", re.sub(r"[^0-9A-Za-z_]", "_", text)).strip("_").lower()
    return f"m_{cleaned}" if not cleaned or cleaned[0].isdigit() else cleaned


def model_identifier(text: str) -> str:
    """The prefix of all that is generated for a model, and the name of its files."""
    name = identifier(text)[:48]
    return f"{name}_model" if name in _TAKEN or name.startswith(("mcuq", "arm_")) else name


_OWN_WORDS = frozenset(
    (
        "arena", "dequantize", "initial", "input", "inputs", "invoke", "layers", "output", "outputs", "own", "quantize",
        "read", "reset", "run", "state", "weights",
    )
)  # fmt: skip
"""What may follow a model's identifier in the C names and files that are made of it; numbers of layers do, too."""


def check_distinct(names: Collection[str]) -> None:
    """Raises ``UsageError`` when the C names of two of the models called ``names`` could be the same."""
    if len(names) == 1:
        return
    found: dict[str, str] = {}
    for name in names:
        identifier = model_identifier(name)
        if identifier in found:
            raise _alike(found[identifier], name)
        found[identifier] = name
    for identifier, name in found.items():
        for other, other_name in found.items():
            word = other.removeprefix(f"{identifier}_").partition("_")[0] if other.startswith(f"{identifier}_") else ""
            if word in _OWN_WORDS or word.isdigit():
                raise _alike(name, other_name)


def _alike(one: str, other: str) -> UsageError:
    return UsageError(
        f"models {one!r} and {other!r} of one image would have C names in common",
        hint="give one of them another name: NAME=FILE",
    )


def image_identifier(names: Iterable[str]) -> str:
    """What the image of the models called ``names`` is called: as its one model, or as all of them."""
    identifiers = [model_identifier(name) for name in names]
    return identifiers[0] if len(identifiers) == 1 else model_identifier("_".join(identifiers))


def layer_identifiers(names: Iterable[str]) -> tuple[str, ...]:
    """One identifier for each layer, unique through its number."""
    return tuple(f"{index:02d}_{identifier(name)[:40]}" for index, name in enumerate(names))


def comment(text: str) -> str:
    """``text`` fit to stand inside a C comment: untrusted names cannot end it."""
    printable = "".join(c if c.isprintable() and c.isascii() else "?" for c in text)
    return printable.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")
