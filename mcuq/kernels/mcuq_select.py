"""mcuq's plain C selection: runs every SELECT and SELECT_V2 that the operators allow, on every core."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.broadcast import loops_of
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops.elementwise import MAX_LOOPS, Loop


def lower(layer: Layer, _target: Target) -> Lowering:
    loops = layer.attributes.loops
    steps = (0,) * (MAX_LOOPS - len(loops)) + tuple(moves[0] for _, moves in loops)
    params = Struct(
        "mcuq_select_params",
        "params",
        (
            ("loops", loops_of(tuple(Loop(size, yes, no) for size, (_, yes, no) in loops))),
            *((f"condition_step_{i}", step) for i, step in enumerate(steps)),
        ),
    )
    operands = [operand(layer.input(index), name) for index, name in enumerate(("condition", "yes", "no"))]
    function = f"mcuq_select_{8 * layer.output.type.dtype.bytes}"
    arguments = (params, *(argument for argument, _ in operands), TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall(function, arguments, header="mcuq_select.h"),),
        constants=tuple(constant for _, constants in operands for constant in constants),
        sources=("mcuq_select.c",),
        overlaps=in_place(layer, 0, 1, 2),
    )


KERNELS = tuple(
    Kernel("mcuq_select", MCUQ, operator, never, lower, per_output(10)) for operator in ("SELECT", "SELECT_V2")
)
