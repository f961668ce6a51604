"""mcuq's plain kernels with bias, multiplier and shift of each channel in a few bytes (mcuq_expand_records.h).

Any kernel that reads three tables of int32: one call more, before it, makes them in scratch memory.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Argument, Constant, ConstantPointer, KernelCall, Lowering, ScratchPointer
from mcuq.kernels import (
    mcuq_conv_2d,
    mcuq_decoded,
    mcuq_depthwise_conv_2d,
    mcuq_fully_connected,
    mcuq_transpose_conv,
)
from mcuq.kernels.base import MCUQ, Kept, Kernel, Target
from mcuq.kernels.short_records import pack
from mcuq.ops.base import Array

FUNCTION = "mcuq_expand_records"
TABLES = ("bias", "multipliers", "shifts")
CHANNEL_CYCLES = 80
Cycles = Callable[[Layer, Target], int]

LEAST_SAVED_BYTES = 64
"""Less is not worth a call and its code."""


@functools.lru_cache(maxsize=1024)
def _packed(base: Kernel, layer: Layer, target: Target) -> Array | str:
    tables = {c.name: c.values for c in base.lower(layer, target).constants if c.name in TABLES}
    biases, multipliers, shifts = (tables[name] for name in TABLES)
    if len({len(biases), len(multipliers), len(shifts)}) > 1:
        return "one multiplier serves all channels"
    return pack(biases, multipliers, shifts)


def refuses(base: Kernel, layer: Layer, target: Target) -> str | None:
    if (reason := base.refuses(layer, target)) is not None:
        return reason
    found, plain = _packed(base, layer, target), 12 * layer.output.shape[-1]
    if isinstance(found, str):
        return found
    return None if plain - found.size >= LEAST_SAVED_BYTES else f"records take {found.size} B, as tables {plain} B"


def lower(base: Kernel, layer: Layer, target: Target) -> Lowering:
    return _shortened(base.lower(layer, target), base, layer, target)


def lower_kept(base: Kernel, kept: Kept, layer: Layer, target: Target) -> Lowering:
    return _shortened(kept.lower(layer, target), base, layer, target)


def _shortened(kernel: Lowering, base: Kernel, layer: Layer, target: Target) -> Lowering:
    found = _packed(base, layer, target)
    assert not isinstance(found, str), "the layer is refused"
    channels, start = layer.output.shape[-1], -(-kernel.scratch_bytes // 4) * 4
    expanded = {name: ScratchPointer(start + 4 * channels * place) for place, name in enumerate(TABLES)}

    def moved(argument: Argument) -> Argument:
        return expanded.get(argument.name, argument) if isinstance(argument, ConstantPointer) else argument

    arguments = (ConstantPointer("records"), channels, ScratchPointer(start))
    *before, call = kernel.calls
    return dataclasses.replace(
        kernel,
        calls=(
            *before,
            KernelCall(FUNCTION, arguments, f"{FUNCTION}.h"),
            dataclasses.replace(call, arguments=tuple(moved(argument) for argument in call.arguments)),
        ),
        constants=(
            *(constant for constant in kernel.constants if constant.name not in TABLES),
            Constant("records", found, "for each channel: bias, multiplier and shift"),
        ),
        scratch_bytes=start + 12 * channels,
        sources=(*kernel.sources, f"{FUNCTION}.c"),
    )


def cycles(of: Cycles, layer: Layer, target: Target) -> int:
    return of(layer, target) + CHANNEL_CYCLES * layer.output.shape[-1]


def _kernel(base: Kernel) -> Kernel:
    return Kernel(
        f"{base.name.replace('_s8', '')}_short",
        MCUQ,
        base.operator,
        functools.partial(refuses, base),
        functools.partial(lower, base),
        functools.partial(cycles, base.cycles),
        kept=base.kept
        and Kept(functools.partial(lower_kept, base, base.kept), functools.partial(cycles, base.kept.cycles)),
    )


BASES = (
    mcuq_conv_2d.KERNELS[0],
    mcuq_depthwise_conv_2d.KERNELS[0],
    mcuq_fully_connected.KERNELS[0],
    mcuq_transpose_conv.KERNELS[0],
    *mcuq_decoded.PLAIN,
)

KERNELS = tuple(_kernel(base) for base in BASES)
