"""The kernels that run layers: each module of this folder (but ``base``) defines one or more ``Kernel``s.

Adding a kernel is adding a file here, and its C to ``firmware/kernels``; nothing else lists them.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from mcuq.ir import DType, Layer
from mcuq.kernels.base import Kernel


@functools.cache
def kernels() -> tuple[Kernel, ...]:
    """All kernels by name, in alphabetical order."""
    found: list[Kernel] = []
    for module in pkgutil.iter_modules(__path__):
        found.extend(getattr(importlib.import_module(f"{__name__}.{module.name}"), "KERNELS", ()))
    return tuple(sorted(found, key=lambda kernel: kernel.name))


def kernels_of(layer: Layer) -> tuple[Kernel, ...]:
    """The kernels that may run ``layer``: where its operator has some of int16 activations, those of its own."""
    found = kernels_for(layer.op)
    if not any(kernel.int16 for kernel in found):
        return found
    return tuple(kernel for kernel in found if kernel.int16 == (layer.input(0).type.dtype is DType.INT16))


def kernels_for(operator: str) -> tuple[Kernel, ...]:
    return tuple(kernel for kernel in kernels() if kernel.operator == operator)
