"""mcuq's plain C ARG_MAX and ARG_MIN: runs every one that the operators allow, on every core."""

from __future__ import annotations

import math

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_input

_FUNCTION = "mcuq_arg_extreme_8"
_FLIPS = {"ARG_MAX": 0, "ARG_MIN": -1}


def lower(layer: Layer, _target: Target) -> Lowering:
    x, constants = operand(layer.input(0), "input")
    shape, axis = layer.input(0).shape, layer.attributes.axis
    params = Struct(
        f"{_FUNCTION}_params",
        "params",
        (
            ("outer", math.prod(shape[:axis])),
            ("axis", shape[axis]),
            ("inner", math.prod(shape[axis + 1 :])),
            ("flip", _FLIPS[layer.op]),
            ("words", layer.output.type.dtype.bytes // 4),
        ),
    )
    return Lowering(
        calls=(KernelCall(_FUNCTION, (params, x, TensorPointer(layer.output.name)), header=f"{_FUNCTION}.h"),),
        constants=constants,
        sources=(f"{_FUNCTION}.c",),
    )


KERNELS = tuple(Kernel(_FUNCTION, MCUQ, operator, never, lower, per_input(8)) for operator in _FLIPS)
