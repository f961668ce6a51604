"""mcuq's change of quantization where one side is int16: QUANTIZE, RELU, RELU6 and LEAKY_RELU, on every core."""

from __future__ import annotations

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops import leaky_relu, quantize, relu
from mcuq.ops.activation import quantized_clamp

_SUFFIX = {DType.INT8: "s8", DType.INT16: "s16"}


def refuses_narrow(layer: Layer, _target: Target) -> str | None:
    x, y = layer.input(0).type.dtype, layer.output.type.dtype
    return (
        None if (x, y) == (DType.INT8, DType.INT16) else f"the kernel makes int16 of int8, not {y.value} of {x.value}"
    )


def _requantizations(layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Multiplier and shift from zero up, and below it."""
    if layer.op == "LEAKY_RELU":
        return leaky_relu.requantizations(layer)
    both = quantize.requantization(layer) if layer.op == "QUANTIZE" else relu.requantization(layer)
    return both, both


def lower(layer: Layer, _target: Target) -> Lowering:
    x, y = layer.input(0).type, layer.output.type
    positive, negative = _requantizations(layer)
    limits = np.iinfo(y.dtype.value)
    clamps = layer.op in ("RELU", "RELU6")
    low, high = quantized_clamp(layer.attributes.ends, y) if clamps else (int(limits.min), int(limits.max))
    params = Struct(
        "mcuq_rescale_params",
        "params",
        (
            ("input_offset", -x.zero_point),
            ("positive_multiplier", positive[0]),
            ("positive_shift", positive[1]),
            ("negative_multiplier", negative[0]),
            ("negative_shift", negative[1]),
            ("output_offset", y.zero_point),
            ("output_min", low),
            ("output_max", high),
        ),
    )
    source, constants = operand(layer.input(0), "input")
    function = f"mcuq_rescale_{_SUFFIX[x.dtype]}_{_SUFFIX[y.dtype]}"
    arguments = (params, source, TensorPointer(layer.output.name), y.elements)
    return Lowering(
        calls=(KernelCall(function, arguments, header="mcuq_rescale_s16.h"),),
        constants=constants,
        sources=("mcuq_rescale_s16.c",),
        overlaps=in_place(layer, 0),
    )


KERNELS = (
    Kernel("mcuq_rescale_s8_s16", MCUQ, "QUANTIZE", refuses_narrow, lower, per_output(20)),
    *(
        Kernel("mcuq_rescale_s16", MCUQ, operator, never, lower, per_output(20), int16=True)
        for operator in ("QUANTIZE", "RELU", "RELU6", "LEAKY_RELU")
    ),
)
