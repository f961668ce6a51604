"""mcuq's plain C batched matrix product: runs every BATCH_MATMUL that the operator allows, on every core."""

from __future__ import annotations

from collections.abc import Iterable

from mcuq.ir import Layer
from mcuq.ir.kernel_call import KernelCall, Lowering, Struct, TensorPointer, Value
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.operands import operand
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.batch_matmul import MAX_BATCH_LOOPS, BatchMatmul, requantization
from mcuq.ops.elementwise import Loop


def cycles(layer: Layer, _target: Target) -> int:
    a: BatchMatmul = layer.attributes
    return LAYER_CYCLES + (9 * a.depth + 30) * layer.output.type.elements


def loop_fields(a: BatchMatmul) -> tuple[tuple[str, Value], ...]:
    """Batches, sizes and steps as fields of a C struct."""
    loops = (Loop(1, 0, 0),) * (MAX_BATCH_LOOPS - len(a.batches)) + a.batches
    return (
        ("batches", _array(loop.size for loop in loops)),
        ("left_batch", _array(loop.step1 * a.rows * a.depth for loop in loops)),
        ("right_batch", _array(loop.step2 * a.depth * a.columns for loop in loops)),
        ("rows", a.rows),
        ("depth", a.depth),
        ("columns", a.columns),
        ("left_row", 1 if a.transposed_left else a.depth),
        ("left_step", a.rows if a.transposed_left else 1),
        ("right_column", a.depth if a.transposed_right else 1),
        ("right_step", 1 if a.transposed_right else a.columns),
    )


def lower(layer: Layer, _target: Target) -> Lowering:
    left, constants1 = operand(layer.input(0), "left")
    right, constants2 = operand(layer.input(1), "right")
    multiplier, shift = requantization(layer)
    params = Struct(
        "mcuq_batch_matmul_s8_params",
        "params",
        (
            *loop_fields(layer.attributes),
            ("left_offset", -layer.input(0).type.zero_point),
            ("right_offset", -layer.input(1).type.zero_point),
            ("multiplier", multiplier),
            ("shift", shift),
            ("output_offset", layer.output.type.zero_point),
        ),
    )
    arguments = (params, left, right, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall("mcuq_batch_matmul_s8", arguments, header="mcuq_batch_matmul_s8.h"),),
        constants=(*constants1, *constants2),
        sources=("mcuq_batch_matmul_s8.c",),
    )


def _array(values: Iterable[int]) -> str:
    """The initialiser of an array member."""
    return f"{{{', '.join(map(str, values))}}}"


KERNELS = (Kernel("mcuq_batch_matmul_s8", MCUQ, "BATCH_MATMUL", never, lower, cycles),)
