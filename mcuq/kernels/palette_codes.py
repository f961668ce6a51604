"""Weights as codes of four or two bits and a palette, as mcuq_unpack_codes.h reads them, on any core. No kernel.

A layer's plain lowering is what is changed here: each row of weights becomes codes, unpacked into scratch memory.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, ScratchPointer
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.narrow_weights import colours
from mcuq.ops.base import Array

UNPACK_CYCLES = 11
"""For a weight (estimated)."""


def refusal(layer: Layer) -> str | None:
    """Why the layer's weights are not kept as codes, or None."""
    count = colours(weight_rows(layer))
    return None if count <= 16 else f"the layer has {count} distinct weights, 16 are possible"


def pack(rows: Array) -> tuple[int, Array, Array]:
    """Bits of a code, the codes, uint8 (rows, bytes), and the palette, int8, for ``rows`` of at most 16 values."""
    palette = np.unique(rows)
    bits = 2 if len(palette) <= 4 else 4
    codes = np.searchsorted(palette, rows)
    each = 8 // bits
    padded = np.pad(codes, ((0, 0), (0, -rows.shape[1] % each))).reshape(len(rows), -1, each)
    octets = (padded << (bits * np.arange(each))).sum(axis=2)
    filled = np.pad(palette, (0, (1 << bits) - len(palette)), mode="edge")
    return bits, octets.astype(np.uint8), filled.astype(np.int8)


def with_codes(layer: Layer, plain: Lowering, function: str) -> Lowering:
    """``plain``, a lowering to one call with the constant weights, as one to ``function`` with codes in their place."""
    (call,) = plain.calls
    params, x, _weights, *constants, y = call.arguments
    rows = weight_rows(layer)
    bits, codes, palette = pack(rows)
    arguments = (params, bits, x, ConstantPointer("codes"), ConstantPointer("palette"), *constants)
    return dataclasses.replace(
        plain,
        calls=(KernelCall(function, (*arguments, ScratchPointer(), y), header=f"{function}.h"),),
        constants=(
            Constant("codes", codes, f"weights, {bits} bits each"),
            Constant("palette", palette, "what the codes stand for"),
            *(constant for constant in plain.constants if constant.name != "weights"),
        ),
        scratch_bytes=rows.shape[1],
        sources=(f"{function}.c",),
        overlaps=(),
    )


def unpacking_cycles(layer: Layer) -> int:
    return UNPACK_CYCLES * weight_rows(layer).size
