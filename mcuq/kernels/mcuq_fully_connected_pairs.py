"""mcuq's fully connected layer with weights of four or two bits for cores without the DSP extension
(mcuq_fully_connected_pairs.h). Proof and requantization are those of ``mcuq_fully_connected_fours``.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels import mcuq_fully_connected_fours as base
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.operands import packed_call
from mcuq.kernels.packed_weights import raw_bias
from mcuq.kernels.pairs import BITS, GROUP, codes, kind_refusal, pair_parts
from mcuq.kernels.rows import rows
from mcuq.kernels.triples import Parts, with_constants
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.base import Array
from mcuq.ops.weighted import channel_requantization

FUNCTION = "mcuq_fully_connected_pairs"

PLACES = {"int4": np.arange(0, 32, 4), "int2": np.array([0, 2, 4, 6, 16, 18, 20, 22])}
"""The bits of a word from which on the codes of eight outputs lie."""


def refuses(kind: str, layer: Layer, target: Target) -> str | None:
    return base.refuses(layer, target) or kind_refusal(weight_rows(layer), kind)


@functools.lru_cache(maxsize=64)
def parts(layer: Layer) -> Parts:
    return pair_parts(weight_rows(layer))


def stream(weights: Array, divided: Parts, constants: tuple[Array, ...], kind: str) -> Array:
    """(groups, words): the codes of ``weights`` (outputs, depth), and the constants."""
    words = (codes(weights, divided, kind) << PLACES[kind][:, None]).sum(axis=1)
    if kind == "int2":
        words = words[:, 0::2] | (words[:, 1::2] << 8)
    return with_constants(words, constants, GROUP)


def lower(kind: str, layer: Layer, target: Target) -> Lowering:
    plain = base.lower(layer, target)
    weights, found, divided = weight_rows(layer), base.line(layer), parts(layer)
    of_layer = plain.calls[0].arguments[0]
    assert isinstance(of_layer, Struct)
    params = Struct(
        f"{FUNCTION}_params",
        "params",
        (
            ("layer", dataclasses.replace(of_layer, name="layer")),
            ("parts", divided.count),
            ("part_taps", divided.taps),
        ),
    )
    constants = found.constants if found else (raw_bias(layer, weights), *channel_requantization(layer))
    packed = stream(weights, divided, constants, kind)
    return Lowering(
        calls=(packed_call(f"{FUNCTION}_{kind}", layer, params, "stream", f"{FUNCTION}.h"),),
        constants=(Constant("stream", packed, f"weights as {kind}, and the constants of each eight outputs"),),
        scratch_bytes=4 * divided.count * (divided.taps + 1),
        sources=(f"{FUNCTION}.c",),
    )


def cycles(kind: str, layer: Layer, _target: Target) -> int:
    """On a Cortex-M3."""
    a, divided = rows(layer), parts(layer)
    eights = -(-a.outputs // GROUP)
    eight = (15.5 if kind == "int4" else 14.5) * divided.all_taps + 130 * divided.count
    return int(LAYER_CYCLES + a.batches * (10 * a.depth + eights * (eight + (280 if base.line(layer) else 500))))


KERNELS = tuple(
    Kernel(
        f"{FUNCTION}_{kind}",
        MCUQ,
        kernel.operator,
        functools.partial(refuses, kind),
        functools.partial(lower, kind),
        functools.partial(cycles, kind),
    )
    for kernel in base.KERNELS
    for kind in BITS
)
