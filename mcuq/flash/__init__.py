"""Tools that write an image into a board's flash: each module of this folder with a ``FLASHER`` adds one.

Adding a tool is adding a file here; nothing else lists them. Boards name those that can write them, in ``flash``.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping

from mcuq.flash.base import Flasher


@functools.cache
def flashers() -> Mapping[str, type[Flasher]]:
    """All tools by the name that boards and ``--runner`` use, in alphabetical order."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = [module.FLASHER for module in modules if hasattr(module, "FLASHER")]
    return {flasher.name: flasher for flasher in sorted(found, key=lambda flasher: str(flasher.name))}
