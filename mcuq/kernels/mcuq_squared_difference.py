"""mcuq's plain C squared difference: runs every one that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.binary import binary
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.work import per_output
from mcuq.ops.squared_difference import scaling

_FUNCTION = "mcuq_squared_difference_s8"


def lower(layer: Layer, _target: Target) -> Lowering:
    factors = scaling(layer)
    params = Struct(
        f"{_FUNCTION}_params",
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
        ),
    )
    return binary(layer, _FUNCTION, params, _FUNCTION)


KERNELS = (Kernel(_FUNCTION, MCUQ, "SQUARED_DIFFERENCE", never, lower, per_output(60)),)
