"""The operators that mcuq compiles: each module of this folder (but ``base``) defines one or more ``Operator``s.

Adding an operator is adding a file; nothing else lists them.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from mcuq.ops.base import Operator


@functools.cache
def operators() -> Mapping[str, Operator]:
    """All operators by TFLite name, in alphabetical order."""
    found: dict[str, Operator] = {}
    for module in pkgutil.iter_modules(__path__):
        for operator in getattr(importlib.import_module(f"{__name__}.{module.name}"), "OPERATORS", ()):
            found[operator.name] = operator
    return MappingProxyType(dict(sorted(found.items())))


def functions_of_a_byte() -> tuple[str, ...]:
    """The operators that a table of 256 bytes can run, by name."""
    return tuple(name for name, operator in operators().items() if operator.of_a_byte)
