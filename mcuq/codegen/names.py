"""C identifiers from the names of models, layers and tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable

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


def layer_identifiers(names: Iterable[str]) -> tuple[str, ...]:
    """One identifier for each layer, unique through its number."""
    return tuple(f"{index:02d}_{identifier(name)[:40]}" for index, name in enumerate(names))


def comment(text: str) -> str:
    """``text`` fit to stand inside a C comment: untrusted names cannot end it."""
    printable = "".join(c if c.isprintable() and c.isascii() else "?" for c in text)
    return printable.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")
