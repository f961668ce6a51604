"""mcuq's fully connected layer with weights of a palette for cores without the DSP extension
(mcuq_fully_connected_s8_fours.h). Proof, requantization and lowering are those of ``mcuq_fully_connected_fours``.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, KernelCall, Lowering
from mcuq.kernels import mcuq_fully_connected_fours as base
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.narrow_weights import COLOURS, kind_refusal, little_endian
from mcuq.kernels.rows import rows
from mcuq.kernels.triples import UNROLLED
from mcuq.ops.base import Array

GROUP = 4
TABLE_WORDS = {"palette16": 256, "palette4": 16}
MORE_CYCLES = 4.3
"""For an input and four outputs, than with weights of eight bits (Cortex-M3)."""


def refuses(kind: str, layer: Layer, target: Target) -> str | None:
    return base.refuses(layer, target) or kind_refusal(weight_rows(layer), kind)


def narrow(stream: Array, depth: int, values: Array, kind: str) -> Array:
    """The narrow stream, int32, for the int8 kernel's ``stream`` (groups, words) of weights of these ``values``.

    Inputs are filled up to ``depth`` with zeros, whose weights may be any.
    """
    groups, bits = len(stream), 4 if kind == "palette16" else 2
    octets = np.ascontiguousarray(stream[:, :depth].astype("<i4")).view(np.uint8).reshape(groups, depth, GROUP)
    weights = octets.astype(np.int64) - 128
    palette = np.pad(values, (0, COLOURS[kind] - len(values)), mode="edge")
    codes = np.searchsorted(palette, weights).clip(0, COLOURS[kind] - 1)
    together = codes.reshape(groups, -1, 8 // bits) << (bits * np.arange(8 // bits))
    packed = little_endian(together.sum(axis=2))
    both = np.concatenate([packed, stream[:, depth:].astype(np.int64)], axis=1)
    head = little_endian(palette[None] & 0xFF)[0]
    result: Array = (np.concatenate([head, both.reshape(-1)]) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return result


def lower(kind: str, layer: Layer, target: Target) -> Lowering:
    plain = base.lower(layer, target)
    (call,), (packed,) = plain.calls, plain.constants
    a = rows(layer)
    depth = -(-a.depth // UNROLLED) * UNROLLED
    values = np.unique(weight_rows(layer))
    stream = narrow(packed.values.reshape(-(-a.outputs // GROUP), -1), depth, values, kind)
    return dataclasses.replace(
        plain,
        calls=(KernelCall(f"mcuq_fully_connected_fours_{kind}", call.arguments, call.header),),
        constants=(Constant(packed.name, stream, f"weights as {kind}, and the constants of each four outputs"),),
        scratch_bytes=plain.scratch_bytes + 4 * TABLE_WORDS[kind],
    )


def cycles(kind: str, layer: Layer, target: Target) -> int:
    """On a Cortex-M3."""
    a = rows(layer)
    more = a.batches * -(-a.outputs // GROUP) * MORE_CYCLES * a.depth
    return int(base.cycles(layer, target) + more + 10 * TABLE_WORDS[kind])


KERNELS = tuple(
    Kernel(
        f"mcuq_fully_connected_fours_{kind}",
        MCUQ,
        kernel.operator,
        functools.partial(refuses, kind),
        functools.partial(lower, kind),
        functools.partial(cycles, kind),
    )
    for kernel in base.KERNELS
    for kind in COLOURS
)
