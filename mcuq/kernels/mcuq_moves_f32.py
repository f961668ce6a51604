"""mcuq's plain C matrix products and bilinear resizing of float32: run every one that the operators allow."""

from __future__ import annotations

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.mcuq_batch_matmul import cycles, loop_fields
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output
from mcuq.ops.float_moves import RealBilinear
from mcuq.ops.floats import named


def lower_product(layer: Layer, _target: Target) -> Lowering:
    left, constants1 = operand(layer.input(0), "left")
    right, constants2 = operand(layer.input(1), "right")
    params = Struct("mcuq_batch_matmul_f32_params", "params", loop_fields(layer.attributes))
    arguments = (params, left, right, TensorPointer(layer.output.name))
    return Lowering(
        calls=(KernelCall("mcuq_batch_matmul_f32", arguments, header="mcuq_batch_matmul_f32.h"),),
        constants=(*constants1, *constants2),
        sources=("mcuq_batch_matmul_f32.c",),
    )


def lower_bilinear(layer: Layer, _target: Target) -> Lowering:
    a: RealBilinear = layer.attributes
    x, constants = operand(layer.input(0), "input")
    batch, height, width, depth = layer.output.shape
    elements = layer.input(0).type.elements // batch
    fields = (("batches", batch), ("height", height), ("width", width), ("depth", depth), ("image", elements))
    made: list[Constant] = []
    for name, places, step in (("row", a.rows, layer.input(0).shape[2] * depth), ("column", a.columns, depth)):
        made.append(Constant(f"{name}s", table([(p.first * step, p.second * step) for p in places], "int32")))
        made.append(Constant(f"{name}_weights", table([p.weight for p in places], "float32")))
    arguments = (
        Struct("mcuq_resize_bilinear_f32_params", "params", fields),
        *(ConstantPointer(constant.name) for constant in made),
        x,
        TensorPointer(layer.output.name),
    )
    return Lowering(
        calls=(KernelCall("mcuq_resize_bilinear_f32", arguments, header="mcuq_resize_bilinear_f32.h"),),
        constants=(*constants, *made),
        sources=("mcuq_resize_bilinear_f32.c",),
    )


KERNELS = (
    Kernel("mcuq_batch_matmul_f32", MCUQ, named("BATCH_MATMUL"), never, lower_product, cycles),
    Kernel("mcuq_resize_bilinear_f32", MCUQ, named("RESIZE_BILINEAR"), never, lower_bilinear, per_output(30)),
)
