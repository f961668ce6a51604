"""mcuq's ring of frames: pushes and reads of RING, on every core."""

from __future__ import annotations

import math

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.ring import Ring

HEADER = "mcuq_ring.h"
RUN_CYCLES = 40


def cycles(layer: Layer, _target: Target) -> int:
    a: Ring = layer.attributes
    moved = (layer.input(0), *layer.written)
    runs = sum(math.prod(tensor.shape[: a.axis + 1]) for tensor in moved)
    return LAYER_CYCLES + RUN_CYCLES * runs + sum(tensor.type.bytes for tensor in moved) // 2


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Ring = layer.attributes
    x, ring, place = (layer.input(index) for index in range(3))
    params = Struct(
        "mcuq_ring_params",
        "params",
        (
            ("rows", math.prod(x.shape[: a.axis])),
            ("row_bytes", math.prod(x.shape[a.axis + 1 :]) * x.type.dtype.bytes),
            ("capacity", ring.shape[0]),
        ),
    )
    states = (TensorPointer(ring.name), TensorPointer(place.name))
    calls = [KernelCall("mcuq_ring_push", (params, TensorPointer(x.name), x.shape[a.axis], *states), HEADER)]
    calls += [
        KernelCall("mcuq_ring_read", (params, *states, one.age, one.count, one.step, TensorPointer(y.name)), HEADER)
        for one, y in zip(a.reads, layer.written, strict=True)
    ]
    return Lowering(calls=tuple(calls), sources=("mcuq_ring.c",))


KERNELS = (Kernel("mcuq_ring", MCUQ, "RING", never, lower, cycles),)
