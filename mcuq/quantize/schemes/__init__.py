"""The quantization schemes: each module of this folder defines one or more ``Scheme``s in ``SCHEMES``.

Adding a scheme is adding a file here; nothing else lists them.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Mapping

from mcuq.errors import UsageError, suggestion
from mcuq.quantize.double import doubled
from mcuq.quantize.scheme import Scheme

DEFAULT = "w8a8"
FLOAT32 = "float32"
DYNAMIC = "w8"
DOUBLE = "+dq"
"""Behind a scheme's name: with double quantization."""

MIXED = "mixed"
"""In place of a scheme: one for each layer, searched for (``mcuq.mixed``)."""

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
    plain = known.get(name.removesuffix(DOUBLE))
    if plain is not None and plain.is_plain:
        return double_quantized(plain)
    doubles = (f"{name}{DOUBLE}" for name, scheme in known.items() if scheme.is_plain)
    names = (*known, *doubles, *OF_MODELS, MIXED)
    hint = suggestion(name.lower(), names, f"schemes are: {', '.join(names)}")
    raise UsageError(f"there is no quantization scheme {name!r}", hint=hint)


@functools.cache
def double_quantized(scheme: Scheme) -> Scheme:
    """``scheme`` with the scales of channels in a byte each."""
    return dataclasses.replace(
        scheme,
        name=scheme.name + DOUBLE,
        summary=f"{scheme.summary}, scales in eight bits",
        grid=functools.partial(doubled, scheme.grid),
        searched=False,
        double=True,
    )
