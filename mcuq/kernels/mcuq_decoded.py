"""mcuq's kernels on weights that are decoded from fewer bits first (mcuq_decode.h): trits, 1 to 4 bits, Huffman, tANS.

Each is an int8 kernel whose lowering is changed here: the weights of its stream are coded, decoded into scratch memory,
all at once or those of a few output channels (mcuq_decoded.h), and read there. What the kernel refuses is refused, and
what would not pay, with the figures.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from mcuq.encodings import encodings
from mcuq.encodings.base import Encoding, Measured, histogram
from mcuq.ir import Layer, Tensor
from mcuq.ir.kernel_call import (
    Constant,
    ConstantPointer,
    KeptPointer,
    KernelCall,
    Lowering,
    ScratchPointer,
    Struct,
)
from mcuq.kernels import (
    mcuq_conv_2d_narrow,
    mcuq_fully_connected_fours,
    mcuq_fully_connected_narrow,
    mcuq_narrow_mve,
    pairs,
)
from mcuq.kernels.base import MCUQ, Kept, Kernel, Target
from mcuq.kernels.decoded_streams import BASES, BYTES, OFFSET, Base, Shape, flat_shape, flat_stream, groups_of
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.narrow_weights import COLOURS, KINDS, encoding_for, kind_refusal
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.base import Array
from mcuq.ops.fully_connected import FullyConnected

HEADER = "mcuq_decoded.h"
SOURCE = "mcuq_decode.c"
DECODER_WORDS = 5
LEAST_SAVED = 0.05
LEAST_SAVED_BYTES = 128
"""Of a layer's int8 weights: less is not worth decoding."""

SAME = 1.03
"""A quicker encoding of up to so many times the bytes is better, where it takes no more scratch memory."""

HALVES_CYCLES = 2.0
"""For a weight: two of them into halfwords' 256 * second + first, and words copied."""


Sizes = Mapping[str, Measured | str]
"""What weights take in each encoding, or why they have none."""


def weights_of(base: Base, layer: Layer) -> int:
    """Weights in the layer's stream, those that fill it up included."""
    shape = base.shape(layer)
    return 4 * shape.words * groups_of(layer, shape)


@functools.lru_cache(maxsize=1024)
def _sizes(weights: Tensor, filling: int) -> Sizes:
    """Of ``weights`` and so many zeros more."""
    assert weights.data is not None
    values, counts = histogram(np.append(weights.data.reshape(-1), np.zeros(filling, np.int8)))
    return {encoding.name: encoding.measure(values, counts) for encoding in encodings()}


def sizes(base: Base, layer: Layer) -> Sizes:
    filling = weights_of(base, layer) - layer.input(1).type.elements
    return _sizes(layer.input(1), 0 if base.plain else filling)


def measured(base: Base, encoding: Encoding, layer: Layer) -> Measured:
    found = sizes(base, layer)[encoding.name]
    assert isinstance(found, Measured), "the layer is refused"
    return found


@functools.lru_cache(maxsize=256)
def _coded(encoding: str, weights: bytes) -> tuple[Array, Measured]:
    """``weights`` in an encoding that they have. The same come back: in stripes of a layer, wherever it is lowered."""
    found, values = next(e for e in encodings() if e.name == encoding), np.frombuffer(weights, np.int8)
    exactly = found.measure(*histogram(values))
    assert isinstance(exactly, Measured), "the layer is refused"
    return found.encode(values), exactly


def refuses(base: Base, encoding: Encoding, layer: Layer, target: Target) -> str | None:
    if (reason := base.kernel.refuses(layer, target)) is not None:
        return reason
    if base.in_rows and layer.op == "CONV_2D" and layer.attributes.groups != 1:
        return "the convolution is grouped"
    found = sizes(base, layer)[encoding.name]
    return found if isinstance(found, str) else _does_not_pay(base, encoding, layer, found)


def _does_not_pay(base: Base, encoding: Encoding, layer: Layer, found: Measured) -> str | None:
    """Why the encoding is of no use beside others, or None."""
    weights = layer.input(1).type.elements
    bits = f"{8 * found.bytes / weights:.2f} bits a weight"
    if weights - found.bytes < max(LEAST_SAVED_BYTES, LEAST_SAVED * weights):
        return f"{bits} with its table, 8.00 without: {found.bytes:,} B for {weights:,} B"
    for other in encodings():
        quicker = sizes(base, layer)[other.name]
        if other.weight_cycles >= encoding.weight_cycles or isinstance(quicker, str):
            continue
        if quicker.bytes <= SAME * found.bytes and quicker.table_words <= found.table_words:
            return f"{bits}, {8 * quicker.bytes / weights:.2f} as {other.name}, which is decoded sooner"
    if encoding.name == "bits" and (narrower := _narrow_kind(base, layer, found.option)) is not None:
        return f"weights as {narrower} are unpacked sooner from as many bits"
    return None


