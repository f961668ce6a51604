"""mcuq's one-hot vectors: runs every ONE_HOT that the operator allows."""

from __future__ import annotations

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output
from mcuq.ops.one_hot import OneHot, values


def lower(layer: Layer, _target: Target) -> Lowering:
    a: OneHot = layer.attributes
    indices, constants = operand(layer.input(0), "indices")
    params = Struct(
        "mcuq_one_hot_params",
        "params",
        (
            ("prefix", a.prefix),
            ("depth", a.depth),
            ("suffix", a.suffix),
            ("index_words", 2 if layer.input(0).type.dtype is DType.INT64 else 1),
            ("width", layer.output.type.dtype.bytes),
        ),
    )
    both = values(layer)
    table = Constant("values", both.view(np.uint8) if both.dtype == bool else both, "elsewhere, and at the index")
    arguments = (params, ConstantPointer("values"), indices, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall("mcuq_one_hot", arguments, header="mcuq_one_hot.h"),),
        constants=(*constants, table),
        sources=("mcuq_one_hot.c",),
    )


KERNELS = (Kernel("mcuq_one_hot", MCUQ, "ONE_HOT", never, lower, per_output(12)),)
