"""The quantization schemes: each module of this folder defines one or more ``Scheme``s in ``SCHEMES``.

Adding a scheme is adding a file here; nothing else lists them.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Mapping

from mcuq.errors import UsageError
from mcuq.quantize.scheme import Scheme

DEFAULT = "w8a8"
FLOAT32 = "float32"
DYNAMIC = "w8"
OF_MODELS = (FLOAT32, DYNAMIC)
"""Schemes of a whole model, with real activations: all in float32, or weights in int8."""


@functools.cache
def schemes() -> Mapping[str, Scheme]:
    """All schemes by name, in alphabetical order."""
    found: list[Scheme] = []
    for module in pkgutil.iter_modules(__path__):
        found.extend(importlib.import_module(f"{__name__}.{module.name}").SCHEMES)
    return {scheme.name: scheme for scheme in sorted(found, key=lambda scheme: scheme.name)}


def scheme_named(name: str) -> Scheme:
    """Raises ``UsageError`` for a name that no scheme has."""
    known = schemes()
    if name in known:
        return known[name]
    names = (*known, *OF_MODELS)
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]}?" if close else f"schemes are: {', '.join(names)}"
    raise UsageError(f"there is no quantization scheme {name!r}", hint=hint)
