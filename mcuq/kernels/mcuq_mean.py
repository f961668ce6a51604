"""mcuq's plain C mean: runs every MEAN that the operator allows, on every core."""

from __future__ import annotations

import math

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.work import per_input
from mcuq.ops.mean import Mean, count, requantization

Loop = tuple[int, int]
"""Size, and step in the input in elements."""

LOOPS = 3
"""How many kept axes, and how many averaged ones, the C function has loops for: enough for any six axes."""


def loops(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[tuple[Loop, ...], tuple[Loop, ...]]:
    """Kept and averaged axes, outermost first; neighbours of one kind are merged, axes of size 1 dropped."""
    kinds: dict[bool, list[Loop]] = {False: [], True: []}
    last: bool | None = None
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        reduced, step = axis in axes, math.prod(shape[axis + 1 :])
        outer = kinds[reduced].pop()[0] if reduced == last else 1
        kinds[reduced].append((outer * size, step))
        last = reduced
    return tuple(kinds[False]), tuple(kinds[True])


def averaging(layer: Layer, function: str) -> Lowering:
    """The call of a mean that takes these parameters, by its function's name."""
    a: Mean = layer.attributes
    x, y = layer.input(0), layer.output
    multiplier, shift = requantization(layer)
    fields: list[tuple[str, int]] = []
    for kind, found in zip(("kept", "reduced"), loops(x.shape, a.axes), strict=True):
        padded = ((1, 0),) * (LOOPS - len(found)) + found
        fields += [(f"{kind}_size_{i}", size) for i, (size, _) in enumerate(padded)]
        fields += [(f"{kind}_step_{i}", step) for i, (_, step) in enumerate(padded)]
    params = Struct(
        "mcuq_mean_s8_params",
        "params",
        (
            *fields,
            ("sum_offset", -x.type.zero_point * count(layer)),
            ("multiplier", multiplier),
            ("shift", shift),
            ("output_offset", y.type.zero_point),
        ),
    )
    arguments = (params, TensorPointer(x.name), TensorPointer(y.name))
    return Lowering(calls=(KernelCall(function, arguments, header=f"{function}.h"),), sources=(f"{function}.c",))


def lower(layer: Layer, _target: Target) -> Lowering:
    return averaging(layer, "mcuq_mean_s8")


KERNELS = (Kernel("mcuq_mean_s8", MCUQ, "MEAN", never, lower, per_input(6)),)
