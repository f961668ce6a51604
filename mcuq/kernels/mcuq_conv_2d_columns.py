"""mcuq's convolution for DSP cores that gathers each pixel's activations (mcuq_conv_2d_s8_columns.h).

The kernel of windows of one pixel, and of what ``mcuq_conv_2d_window`` cannot do (dilation, very wide columns). The
proof is in ``packed_weights`` and ``fast_requantize``; a layer without it is refused.
"""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import (
    Constant,
    ConstantPointer,
    KernelCall,
    Lowering,
    Overlap,
    ScratchPointer,
    Struct,
    TensorPointer,
    Value,
)
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.gemm_params import (
    LOOP_STEPS,
    GemmCode,
    gemm_cycles,
    gemm_params,
    packed_stream,
    refuses_packing,
    unrolled_code,
    weight_rows,
)
from mcuq.kernels.overlap import by_pixels, by_rows, goes_backwards, without_gaps
from mcuq.kernels.packed_weights import shuffle, shuffled
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.base import Array
from mcuq.ops.conv_2d import Conv2D

FUNCTION = "mcuq_conv_2d_s8_columns"
UNROLLED = f"{FUNCTION}_unrolled"
LOOP = GemmCode(LOOP_STEPS, exact=False, form=2)
"""The code of FUNCTION, which all layers share."""

PADDED_BYTES = 1024
"""Of an input that is copied with its padding, at most."""

BLOCK_BYTES = 768
"""Of pixels that are gathered at once, at most, except for a single pair."""


def refuses(layer: Layer, target: Target) -> str | None:
    return refuses_packing(layer, target)


def packed(layer: Layer, code: GemmCode) -> Array:
    """The weights' stream: activations of an output in the order ky, kx, i."""
    rows = weight_rows(layer)
    return packed_stream(layer, shuffle(rows) if shuffled(run(layer)) else rows, code)


def run_columns(layer: Layer) -> int:
    """Columns of a run of activations that lie together in the input."""
    a: Conv2D = layer.attributes
    return a.width.window if a.width.dilation == 1 else 1


def run(layer: Layer) -> int:
    """Activations of a run."""
    return run_columns(layer) * layer.input(0).shape[3]


