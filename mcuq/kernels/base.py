"""What a kernel is: the C function that runs a layer, when it is exact for it, and how a layer is lowered to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.core import Core
from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering

MCUQ = "mcuq"
CMSIS_NN = "cmsis-nn"


@dataclass(frozen=True, slots=True)
class Target:
    """What lowering knows of the target: the core, and the CMSIS-NN functions that were found (by C name)."""

    core: Core
    cmsis_nn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """Of a kernel that decodes weights: how it is lowered, and takes fewer cycles, where these are kept."""

    lower: Callable[[Layer, Target], Lowering]
    cycles: Callable[[Layer, Target], int]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel. ``refuses`` says why it does not run the layer exactly on the target, or None when it does.

    A kernel whose proof of exactness is missing for a layer refuses it. ``cycles`` estimates what the layer takes with
    this kernel (Cortex-M4 cycles, memory without wait states), for choosing among kernels only; it is asked only about
    layers that the kernel does not refuse. A kernel of ``int16`` activations is asked about no others. ``kept``: how it
    runs where weights that it decodes are decoded once and stay in memory.
    """

    name: str
    library: str
    operator: str
    refuses: Callable[[Layer, Target], str | None]
    lower: Callable[[Layer, Target], Lowering]
    cycles: Callable[[Layer, Target], int]
    int16: bool = False
    kept: Kept | None = None


def never(_layer: Layer, _target: Target) -> str | None:
    """The refusal of a kernel that runs every layer its operator allows."""
    return None


def table(values: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """``values`` as a contiguous array of ``dtype``; the values must fit."""
    wide = np.asarray(values)
    narrow = np.ascontiguousarray(wide.astype(dtype))
    if not np.array_equal(narrow, wide):
        raise ValueError(f"values do not fit {np.dtype(dtype)}")
    return narrow