def _narrow_kind(base: Base, layer: Layer, bits: int) -> str | None:
    """The kind of narrow weights that kernels for the base's core keep in as many bits."""
    if bits not in (2, 4):
        return None
    if base.plain:
        return None
    if base.shape(layer).form == OFFSET:
        rows = weight_rows(layer)
        kinds = {k: pairs.kind_refusal(rows, k) for k in pairs.BITS if pairs.BITS[k] == bits}
        if base.kernel.name == mcuq_fully_connected_fours.FUNCTION:
            kinds |= {k: kind_refusal(rows, k) for k, colours in COLOURS.items() if colours == 1 << bits}
        return next((k for k, refusal in kinds.items() if refusal is None), None)
    if base.shape(layer).form == BYTES:
        rows = mcuq_narrow_mve.filled_rows(layer)
        return next((k for k in KINDS if kind_refusal(rows, k) is None), None)
    if layer.op == "CONV_2D":
        rows = mcuq_conv_2d_narrow.filled_rows(layer)
        return next((k for k in mcuq_conv_2d_narrow.KINDS if not isinstance(encoding_for(rows, k), str)), None)
    rows = mcuq_fully_connected_narrow.filled_rows(layer)
    return next((k for k in KINDS if mcuq_fully_connected_narrow.kind_refusal(rows, k) is None), None)


