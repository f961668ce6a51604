"""mcuq's plain C product: runs every MUL that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.binary import binary
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.work import per_output
from mcuq.ops.activation import quantized_range
from mcuq.ops.mul import product_requantization
from mcuq.ops.rules import is_wide


def lower(layer: Layer, _target: Target) -> Lowering:
    multiplier, shift = product_requantization(layer)
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    params = Struct(
        "mcuq_mul_s8_params",
        "params",
        (
            ("loops", loops_struct(layer.attributes)),
            ("input1_offset", -layer.input(0).type.zero_point),
            ("input2_offset", -layer.input(1).type.zero_point),
            ("output_offset", layer.output.type.zero_point),
            ("output_multiplier", multiplier),
            ("output_shift", shift),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    function = "mcuq_mul_s16" if is_wide(layer) else "mcuq_mul_s8"
    return binary(layer, function, params, function)


KERNELS = (
    Kernel("mcuq_mul_s8", MCUQ, "MUL", never, lower, per_output(40)),
    Kernel("mcuq_mul_s16", MCUQ, "MUL", never, lower, per_output(40), int16=True),
)
