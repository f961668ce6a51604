"""mcuq's convolution with weights of four or two bits for cores without the DSP extension: two pixels in one word
(mcuq_conv_2d_s8_triples.h, mcuq_pairs.h). Proof and requantization are those of ``mcuq_conv_2d_triples``, whose
lowering is what is changed here.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, KernelCall, Lowering, Struct
from mcuq.kernels import mcuq_conv_2d_triples as base
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.pairs import BITS, GROUP, codes, kind_refusal, pair_parts
from mcuq.kernels.triples import Parts, with_constants
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

FUNCTION = "mcuq_conv_2d_pairs"
PIXELS = 2
TAP_CYCLES = {"int4": 27.5, "int2": 28.5}
"""For eight channels and two pixels."""


def refuses(kind: str, layer: Layer, target: Target) -> str | None:
    return base.refuses(layer, target) or kind_refusal(weight_rows(layer), kind)


@functools.lru_cache(maxsize=1024)
def parts(layer: Layer) -> Parts:
    return pair_parts(weight_rows(layer))


def stream(rows: Array, divided: Parts, constants: tuple[Array, ...], kind: str) -> Array:
    """(groups, words): the codes of ``rows`` (outputs, taps), and the constants."""
    words = (codes(rows, divided, kind) << (BITS[kind] * np.arange(GROUP))[:, None]).sum(axis=1)
    if kind == "int2":
        words = words[:, 0::2] | (words[:, 1::2] << 16)
    return with_constants(words, constants, GROUP)


def lower(kind: str, layer: Layer, target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    plain, found, divided = base.lower(layer, target), base.requantization(layer), parts(layer)
    (call,) = plain.calls
    params, *others = call.arguments
    assert isinstance(params, Struct) and found is not None
    fields = dict(params.fields)
    pixels, backwards = fields["output_pixels"], fields["first_pixel"] != 0
    assert isinstance(pixels, int)
    changed = {
        "first_pixel": (pixels - 1) // PIXELS * PIXELS if backwards else 0,
        "pixel_step": -PIXELS if backwards else PIXELS,
        "parts": divided.count,
        "part_taps": divided.taps,
    }
    narrowed = dataclasses.replace(params, fields=tuple((fields | changed).items()))
    packed = stream(weight_rows(layer), divided, found.constants, kind)
    words = divided.count * (divided.taps + 1)
    return dataclasses.replace(
        plain,
        calls=(KernelCall(f"{FUNCTION}_{kind}", (narrowed, *others), call.header),),
        constants=(Constant("stream", packed, f"weights as {kind}, and the constants of each eight outputs"),),
        scratch_bytes=4 * words + a.width.window * layer.input(0).shape[3],
    )


def cycles(kind: str, layer: Layer, _target: Target) -> int:
    """On a Cortex-M3."""
    outputs = layer.output.shape[3]
    pixels = layer.output.type.elements // outputs
    pairs, divided = -(-pixels // PIXELS), parts(layer)
    eight = TAP_CYCLES[kind] * divided.all_taps + 220 * divided.count + 330
    return int(LAYER_CYCLES + pairs * (-(-outputs // GROUP) * eight + 11 * divided.all_taps + 300))


KERNELS = tuple(
    Kernel(
        f"{FUNCTION}_{kind}",
        MCUQ,
        "CONV_2D",
        functools.partial(refuses, kind),
        functools.partial(lower, kind),
        functools.partial(cycles, kind),
    )
    for kind in BITS
)
