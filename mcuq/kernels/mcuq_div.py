"""mcuq's plain C quotients: run every DIV, FLOOR_DIV and FLOOR_MOD that the operators allow, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.binary import binary
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.work import per_output
from mcuq.ops.activation import quantized_range
from mcuq.ops.div import requantization

_FUNCTION = "mcuq_div_s8"
_WHOLE_FUNCTIONS = {"FLOOR_DIV": "mcuq_floor_div_s8", "FLOOR_MOD": "mcuq_floor_mod_s8"}


def lower(layer: Layer, _target: Target) -> Lowering:
    multiplier, shift = requantization(layer)
    low, high = quantized_range(layer.attributes.activation, layer.output.type)
    params = Struct(
        f"{_FUNCTION}_params",
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
    return binary(layer, _FUNCTION, params, _FUNCTION)


def lower_whole(layer: Layer, _target: Target) -> Lowering:
    return binary(layer, _WHOLE_FUNCTIONS[layer.op], loops_struct(layer.attributes), "mcuq_floor_div_s8")


KERNELS = (
    Kernel(_FUNCTION, MCUQ, "DIV", never, lower, per_output(120)),
    *(
        Kernel(function, MCUQ, operator, never, lower_whole, per_output(25))
        for operator, function in _WHOLE_FUNCTIONS.items()
    ),
)
