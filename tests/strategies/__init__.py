"""Layers that hypothesis makes up: each module of this folder (but ``drawing``) has ``STRATEGIES``, by operator.

A strategy draws a ``Case``; what the operator's rules refuse is drawn again. Adding one is adding it to a module here,
or adding a module: nothing else lists them.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from hypothesis import strategies as st

from mcuq.ops.base import Case


@functools.cache
def strategies() -> Mapping[str, st.SearchStrategy[Case]]:
    """All strategies by TFLite's operator name, in alphabetical order."""
    found: dict[str, st.SearchStrategy[Case]] = {}
    for module in pkgutil.iter_modules(__path__):
        found.update(getattr(importlib.import_module(f"{__name__}.{module.name}"), "STRATEGIES", {}))
    return MappingProxyType(dict(sorted(found.items())))
