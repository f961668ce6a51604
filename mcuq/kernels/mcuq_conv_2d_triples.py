"""mcuq's convolution for cores without the DSP extension: three pixels in two words (mcuq_conv_2d_s8_triples.h)."""

from __future__ import annotations

import functools

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.fast_requantize import NOT_PROVEN
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.operands import packed_call
from mcuq.kernels.overlap import by_pixels, by_rows, goes_backwards, without_gaps
from mcuq.kernels.plain import PlainRequantize, layer_requantization, needs_no_dsp
from mcuq.kernels.triples import Parts, parts_for, stream
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.conv_2d import Conv2D

FUNCTION = "mcuq_conv_2d_s8_triples"


def refuses(layer: Layer, target: Target) -> str | None:
    a: Conv2D = layer.attributes
    if (reason := needs_no_dsp(target)) is not None:
        return reason
    if a.groups != 1:
        return f"the kernel has no convolution in {a.groups} groups"
    if requantization(layer) is None:
        return NOT_PROVEN
    return None


@functools.lru_cache(maxsize=1024)
def requantization(layer: Layer) -> PlainRequantize | None:
    return layer_requantization(layer, weight_rows(layer))


@functools.lru_cache(maxsize=1024)
def parts(layer: Layer) -> Parts:
    return parts_for(weight_rows(layer))


def cycles(layer: Layer, _target: Target) -> int:
    """On a Cortex-M3."""
    outputs = layer.output.shape[3]
    pixels = layer.output.type.elements // outputs
    triples, taps = -(-pixels // 3), parts(layer).all_taps
    return int(LAYER_CYCLES + triples * (-(-outputs // 4) * (25 * taps + 200) + 15 * taps + 400))


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Conv2D = layer.attributes
    x, y, found = layer.input(0), layer.output, requantization(layer)
    assert found is not None
    one_row, backwards = without_gaps(layer), goes_backwards(layer)
    pixels = y.type.elements // y.shape[3] if one_row else a.height.output * a.width.output
    params = Struct(
        "mcuq_conv_2d_s8_triples_params",
        "params",
        (
            ("input_height", 1 if one_row else a.height.input),
            ("input_width", pixels if one_row else a.width.input),
            ("channels", x.shape[3]),
            ("filter_height", a.height.window),
            ("filter_width", a.width.window),
            ("output_width", pixels if one_row else a.width.output),
            ("output_pixels", pixels),
            ("output_channels", y.shape[3]),
            ("batches", 1 if one_row else x.shape[0]),
            ("stride_height", a.height.stride),
            ("stride_width", a.width.stride),
            ("dilation_height", a.height.dilation),
            ("dilation_width", a.width.dilation),
            ("pad_top", a.height.pad_before),
            ("pad_left", a.width.pad_before),
            ("zero_point", x.type.zero_point),
            ("first_pixel", (pixels - 1) // 3 * 3 if backwards else 0),
            ("pixel_step", -3 if backwards else 3),
            ("parts", parts(layer).count),
            ("part_taps", parts(layer).taps),
            ("requantize", found.struct(layer)),
        ),
    )
    packed = stream(weight_rows(layer), parts(layer), found.constants)
    return Lowering(
        calls=(packed_call(FUNCTION, layer, params, "stream", f"{FUNCTION}.h"),),
        constants=(Constant("stream", packed, "weights of four channels a word, and their constants"),),
        scratch_bytes=parts(layer).packed_bytes + a.width.window * x.shape[3],
        sources=(f"{FUNCTION}.c", "mcuq_triples.c", "mcuq_triple_store.c", "mcuq_pairs.c"),
        overlaps=by_pixels(layer) if one_row else by_rows(layer, a.height, rows_are_copied=False),
    )


KERNELS = (Kernel(FUNCTION, MCUQ, "CONV_2D", refuses, lower, cycles),)
