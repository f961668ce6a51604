"""The struct of nested loops that element-wise kernels take. No kernel."""

from __future__ import annotations

from mcuq.ir.kernel_call import Struct
from mcuq.ops.elementwise import MAX_LOOPS, Elementwise, Loop


def loops_struct(attributes: Elementwise) -> Struct:
    """``mcuq_broadcast`` for an operator of two tensors."""
    return loops_of(attributes.loops)


def loops_of(loops: tuple[Loop, ...]) -> Struct:
    """``mcuq_broadcast``: the loops, with loops of one step put outside to make four."""
    four = (Loop(1, 0, 0),) * (MAX_LOOPS - len(loops)) + loops
    return Struct(
        "mcuq_broadcast",
        "loops",
        (
            *((f"size_{i}", loop.size) for i, loop in enumerate(four)),
            *((f"step1_{i}", loop.step1) for i, loop in enumerate(four)),
            *((f"step2_{i}", loop.step2) for i, loop in enumerate(four)),
        ),
    )