def pairs(layer: Layer) -> int:
    """Activation pairs of an output."""
    return int(-(-weight_rows(layer).shape[1] // 2))


def output_pixels(layer: Layer) -> int:
    return layer.output.type.elements // layer.output.shape[3]


def block_pairs(layer: Layer) -> int:
    """Pairs of pixels that are gathered at once."""
    return int(max(1, min(BLOCK_BYTES // (8 * pairs(layer)), (output_pixels(layer) + 1) // 2)))


def padded_bytes(layer: Layer) -> int:
    """Of the copy of the input with its padding, a multiple of 4; 0 where it is read where it is."""
    a: Conv2D = layer.attributes
    batches, height, width, channels = layer.input(0).shape
    height, width = (size + axis.pad_before + axis.pad_after for size, axis in ((height, a.height), (width, a.width)))
    bytes_ = batches * height * width * channels
    if bytes_ == layer.input(0).type.bytes or bytes_ > PADDED_BYTES or not rows_are_runs(layer):
        return 0
    return (bytes_ + 3) // 4 * 4


def rows_are_runs(layer: Layer) -> bool:
    """Are the rows of a window runs of a multiple of 4 activations?"""
    a: Conv2D = layer.attributes
    return run_columns(layer) == a.width.window and shuffled(run(layer))


def inside(layer: Layer) -> bool:
    """Do all windows lie inside the input, or inside its copy, as runs of a multiple of 4 activations?"""
    a: Conv2D = layer.attributes
    padding = any((a.height.pad_before, a.height.pad_after, a.width.pad_before, a.width.pad_after))
    return rows_are_runs(layer) and (not padding or padded_bytes(layer) > 0)


def _cycles(layer: Layer, code: GemmCode) -> int:
    pixels = output_pixels(layer)
    blocks = -(-pixels // (2 * block_pairs(layer)))
    products = gemm_cycles(layer, pairs(layer), code, pixels)
    return int(LAYER_CYCLES + products + _gathering(layer) * pixels + 110 * blocks + 14 * padded_bytes(layer))


def _gathering(layer: Layer) -> float:
    """Cycles for a pixel."""
    a: Conv2D = layer.attributes
    activations = 2 * pairs(layer)
    if not inside(layer):
        each = 2 if shuffled(run(layer)) else 12
        return 40 + 55 * (activations // run(layer)) + each * activations
    if a.height.window == a.width.window == a.height.stride == a.width.stride == 1:
        return 6 + 1.6 * activations
    return 45 + 7 * a.height.window + 1.6 * activations


def cycles(layer: Layer, _target: Target) -> int:
    return _cycles(layer, LOOP)


def cycles_unrolled(layer: Layer, _target: Target) -> int:
    return _cycles(layer, unrolled_code(layer, pairs(layer)))


def lower(layer: Layer, _target: Target) -> Lowering:
    return _lower(layer, FUNCTION, LOOP)


def lower_unrolled(layer: Layer, _target: Target) -> Lowering:
    code = unrolled_code(layer, pairs(layer))
    definition = f"MCUQ_CONV_2D_S8_COLUMNS({code.name}, {code.literals})"
    return _lower(layer, f"{FUNCTION}_{code.name}", code, definition)


def _lower(layer: Layer, function: str, code: GemmCode, *definitions: str) -> Lowering:
    x, y = layer.input(0), layer.output
    copied = padded_bytes(layer)
    image = ScratchPointer() if copied else TensorPointer(x.name)
    arguments = (_params(layer), image, ConstantPointer("packed"), ScratchPointer(), TensorPointer(y.name))
    call = KernelCall(function, arguments, header=f"{FUNCTION}.h")
    return Lowering(
        calls=(_padding(layer), call) if copied else (call,),
        constants=(
            Constant("packed", packed(layer, code), "weights in pairs, and the constants of each four outputs"),
        ),
        scratch_bytes=copied + 8 * pairs(layer) * block_pairs(layer) + 2 * run(layer),
        sources=(f"{FUNCTION}.c", "mcuq_pad_s8.c") if copied else (f"{FUNCTION}.c",),
        definitions=definitions,
        overlaps=_overlaps(layer),
    )


def _overlaps(layer: Layer) -> tuple[Overlap, ...]:
    x = layer.input(0)
    if padded_bytes(layer):
        return () if x.constant else (Overlap(x.name, 0),)
    if without_gaps(layer):
        return by_pixels(layer)
    return by_rows(layer, layer.attributes.height, rows_are_copied=False)


def _padding(layer: Layer) -> KernelCall:
    """The copy of the input, with its padding, to scratch."""
    a: Conv2D = layer.attributes
    x = layer.input(0)
    batches, height, width, channels = x.shape
    axes = (
        (0, 1, 0),
        (0, batches, 0),
        (a.height.pad_before, height, a.height.pad_after),
        (a.width.pad_before * channels, width * channels, a.width.pad_after * channels),
    )
    fields: list[tuple[str, Value]] = []
    for i, (before, size, after) in enumerate(axes):
        fields += [(f"before_{i}", before), (f"size_{i}", size), (f"after_{i}", after)]
    params = Struct("mcuq_pad_s8_params", "padding", (*fields, ("value", x.type.zero_point)))
    return KernelCall("mcuq_pad_s8", (params, TensorPointer(x.name), ScratchPointer()), header="mcuq_pad_s8.h")


def _params(layer: Layer) -> Struct:
    """Of the layer, or of the same without padding on the padded copy."""
    a: Conv2D = layer.attributes
    x = layer.input(0)
    copied = padded_bytes(layer)
    rows, columns = ((axis.pad_before + axis.pad_after) if copied else 0 for axis in (a.height, a.width))
    block, backwards = 2 * block_pairs(layer), goes_backwards(layer)
    return Struct(
        "mcuq_conv_2d_s8_columns_params",
        "params",
        (
            ("gemm", gemm_params(layer, pairs(layer))),
            ("pixels", output_pixels(layer)),
            ("input_height", a.height.input + rows),
            ("input_width", a.width.input + columns),
            ("channels", x.shape[3]),
            ("window_height", a.height.window),
            ("window_width", a.width.window),
            ("output_height", a.height.output),
            ("output_width", a.width.output),
            ("stride_height", a.height.stride),
            ("stride_width", a.width.stride),
            ("dilation_height", a.height.dilation),
            ("dilation_width", a.width.dilation),
            ("pad_top", 0 if copied else a.height.pad_before),
            ("pad_left", 0 if copied else a.width.pad_before),
            ("run_columns", run_columns(layer)),
            ("zero_point", x.type.zero_point),
            ("first_pixel", (output_pixels(layer) - 1) // block * block if backwards else 0),
            ("block_step", -block if backwards else block),
            ("work_start", copied // 2),
            ("inside", "true" if inside(layer) else "false"),
        ),
    )


KERNELS = (
    Kernel(FUNCTION, MCUQ, "CONV_2D", refuses, lower, cycles),
    Kernel(UNROLLED, MCUQ, "CONV_2D", refuses, lower_unrolled, cycles_unrolled),
)
