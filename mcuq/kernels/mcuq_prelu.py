"""mcuq's plain C parametric ReLU: runs every PRELU that the operator allows, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering, Struct
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.binary import binary
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.work import per_output
from mcuq.ops.prelu import requantizations

_FUNCTION = "mcuq_prelu_s8"


def lower(layer: Layer, _target: Target) -> Lowering:
    positive, negative = requantizations(layer)
    params = Struct(
        f"{_FUNCTION}_params",
        "params",
        (
            ("loops", loops_struct(layer.attributes)),
            ("input_offset", -layer.input(0).type.zero_point),
            ("alpha_offset", -layer.input(1).type.zero_point),
            ("output_offset", layer.output.type.zero_point),
            ("positive_multiplier", positive[0]),
            ("positive_shift", positive[1]),
            ("negative_multiplier", negative[0]),
            ("negative_shift", negative[1]),
        ),
    )
    return binary(layer, _FUNCTION, params, _FUNCTION)


KERNELS = (Kernel(_FUNCTION, MCUQ, "PRELU", never, lower, per_output(30)),)
