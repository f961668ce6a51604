"""Encodings of int8 weights in flash, as firmware/kernels/mcuq_decode.h describes and decodes them.

An encoding applies to any weights: it knows neither layer nor kernel. Each module of this folder (but ``base``) has an
``ENCODING``.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from mcuq.encodings.base import Encoding


@functools.cache
def encodings() -> tuple[Encoding, ...]:
    """All encodings, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    return tuple(importlib.import_module(f"{__name__}.{name}").ENCODING for name in names)
