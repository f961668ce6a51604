"""mcuq's plain C poolings: run every AVERAGE_POOL_2D and MAX_POOL_2D that the operators allow, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.overlap import by_rows
from mcuq.kernels.work import per_window_element
from mcuq.ops.activation import quantized_range
from mcuq.ops.pooling import Pool2D


def pooling_fields(layer: Layer) -> tuple[tuple[str, int], ...]:
    """The geometry as fields of a C struct."""
    a: Pool2D = layer.attributes
    x = layer.input(0)
    return (
        ("batches", x.shape[0]),
        ("input_height", a.height.input),
        ("input_width", a.width.input),
        ("channels", x.shape[3]),
        ("filter_height", a.height.window),
        ("filter_width", a.width.window),
        ("output_height", a.height.output),
        ("output_width", a.width.output),
        ("stride_height", a.height.stride),
        ("stride_width", a.width.stride),
        ("pad_top", a.height.pad_before),
        ("pad_left", a.width.pad_before),
    )


def params_struct(layer: Layer) -> Struct:
    """``mcuq_pool_2d_s8_params``."""
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    fields = (*pooling_fields(layer), ("activation_min", low), ("activation_max", high))
    return Struct("mcuq_pool_2d_s8_params", "params", fields)


def pooling(layer: Layer, function: str, header: str, source: str) -> Lowering:
    """The call of a pooling that takes these parameters; files are named without their suffixes."""
    arguments = (params_struct(layer), TensorPointer(layer.input(0).name), TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall(function, arguments, header=f"{header}.h"),),
        sources=(f"{source}.c",),
        overlaps=by_rows(layer, layer.attributes.height, rows_are_copied=False),
    )


def lower_average(layer: Layer, _target: Target) -> Lowering:
    return pooling(layer, "mcuq_average_pool_2d_s8", "mcuq_pool_2d_s8", "mcuq_average_pool_2d_s8")


def lower_max(layer: Layer, _target: Target) -> Lowering:
    return pooling(layer, "mcuq_max_pool_2d_s8", "mcuq_pool_2d_s8", "mcuq_max_pool_2d_s8")


def lower_average_s16(layer: Layer, _target: Target) -> Lowering:
    return pooling(layer, WIDE_AVERAGE, "mcuq_pool_2d_s16", "mcuq_pool_2d_s16")


def lower_max_s16(layer: Layer, _target: Target) -> Lowering:
    return pooling(layer, WIDE_MAX, "mcuq_pool_2d_s16", "mcuq_pool_2d_s16")


WIDE_AVERAGE, WIDE_MAX = "mcuq_average_pool_2d_s16", "mcuq_max_pool_2d_s16"
KERNELS = (
    Kernel(WIDE_AVERAGE, MCUQ, "AVERAGE_POOL_2D", never, lower_average_s16, per_window_element(10), int16=True),
    Kernel(WIDE_MAX, MCUQ, "MAX_POOL_2D", never, lower_max_s16, per_window_element(8), int16=True),
    Kernel("mcuq_average_pool_2d_s8", MCUQ, "AVERAGE_POOL_2D", never, lower_average, per_window_element(10, output=55)),
    Kernel("mcuq_max_pool_2d_s8", MCUQ, "MAX_POOL_2D", never, lower_max, per_window_element(8)),
)
