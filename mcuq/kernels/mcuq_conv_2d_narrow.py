"""mcuq's convolutions for DSP cores with weights of four or two bits or of a palette (mcuq_conv_2d_narrow.h).

Each is one of the int8 kernels on weights that are unpacked a few output channels at a time; what that kernel refuses
is refused, and its lowering is what is changed here. They take less flash, some scratch memory, and little time.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, ScratchPointer, Struct
from mcuq.kernels import mcuq_conv_2d_columns as columns
from mcuq.kernels import mcuq_conv_2d_window as window
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import compact_code, requantization, weight_rows
from mcuq.kernels.narrow_weights import Encoding, encoding_for, narrow
from mcuq.kernels.work import LAYER_CYCLES, multiply_accumulates
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

HEADER = "mcuq_conv_2d_narrow.h"
KINDS = ("int4", "palette16", "palette4")

SEEDED = 3
"""The form of code whose sums of odd channels begin with their biases."""

WHOLE_LAYER_BYTES = 4096
"""Unpacked weights up to so many bytes are unpacked together; more where that lets the output lie over the input and so
needs less memory in all."""

GATHERING_SHARE = 0.08
"""Of the products' time, what gathering activations anew for each part of the channels may take."""


@dataclass(frozen=True, slots=True)
class Parts:
    """How a layer's output channels are divided: ``tile`` channels at a time, ``count`` times."""

    tile: int
    count: int
    tile_words: int


def filled_rows(layer: Layer) -> Array:
    """The weights (outputs, depth), an odd depth filled up as in the stream."""
    rows = weight_rows(layer)
    return np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))


def refuses(base: Kernel, kind: str, layer: Layer, target: Target) -> str | None:
    if (reason := base.refuses(layer, target)) is not None:
        return reason
    if base.name != window.FUNCTION and window.refuses(layer, target) is None:
        return "where mcuq_conv_2d_s8_window can run, narrow weights are best unpacked for it"
    found = encoding_for(filled_rows(layer), kind)
    return found if isinstance(found, str) else None


def encoding(layer: Layer, kind: str) -> Encoding:
    found = encoding_for(filled_rows(layer), kind)
    assert isinstance(found, Encoding), "the layer is refused"
    return found


def seeds(base: Kernel, layer: Layer) -> int:
    """Constants that stand before the weights of a group."""
    return 2 if base.name == window.FUNCTION and compact_code(layer, columns.pairs(layer)).form == SEEDED else 0


def gathering_cycles(base: Kernel, layer: Layer) -> float:
    """Of all activations, for one part of the channels (estimated)."""
    a: Conv2D = layer.attributes
    if base.name == window.FUNCTION:
        rows = a.height.output * min(a.height.stride, a.height.window) * layer.output.shape[0]
        return rows * (250 + 2.5 * window.columns(layer) * layer.input(0).shape[3])
    pixels = layer.output.type.elements // layer.output.shape[3]
    return pixels * (10 + (1.8 if columns.inside(layer) else 12) * 2 * columns.pairs(layer))


def overlapping_bytes(base: Kernel, layer: Layer, target: Target) -> int:
    """Bytes that input and output may share."""
    x, y = layer.input(0).type.bytes, layer.output.type.bytes
    return max((x + y - o.together_bytes(x, y) for o in base.lower(layer, target).overlaps), default=0)


def parts(base: Kernel, layer: Layer, target: Target) -> Parts:
    channels = layer.output.shape[3]
    groups = -(-channels // 4)
    words = 2 * columns.pairs(layer) + (16 if requantization(layer).twice else 8)
    share = gathering_cycles(base, layer) * channels / (GATHERING_SHARE * multiply_accumulates(layer))
    tile = min(groups, max(WHOLE_LAYER_BYTES // (4 * words), -(-int(share) // 4), 1))
    if 4 * words * (groups - tile) <= overlapping_bytes(base, layer, target):
        tile = groups
    count = -(-groups // tile)
    tile = -(-groups // count)
    return Parts(4 * tile, -(-groups // tile), tile * words)


def cycles(base: Kernel, kind: str, layer: Layer, target: Target) -> int:
    divided, found = parts(base, layer, target), encoding(layer, kind)
    weights = 2 * columns.pairs(layer) * layer.output.shape[3]
    tables = -(-layer.output.shape[3] // 2) if found.own else 1
    again = (divided.count - 1) * (gathering_cycles(base, layer) + LAYER_CYCLES)
    return int(base.cycles(layer, target) + found.weight_cycles * weights + found.table_cycles * tables + again)


def lower(base: Kernel, kind: str, layer: Layer, target: Target) -> Lowering:
    found, divided, plain = encoding(layer, kind), parts(base, layer, target), base.lower(layer, target)
    *padding, call = plain.calls
    (packed,) = plain.constants
    params, x, _, _, y = call.arguments
    assert isinstance(params, Struct)
    groups = -(-layer.output.shape[3] // 4)
    pairs, before = columns.pairs(layer), seeds(base, layer)
    stream = narrow(packed.values.reshape(groups, -1), pairs, layer.output.shape[3], found, before)
    form = "window" if base.name == window.FUNCTION else "columns"
    stream_start = -(-plain.scratch_bytes // 4)
    table_start = stream_start + divided.tile_words
    tile = (
        ("channels", divided.tile),
        ("stream_start", stream_start),
        ("table_start", table_start),
        ("seeds", before),
    )
    narrowed = Struct(
        f"mcuq_conv_2d_narrow_{form}_params",
        "params",
        (("layer", dataclasses.replace(params, name="layer")), ("tile", Struct("mcuq_narrow_tile", "tile", tile))),
    )
    arguments = (narrowed, x, ConstantPointer("packed"), ScratchPointer(), y)
    return Lowering(
        calls=(*padding, KernelCall(f"{call.function}_{found.name}", arguments, header=HEADER)),
        constants=(Constant("packed", stream, f"weights as {found.name}, and the constants of each four outputs"),),
        scratch_bytes=4 * table_start + found.table_bytes,
        sources=(*plain.sources, "mcuq_unpack_dsp.c"),
        definitions=(*plain.definitions, f"MCUQ_NARROW_CONV_2D({form}, {call.function}, {found.name})"),
        overlaps=plain.overlaps if divided.count == 1 or padding else (),
    )


def _kernel(base: Kernel, kind: str) -> Kernel:
    return Kernel(
        base.name.replace("_s8", "") + f"_{kind}",
        MCUQ,
        "CONV_2D",
        functools.partial(refuses, base, kind),
        functools.partial(lower, base, kind),
        functools.partial(cycles, base, kind),
    )


LOOPED = tuple(k for k in (*columns.KERNELS, *window.KERNELS) if k.name in (columns.FUNCTION, window.FUNCTION))
"""The int8 kernels: those without code of a layer's own, since narrow weights are for small flash."""

KERNELS = tuple(_kernel(base, kind) for base in LOOPED for kind in KINDS)
