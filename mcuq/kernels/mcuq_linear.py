"""mcuq's ADD and SUB for cores with the DSP extension: one linear form, proven on all pairs of inputs.

LiteRT rounds five times on the way to a sum, but far below a step of the output; so ``C + A·q1 + B·q2``, in units of
``2**-20`` of the output's step, gives the same bytes wherever no pair of inputs falls between. For given A and B, each
of the 65,536 pairs bounds C from one side or both; a form exists when the bounds leave a C. Only scales with a common
measure, which make many exact ties, leave none.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcuq.fixedpoint import requantize_double
from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.dsp import needs_dsp, needs_whole_range
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops.add import LEFT_SHIFT, scaling

SHIFT = 20
_FACTOR_SHIFT = 28
_TRIES = 4
_INT32_END = 1 << 31

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LinearForm:
    """``saturate((constant + (factor1·q1 >> 8) + (factor2·q2 >> 8)) >> 20)``."""

    factor1: int
    factor2: int
    constant: int


def refuses(layer: Layer, target: Target) -> str | None:
    if (reason := needs_dsp(target)) is not None:
        return reason
    if (reason := needs_whole_range(layer)) is not None:
        return reason
    return None if linear_form(layer) is not None else "no linear form is exact for all pairs of inputs"


@functools.lru_cache(maxsize=64)
def linear_form(layer: Layer) -> LinearForm | None:
    """A form that gives the reference's bytes for all pairs of inputs, or None."""
    x1, x2, y = (tensor.type for tensor in (layer.input(0), layer.input(1), layer.output))
    sign = -1 if layer.op == "SUB" else 1
    q = np.arange(-128, 128, dtype=np.int64)
    factors = scaling(layer)
    scaled1 = requantize_double((q - x1.zero_point) << LEFT_SHIFT, *factors.input1)
    scaled2 = requantize_double((q - x2.zero_point) << LEFT_SHIFT, *factors.input2)
    total = scaled1[:, None] + sign * scaled2[None, :]
    outputs = np.clip(requantize_double(total, *factors.output) + y.zero_point, -128, 127)
    nearest = [round(x.scale / y.scale * 2**_FACTOR_SHIFT) for x in (x1, x2)]
    offsets = sorted(range(-_TRIES, _TRIES + 1), key=abs)
    for change in sorted(((i, j) for i in offsets for j in offsets), key=lambda c: abs(c[0]) + abs(c[1])):
        factor1, factor2 = nearest[0] + 2 * change[0], sign * (nearest[1] + 2 * change[1])
        if max(abs(factor1), abs(factor2)) >= _INT32_END:
            return None
        terms1, terms2 = factor1 * q >> 8, factor2 * q >> 8
        found = _constant(terms1[:, None] + terms2[None, :], outputs)
        if found is not None and abs(found) + int(np.abs(terms1).max()) + int(np.abs(terms2).max()) < _INT32_END:
            return LinearForm(factor1, factor2, found)
    return None


def _constant(sums: IntArray, outputs: IntArray) -> int | None:
    """The middle one of the C with ``saturate((C + sums) >> SHIFT) == outputs`` for every pair; None without any."""
    floors, ends = (outputs << SHIFT) - sums, ((outputs + 1) << SHIFT) - sums
    low = int(floors.max(initial=-_INT32_END, where=outputs > -128))
    high = int(ends.min(initial=_INT32_END, where=outputs < 127)) - 1
    constant = (low + high) // 2
    return constant if low <= high else None


def summing(layer: Layer, function: str) -> Lowering:
    """The call of a sum that takes these parameters, by its function's name."""
    form = linear_form(layer)
    assert form is not None
    input1, constants1 = operand(layer.input(0), "input1")
    input2, constants2 = operand(layer.input(1), "input2")
    params = Struct(
        "mcuq_linear_s8_params",
        "params",
        (
            ("loops", loops_struct(layer.attributes)),
            ("factor1", form.factor1),
            ("factor2", form.factor2),
            ("constant", form.constant),
        ),
    )
    arguments = (params, input1, input2, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall(function, arguments, header=f"{function}.h"),),
        constants=(*constants1, *constants2),
        sources=(f"{function}.c",),
        overlaps=in_place(layer, 0, 1),
    )


def lower(layer: Layer, _target: Target) -> Lowering:
    return summing(layer, "mcuq_linear_s8")


KERNELS = tuple(
    Kernel("mcuq_linear_s8", MCUQ, operator, refuses, lower, per_output(7.5)) for operator in ("ADD", "SUB")
)
