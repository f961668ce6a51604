"""mcuq's Helium kernels with weights of four or two bits or of a palette (mcuq_weights_mve.h).

Each is one of the int8 kernels, which takes codes apart where it multiplies: what that kernel refuses is refused, and
its lowering is what is changed here.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, KernelCall, Lowering
from mcuq.kernels import mcuq_conv_2d_mve, mcuq_fully_connected_mve
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.mcuq_gemm_mve import GROUP, LANES, vectors
from mcuq.kernels.narrow_weights import COLOURS, KINDS, kind_refusal, little_endian
from mcuq.ops.base import Array

STEP_INSTRUCTIONS = {"int4": 0, "int2": 0, "palette16": 6, "palette4": 7}
"""For 16 positions of four channels, more than with int8."""

GREATEST_PRODUCT = 64 * 2 * 128
"""In magnitude, of an activation and a byte that holds codes of several channels."""


def filled_rows(layer: Layer) -> Array:
    """The weights (outputs, depth), filled up to whole vectors."""
    rows = weight_rows(layer)
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % LANES)))


def refuses(base: Kernel, kind: str, layer: Layer, target: Target) -> str | None:
    if (reason := base.refuses(layer, target)) is not None:
        return reason
    rows = filled_rows(layer)
    if rows.shape[1] * GREATEST_PRODUCT >= 2**31:
        return "a sum of products may leave 32 bits"
    return kind_refusal(rows, kind)


def narrow(stream: Array, steps: int, outputs: int, kind: str) -> Array:
    """The narrow stream, int32, for the int8 kernel's ``stream`` (groups, words) of so many vectors a channel."""
    groups, words = len(stream), GROUP * LANES * steps // 4
    octets = np.ascontiguousarray(stream[:, :words].astype("<i4")).view(np.int8)
    weights = octets.reshape(groups, steps, GROUP, LANES).astype(np.int64)
    head = np.zeros(0, np.int64)
    if kind in COLOURS:
        channels = weights.transpose(0, 2, 1, 3).reshape(groups * GROUP, -1)[:outputs]
        palette = np.unique(channels)
        palette = np.pad(palette, (0, COLOURS[kind] - len(palette)), mode="edge")
        head = little_endian(palette[None] & 0xFF)[0]
        codes = np.searchsorted(palette, weights).clip(0, COLOURS[kind] - 1)
    else:  # the highest code of a byte has its sign
        codes = weights + (np.array([8, 0, 8, 0]) if kind == "int4" else np.array([2, 2, 2, 0]))[:, None]
    bits = 4 if kind in ("int4", "palette16") else 2
    together = codes.reshape(groups, steps, -1, 8 // bits, LANES) << (bits * np.arange(8 // bits))[:, None]
    packed = little_endian(together.sum(axis=3).reshape(groups, -1) & 0xFF)
    both = np.concatenate([packed, stream[:, words:].astype(np.int64)], axis=1)
    result: Array = np.concatenate([head, both.reshape(-1)]).astype(np.uint32).view(np.int32)
    return result


def lower(base: Kernel, kind: str, layer: Layer, target: Target) -> Lowering:
    plain = base.lower(layer, target)
    (call,), (packed,) = plain.calls, plain.constants
    outputs, depth = weight_rows(layer).shape
    stream = narrow(packed.values.reshape(-(-outputs // GROUP), -1), vectors(depth), outputs, kind)
    return dataclasses.replace(
        plain,
        calls=(KernelCall(f"{call.function}_{kind}", call.arguments, call.header),),
        constants=(Constant(packed.name, stream, f"weights as {kind}, and the constants of each four outputs"),),
    )


def cycles(base: Kernel, kind: str, layer: Layer, target: Target) -> int:
    outputs, depth = weight_rows(layer).shape
    columns = layer.output.type.elements // outputs
    if base.operator == "CONV_2D" and layer.op == "CONV_2D" and base.name != mcuq_fully_connected_mve.FUNCTION:
        columns = (columns + 1) // 2
    offsets = 10 if kind in ("int4", "int2") else 0
    more = -(-outputs // GROUP) * (offsets + STEP_INSTRUCTIONS[kind] * vectors(depth)) + offsets + 6 * vectors(depth)
    return int(base.cycles(layer, target) + columns * more)


def _kernel(base: Kernel, kind: str) -> Kernel:
    return Kernel(
        f"{base.name}_{kind}",
        MCUQ,
        base.operator,
        functools.partial(refuses, base, kind),
        functools.partial(lower, base, kind),
        functools.partial(cycles, base, kind),
    )


KERNELS = tuple(
    _kernel(base, kind) for base in (*mcuq_conv_2d_mve.KERNELS, *mcuq_fully_connected_mve.KERNELS) for kind in KINDS
)