def cycles(base: Base, encoding: Encoding, layer: Layer, target: Target) -> int:
    found, shape = measured(base, encoding, layer), base.shape(layer)
    decoding = (encoding.weight_cycles + HALVES_CYCLES) * weights_of(base, layer)
    parts = -(-groups_of(layer, shape) // base.tile(layer, target, shape))
    again = (parts - 1) * (_gathering_cycles(base, layer) + LAYER_CYCLES)
    table = encoding.table_cycles * found.table_words
    return int(base.kernel.cycles(layer, target) + decoding + table + again)


def _gathering_cycles(base: Base, layer: Layer) -> float:
    """What the kernel does anew for each further part of the channels."""
    if base.plain:
        return 0.0
    if layer.op == "CONV_2D":
        return mcuq_conv_2d_narrow.gathering_cycles(base.kernel, layer)
    a: FullyConnected = layer.attributes
    return 3.0 * a.depth


def lower_flat(base: Base, encoding: Encoding, layer: Layer, target: Target) -> Lowering:
    """All weights are decoded, then the kernel reads them: each time, in scratch memory."""
    kernel = base.kernel.lower(layer, target)
    decoder_start, decode, constants = _all_at_once(base, encoding, layer, kernel)
    arguments = (*decode.arguments, ScratchPointer(decoder_start), ScratchPointer())
    (call,) = kernel.calls
    return dataclasses.replace(
        kernel,
        calls=(dataclasses.replace(decode, arguments=arguments), _reading(call, kernel, ScratchPointer())),
        constants=constants,
        scratch_bytes=decoder_start + _decoder_bytes(decode),
        sources=(*kernel.sources, SOURCE),
    )


def lower_kept(base: Base, encoding: Encoding, layer: Layer, target: Target) -> Lowering:
    """The same once for all inferences; the kernel runs as if its weights were plain."""
    kernel = base.kernel.lower(layer, target)
    decoder_start, decode, constants = _all_at_once(base, encoding, layer, kernel)
    arguments = (*decode.arguments, KeptPointer(decoder_start), KeptPointer())
    *padding, call = kernel.calls
    return dataclasses.replace(
        kernel,
        calls=(*padding, _reading(call, kernel, KeptPointer())),
        constants=constants,
        sources=(*kernel.sources, SOURCE),
        once=(dataclasses.replace(decode, arguments=arguments),),
        kept_bytes=decoder_start,
        making_bytes=decoder_start + _decoder_bytes(decode),
    )


def _all_at_once(
    base: Base, encoding: Encoding, layer: Layer, kernel: Lowering
) -> tuple[int, KernelCall, tuple[Constant, ...]]:
    """The bytes of all weights decoded, the call that decodes them, without the pointers to decoder and stream, and the
    constants of call and kernel: of ``kernel`` all but its first."""
    shape = flat_shape(layer) if base.plain else base.shape(layer)
    groups = groups_of(layer, shape)
    stream = flat_stream(kernel) if base.plain else base.stream(layer, kernel)
    weights, around = shape.split(stream)
    coded, found = _coded(encoding.name, weights.tobytes())
    params = _decode_params(coded, found, shape, groups, around.size // groups)
    plain = (Constant("plain", around, "the constants of the groups"),) if around.size else ()
    constants = (Constant("coded", coded, f"weights as {encoding.name}", coded=True), *plain, *kernel.constants[1:])
    arguments = (params, ConstantPointer("coded"), ConstantPointer("plain") if plain else "NULL")
    return stream.nbytes, KernelCall(f"mcuq_decode_{encoding.name}", arguments, "mcuq_decode.h"), constants


def _decoder_bytes(decode: KernelCall) -> int:
    (params,) = (argument for argument in decode.arguments if isinstance(argument, Struct))
    table_words = dict(params.fields)["table_words"]
    assert isinstance(table_words, int)
    return 4 * (DECODER_WORDS + table_words)


def _reading(call: KernelCall, kernel: Lowering, weights: ScratchPointer | KeptPointer) -> KernelCall:
    """``call`` with ``weights`` in place of the first constant of its ``kernel``."""
    first = ConstantPointer(kernel.constants[0].name)
    return dataclasses.replace(call, arguments=tuple(weights if a == first else a for a in call.arguments))


def lower(base: Base, encoding: Encoding, layer: Layer, target: Target) -> Lowering:
    kernel, shape = base.kernel.lower(layer, target), base.shape(layer)
    weights, plain = shape.split(base.stream(layer, kernel))
    coded, found = _coded(encoding.name, weights.tobytes())
    *padding, call = kernel.calls
    params, x, *_, y = call.arguments
    assert isinstance(params, Struct)
    groups, tile = groups_of(layer, shape), base.tile(layer, target, shape)
    constants = plain.size // groups
    stream_start = -(-kernel.scratch_bytes // 8) * 2
    decoder_start = stream_start + tile * (shape.words + constants)
    parts = (
        ("decode", _decode_params(coded, found, shape, 1, constants)),
        ("channels", tile * shape.channels),
        ("group", shape.channels),
        ("stream_start", stream_start),
        ("decoder_start", decoder_start),
    )
    of_groups = (Constant("plain", plain, "the constants of the groups"),)
    tables = tuple(c for c in kernel.constants if c.name != "weights") if base.in_rows else of_groups
    pointers = tuple(ConstantPointer(constant.name) for constant in tables)
    structs = (params, Struct("mcuq_decoded_tile", "tile", parts))
    arguments = (*structs, x, ConstantPointer("coded"), *pointers, ScratchPointer(), y)
    name = f"{call.function}_{encoding.name}"
    return dataclasses.replace(
        kernel,
        calls=(*padding, KernelCall(name, arguments, HEADER)),
        constants=(Constant("coded", coded, f"weights as {encoding.name}", coded=True), *tables),
        scratch_bytes=4 * (decoder_start + DECODER_WORDS + found.table_words),
        sources=(*kernel.sources, SOURCE),
        definitions=(*kernel.definitions, _definition(base, name, call.function, params.c_type, encoding)),
        overlaps=kernel.overlaps if tile >= groups else (),
    )


def _decode_params(coded: Array, found: Measured, shape: Shape, groups: int, around: int) -> Struct:
    """``around`` are the words of a group that stand as they are."""
    fields = (
        ("bytes", coded.size),
        ("option", found.option),
        ("table_words", found.table_words),
        ("first", "true"),
        ("form", f"mcuq_form_{shape.form}"),
        ("groups", groups),
        ("seeds", shape.seeds),
        ("words", shape.words),
        ("constants", around - shape.seeds),
    )
    return Struct("mcuq_decode_params", "decode", fields)


def _definition(base: Base, name: str, function: str, params: str, encoding: Encoding) -> str:
    macro, more = "MCUQ_DECODED_STREAM", ""
    if base.in_rows:
        macro, more = "MCUQ_DECODED_ROWS", ", 1" if base.kernel.operator == "CONV_2D" else ", params->scale_step"
    return f"{macro}({name}, {function}, {params}, {base.channels}, {encoding.name}{more})"


def _kernel(base: Base, encoding: Encoding) -> Kernel:
    return Kernel(
        f"{base.kernel.name.replace('_s8', '')}_{encoding.name}",
        MCUQ,
        base.kernel.operator,
        functools.partial(refuses, base, encoding),
        functools.partial(lower_flat if base.flat else lower, base, encoding),
        functools.partial(cycles, base, encoding),
        kept=Kept(functools.partial(lower_kept, base, encoding), base.kernel.cycles),
    )


PLAIN = tuple(_kernel(base, encoding) for base in BASES if base.plain for encoding in encodings())

KERNELS = (*PLAIN, *(_kernel(base, encoding) for base in BASES if not base.plain for encoding in encodings()))
