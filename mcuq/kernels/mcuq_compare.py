"""mcuq's plain C comparisons: run every one that the operators allow, on every core."""

from __future__ import annotations

from mcuq.ir import DType, Layer, Tensor
from mcuq.ir.kernel_call import Lowering, Struct, Value
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.binary import binary
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.work import per_output
from mcuq.ops.comparisons import FUNCTIONS, requantization

_ORDERS = (-1, 0, 1)
"""Of the first input to the second: less, equal, greater."""


def _scaling(tensor: Tensor) -> tuple[int, int, int]:
    """Offset, multiplier and shift; a bool is multiplied by a half, which keeps 0 and 1 apart."""
    if tensor.type.dtype is DType.INT8:
        return (-tensor.type.zero_point, *requantization(tensor))
    return (0, 1 << 30, 0)


def lower(layer: Layer, _target: Target) -> Lowering:
    answers = [int(FUNCTIONS[layer.op](order, 0)) for order in _ORDERS]
    fields: list[tuple[str, Value]] = [("loops", loops_struct(layer.attributes))]
    fields += zip(("less", "equal", "greater"), answers, strict=True)
    of_bytes = layer.input(0).type.dtype is not DType.INT32
    for index in range(2) if of_bytes else ():
        names = (f"input{index + 1}_{what}" for what in ("offset", "multiplier", "shift"))
        fields += zip(names, _scaling(layer.input(index)), strict=True)
    function = "mcuq_compare_s8" if of_bytes else "mcuq_compare_s32"
    return binary(layer, function, Struct("mcuq_compare_params", "params", tuple(fields)), "mcuq_compare")


KERNELS = tuple(Kernel("mcuq_compare", MCUQ, operator, never, lower, per_output(35)) for operator in FUNCTIONS)
