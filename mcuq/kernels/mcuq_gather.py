"""mcuq's look-up by indices: runs every GATHER, GATHER_ND and EMBEDDING_LOOKUP that the operators allow."""

from __future__ import annotations

import math

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import operand
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.gather import Gather


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Gather = layer.attributes
    data, given = layer.input(a.data), layer.input(a.indices)
    x, constants = operand(data, "input")
    run = a.run * data.type.dtype.bytes
    words = 2 if given.type.dtype is DType.INT64 and given.data is None else 1
    limits = [(size, run * math.prod(a.sizes[i + 1 :])) for i, size in enumerate(a.sizes)]
    made = [*constants, Constant("limits", table(limits, "int32"), "values of each index, and steps in bytes")]
    indices: TensorPointer | ConstantPointer = TensorPointer(given.name)
    if given.data is not None:
        made.append(Constant("indices", given.data.astype(np.int32)))
        indices = ConstantPointer("indices")
    params = Struct(
        "mcuq_gather_params",
        "params",
        (
            ("batches", a.batches),
            ("outer", a.outer),
            ("rows", a.rows),
            ("depth", len(a.sizes)),
            ("index_words", words),
            ("block_bytes", run * math.prod(a.sizes)),
            ("run", run),
        ),
    )
    arguments = (params, ConstantPointer("limits"), x, indices, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall("mcuq_gather", arguments, header="mcuq_gather.h", success="0"),),
        constants=tuple(made),
        sources=("mcuq_gather.c",),
    )


def cycles(layer: Layer, _target: Target) -> int:
    a: Gather = layer.attributes
    return LAYER_CYCLES + a.batches * a.outer * a.rows * 30 + layer.output.type.bytes


KERNELS = tuple(
    Kernel("mcuq_gather", MCUQ, operator, never, lower, cycles)
    for operator in ("GATHER", "GATHER_ND", "EMBEDDING_LOOKUP")
)
