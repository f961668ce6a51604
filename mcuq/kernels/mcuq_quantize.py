"""mcuq's quantization of float tensors and back, in C with single-precision floating point."""

from __future__ import annotations

from mcuq.ir import DType, Layer, TensorType
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.operands import operand
from mcuq.kernels.work import per_output

_SUFFIX = {DType.INT8: "s8", DType.UINT8: "u8", DType.INT16: "s16"}


def refuses_bytes(layer: Layer, _target: Target) -> str | None:
    found = layer.input(0).type.dtype
    return None if found is DType.FLOAT32 else f"the kernel quantizes float32, the input is {found.value}"


def _lowering(layer: Layer, function: str, quantized: TensorType, file: str) -> Lowering:
    """The call that both directions have in common; ``quantized`` is the side with scale and zero point."""
    x, constants = operand(layer.input(0), "input")
    return Lowering(
        calls=(
            KernelCall(
                function,
                (
                    ConstantPointer("scale"),
                    quantized.zero_point,
                    x,
                    TensorPointer(layer.output.name),
                    layer.output.type.elements,
                ),
                header=f"{file}.h",
            ),
        ),
        constants=(Constant("scale", table([quantized.scale], "float32")), *constants),
        sources=(f"{file}.c",),
    )


def lower_quantize(layer: Layer, _target: Target) -> Lowering:
    y = layer.output.type
    return _lowering(layer, f"mcuq_quantize_f32_{_SUFFIX[y.dtype]}", y, "mcuq_quantize_f32")


def lower_dequantize(layer: Layer, _target: Target) -> Lowering:
    x = layer.input(0).type
    return _lowering(layer, f"mcuq_dequantize_{_SUFFIX[x.dtype]}_f32", x, "mcuq_dequantize_f32")


KERNELS = (
    Kernel("mcuq_quantize_f32", MCUQ, "QUANTIZE", refuses_bytes, lower_quantize, per_output(40)),
    Kernel("mcuq_dequantize_f32", MCUQ, "DEQUANTIZE", never, lower_dequantize, per_output(20)),
)
