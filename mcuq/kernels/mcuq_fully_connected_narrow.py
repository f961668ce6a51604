"""mcuq's fully connected layers for DSP cores with weights of four or two bits or of a palette
(mcuq_fully_connected_narrow.h).

Proof and order of weights are those of ``mcuq_fully_connected_dsp``, whose lowering is what is changed here.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, KernelCall, Lowering
from mcuq.kernels import mcuq_fully_connected_dsp as base
from mcuq.kernels import narrow_weights
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.fast_requantize import wrapped
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.narrow_weights import COLOURS, KINDS, int4_refusal, lanes, little_endian
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.base import Array
from mcuq.ops.fully_connected import FullyConnected

HEADER = "mcuq_fully_connected_narrow.h"
GROUP = base.GROUP
TABLE_BYTES = 1024
TABLE_CYCLES = 1500

MIXED_SUM_LIMIT = 2**19
"""What the sum of outputs 3 and 7 of a group stays below in magnitude, so that 4096 times it is found again."""

STEP_CYCLES = {"int4": 19.0, "int2": 20.0, "palette16": 30.0, "palette4": 24.0}
"""For 8 outputs and 2 activations, the loop's own included (Cortex-M4)."""


def filled_rows(layer: Layer) -> Array:
    """The weights (outputs, depth), filled up to a multiple of 4 activations as in the stream."""
    rows = weight_rows(layer)
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))


def _int4_refusal(rows: Array) -> str | None:
    """Why the weights ``rows`` (outputs, depth) are not kept in four bits each, or None."""
    refusal = int4_refusal(rows)
    if refusal is None and 128 * int(np.abs(rows[3::4]).sum(axis=1).max(initial=0)) >= MIXED_SUM_LIMIT:
        return f"a sum of products may reach {MIXED_SUM_LIMIT}"
    return refusal


def kind_refusal(rows: Array, kind: str) -> str | None:
    """Why the weights ``rows`` (outputs, depth) are not those of ``kind``, or None."""
    return narrow_weights.kind_refusal(rows, kind, _int4_refusal)


def refuses(kind: str, layer: Layer, target: Target) -> str | None:
    return base.refuses(layer, target) or kind_refusal(filled_rows(layer), kind)


def narrow(stream: Array, pairs: int, outputs: int, kind: str) -> Array:
    """The narrow stream, int32, for the int8 kernel's ``stream`` (groups, words)."""
    groups = len(stream)
    words = stream[:, : 4 * pairs].astype(np.int64).reshape(groups, pairs, 4)
    weights = lanes(words).reshape(groups, pairs, 4, 2, 2).transpose(0, 1, 3, 2, 4).reshape(groups, pairs, 2, GROUP)
    head = np.zeros(0, np.int64)
    if kind in COLOURS:
        palette = np.unique(weights.transpose(0, 3, 1, 2).reshape(groups * GROUP, -1)[:outputs])
        palette = np.pad(palette, (0, COLOURS[kind] - len(palette)), mode="edge")
        head = little_endian(palette[None] & 0xFF)[0]
        codes = np.searchsorted(palette, weights).clip(0, COLOURS[kind] - 1)
        octets = codes[:, :, 0] | (codes[:, :, 1] << 4)  # group, pair, output
        if kind == "palette4":
            octets = octets[..., 0::2] | (octets[..., 1::2] << 2)
        packed = little_endian(octets.reshape(groups, -1))
    elif kind == "int4":
        quads = weights.reshape(groups, pairs, 2, 2, 4)  # pair, activation, word, output
        halves = ((quads + np.array([8, 8, 8, 0])) << np.array([0, 4, 8, 12])).sum(axis=-1) & 0xFFFF
        packed = (halves[:, :, 0] | (halves[:, :, 1] << 16)).reshape(groups, -1)
    else:
        halves = ((weights + 2) << (2 * np.arange(GROUP))).sum(axis=-1)
        packed = halves[:, :, 0] | (halves[:, :, 1] << 16)
    constants = stream[:, 4 * pairs :].astype(np.int64)
    return wrapped(np.concatenate([head, np.concatenate([packed, constants], axis=1).reshape(-1)])).astype(np.int32)


def pairs_of(layer: Layer) -> int:
    """Activation pairs of an output."""
    a: FullyConnected = layer.attributes
    return 2 * -(-a.depth // 4)


def cycles(kind: str, layer: Layer, _target: Target) -> int:
    a: FullyConnected = layer.attributes
    pairs, groups = pairs_of(layer), -(-a.outputs // GROUP)
    table = TABLE_CYCLES if kind in COLOURS else 0
    return int(LAYER_CYCLES + table + a.batches * (7 * pairs + groups * (115 + STEP_CYCLES[kind] * pairs)))


def lower(kind: str, layer: Layer, target: Target) -> Lowering:
    plain = base.lower(layer, target)
    (call,), (packed,) = plain.calls, plain.constants
    a: FullyConnected = layer.attributes
    groups = -(-a.outputs // GROUP)
    stream = narrow(packed.values.reshape(groups, -1), pairs_of(layer), a.outputs, kind)
    return dataclasses.replace(
        plain,
        calls=(KernelCall(f"mcuq_fully_connected_{kind}", call.arguments, header=HEADER),),
        constants=(Constant("packed", stream, f"weights as {kind}, and the constants of each eight outputs"),),
        scratch_bytes=plain.scratch_bytes + (TABLE_BYTES if kind in COLOURS else 0),
        sources=("mcuq_fully_connected_narrow.c",),
    )


KERNELS = tuple(
    Kernel(
        f"mcuq_fully_connected_{kind}",
        MCUQ,
        "FULLY_CONNECTED",
        functools.partial(refuses, kind),
        functools.partial(lower, kind),
        functools.partial(cycles, kind),
    )
    for kind in KINDS
)
