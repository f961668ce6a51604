"""mcuq's plain C sum and difference: runs every ADD and SUB that the operators allow, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.binary import binary
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.work import per_output
from mcuq.ops.activation import quantized_range
from mcuq.ops.add import scaling
from mcuq.ops.rules import is_wide

_FUNCTIONS = {"ADD": "mcuq_add_s8", "SUB": "mcuq_sub_s8"}
_WIDE_FUNCTIONS = {"ADD": "mcuq_add_s16", "SUB": "mcuq_sub_s16"}


def lower(layer: Layer, _target: Target) -> Lowering:
    factors = scaling(layer)
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    params = Struct(
        "mcuq_add_s8_params",
        "params",
        (
            ("loops", loops_struct(layer.attributes)),
            ("input1_offset", -layer.input(0).type.zero_point),
            ("input1_multiplier", factors.input1[0]),
            ("input1_shift", factors.input1[1]),
            ("input2_offset", -layer.input(1).type.zero_point),
            ("input2_multiplier", factors.input2[0]),
            ("input2_shift", factors.input2[1]),
            ("output_offset", layer.output.type.zero_point),
            ("output_multiplier", factors.output[0]),
            ("output_shift", factors.output[1]),
            ("activation_min", low),
            ("activation_max", high),
        ),
    )
    wide = is_wide(layer)
    file = "mcuq_add_s16" if wide else "mcuq_add_s8"
    function = (_WIDE_FUNCTIONS if wide else _FUNCTIONS)[layer.op]
    return binary(layer, function, params, file)


KERNELS = tuple(
    Kernel(function, MCUQ, operator, never, lower, per_output(60)) for operator, function in _FUNCTIONS.items()
) + tuple(
    Kernel(function, MCUQ, operator, never, lower, per_output(60), int16=True)
    for operator, function in _WIDE_FUNCTIONS.items()
)
