"""mcuq's plain C maximum and minimum of bytes, which are OR and AND of bools."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.binary import binary
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.work import per_output

_FUNCTIONS = {
    "MAXIMUM": "mcuq_maximum_8",
    "MINIMUM": "mcuq_minimum_8",
    "LOGICAL_OR": "mcuq_maximum_8",
    "LOGICAL_AND": "mcuq_minimum_8",
}


def lower(layer: Layer, _target: Target) -> Lowering:
    return binary(layer, _FUNCTIONS[layer.op], loops_struct(layer.attributes), "mcuq_extremes_8")


KERNELS = tuple(
    Kernel(function, MCUQ, operator, never, lower, per_output(9)) for operator, function in _FUNCTIONS.items()
)
