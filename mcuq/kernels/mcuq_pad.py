"""mcuq's padding: runs every PAD and PADV2 that the operators allow, on every core."""

from __future__ import annotations

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer, Value
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output
from mcuq.ops.float_moves import real_fill
from mcuq.ops.floats import named
from mcuq.ops.pad import MAX_AXES, Pad, PaddedAxis, fill_value
from mcuq.ops.rules import is_wide


def lower(layer: Layer, _target: Target) -> Lowering:
    return _lowering(layer, "mcuq_pad_s16" if is_wide(layer) else "mcuq_pad_s8", fill_value(layer))


def lower_f32(layer: Layer, _target: Target) -> Lowering:
    return _lowering(layer, "mcuq_pad_f32", int(np.float32(real_fill(layer)).view(np.int32)))


def _lowering(layer: Layer, function: str, value: int) -> Lowering:
    a: Pad = layer.attributes
    x, constants = operand(layer.input(0), "input")
    axes = (PaddedAxis(0, 1, 0),) * (MAX_AXES - len(a.axes)) + a.axes
    fields: list[tuple[str, Value]] = []
    for i, axis in enumerate(axes):
        fields += [(f"before_{i}", axis.before), (f"size_{i}", axis.size), (f"after_{i}", axis.after)]
    params = Struct("mcuq_pad_s8_params", "params", (*fields, ("value", value)))
    return Lowering(
        calls=(KernelCall(function, (params, x, TensorPointer(layer.output.name)), header=f"{function}.h"),),
        constants=constants,
        sources=(f"{function}.c",),
    )


_OPERATORS = ("PAD", "PADV2")
KERNELS = (
    *(
        Kernel(name, MCUQ, operator, never, lower, per_output(4), int16=wide)
        for name, wide in (("mcuq_pad_s8", False), ("mcuq_pad_s16", True))
        for operator in _OPERATORS
    ),
    *(Kernel("mcuq_pad_f32", MCUQ, named(operator), never, lower_f32, per_output(4)) for operator in _OPERATORS),
)
