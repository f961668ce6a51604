"""mcuq's resizing of images: every RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR that the operators allow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output
from mcuq.ops.resize_bilinear import Bilinear, Place
from mcuq.ops.resize_nearest_neighbor import Nearest


def _lowering(
    layer: Layer, function: str, run: tuple[str, int], rows: npt.ArrayLike, columns: npt.ArrayLike
) -> Lowering:
    """The call that both have in common; ``run`` is the field for a pixel's size."""
    x, constants = operand(layer.input(0), "input")
    batch, height, width, _ = layer.output.shape
    image_bytes = layer.input(0).type.bytes // batch
    params = Struct(
        f"{function}_params",
        "params",
        (("batches", batch), ("height", height), ("width", width), run, ("image_bytes", image_bytes)),
    )
    made = tuple(Constant(name, table(values, "int32")) for name, values in (("rows", rows), ("columns", columns)))
    pointers = (ConstantPointer("rows"), ConstantPointer("columns"))
    return Lowering(
        calls=(KernelCall(function, (params, *pointers, x, TensorPointer(layer.output.name)), f"{function}.h"),),
        constants=(*constants, *made),
        sources=(f"{function}.c",),
    )


def lower_nearest(layer: Layer, _target: Target) -> Lowering:
    a: Nearest = layer.attributes
    _, _, width, depth = layer.input(0).shape
    pixel = depth * layer.output.type.dtype.bytes
    rows, columns = [row * width * pixel for row in a.rows], [column * pixel for column in a.columns]
    return _lowering(layer, "mcuq_resize_nearest", ("run", pixel), rows, columns)


def lower_bilinear(layer: Layer, _target: Target) -> Lowering:
    a: Bilinear = layer.attributes
    _, _, width, depth = layer.input(0).shape

    def rows_of(places: Sequence[Place], step: int) -> list[tuple[int, int, int]]:
        return [(place.first * step, place.second * step, place.weight) for place in places]

    rows, columns = rows_of(a.rows, width * depth), rows_of(a.columns, depth)
    return _lowering(layer, "mcuq_resize_bilinear_s8", ("depth", depth), rows, columns)


KERNELS = (
    Kernel("mcuq_resize_nearest", MCUQ, "RESIZE_NEAREST_NEIGHBOR", never, lower_nearest, per_output(3)),
    Kernel("mcuq_resize_bilinear_s8", MCUQ, "RESIZE_BILINEAR", never, lower_bilinear, per_output(20)),
)
