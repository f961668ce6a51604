"""mcuq's plain C of float32, element by element, pair by pair and row by row: runs every such layer."""

from __future__ import annotations

from mcuq.codegen.literals import float_literal
from mcuq.ir import Layer
from mcuq.ir.kernel_call import Argument, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never
from mcuq.kernels.binary import binary
from mcuq.kernels.broadcast import loops_struct
from mcuq.kernels.mcuq_weighted_f32 import clamp_fields
from mcuq.kernels.operands import operand
from mcuq.kernels.overlap import in_place
from mcuq.kernels.work import per_output
from mcuq.ops import relu
from mcuq.ops.comparisons import FUNCTIONS as COMPARISONS
from mcuq.ops.float_activations import relu_ends
from mcuq.ops.float_elementwise import CLAMPED, PLAIN, POWER
from mcuq.ops.float_unary import EXACT, OF_LIBRARIES
from mcuq.ops.floats import ends_of, named, tflite_name

_ORDERS = {"less": -1, "equal": 0, "greater": 1}


def _in_place(layer: Layer, file: str, function: str, *rest: Argument) -> Lowering:
    """``function(input, output, …)``, which may write over its input."""
    x, constants = operand(layer.input(0), "input")
    arguments = (x, TensorPointer(layer.output.name), *rest)
    calls = (KernelCall(function, arguments, header=f"{file}.h"),)
    return Lowering(calls, constants, sources=(f"{file}.c",), overlaps=in_place(layer, 0))


def lower_unary(layer: Layer, _target: Target) -> Lowering:
    name, a = tflite_name(layer.op).lower(), layer.attributes
    rest: tuple[Argument, ...] = ()
    if tflite_name(layer.op) in relu.ENDS:
        name = "bound"
        rest = tuple(real_text(end) for end in relu_ends(layer))
    elif name == "leaky_relu":
        rest = (float_literal(a.alpha),)
    elif name == "gelu" and a.approximate:
        name = "gelu_approximate"
    return _in_place(layer, "mcuq_unary_f32", f"mcuq_{name}_f32", layer.output.type.elements, *rest)


def real_text(value: float) -> str:
    """A float as C, infinity too."""
    return {float("inf"): "INFINITY", float("-inf"): "-INFINITY"}.get(value) or float_literal(value)


def lower_rows(layer: Layer, _target: Target) -> Lowering:
    name = tflite_name(layer.op).lower()
    depth = layer.output.shape[-1]
    rest = (float_literal(layer.attributes.beta),) if name == "softmax" else ()
    rows = layer.output.type.elements // depth
    return _in_place(layer, "mcuq_rows_f32", f"mcuq_{name}_f32", rows, depth, *rest)


def lower_binary(layer: Layer, _target: Target) -> Lowering:
    loops, op = ("loops", loops_struct(layer.attributes)), tflite_name(layer.op)
    if op in COMPARISONS:
        answers = tuple((name, int(COMPARISONS[op](order, 0))) for name, order in _ORDERS.items())
        unordered = ("unordered", int(op == "NOT_EQUAL"))
        params = Struct("mcuq_compare_f32_params", "params", (loops, *answers, unordered))
        return binary(layer, "mcuq_compare_f32", params, "mcuq_binary_f32")
    params = Struct("mcuq_binary_f32_params", "params", (loops, *clamp_fields(ends_of(layer.attributes.activation))))
    return binary(layer, f"mcuq_{op.lower()}_f32", params, "mcuq_binary_f32")


KERNELS = (
    *(
        Kernel("mcuq_unary_f32", MCUQ, named(op), never, lower_unary, per_output(700 if op in OF_LIBRARIES else 12))
        for op in (*EXACT, *OF_LIBRARIES, *relu.ENDS, "LEAKY_RELU", "GELU")
    ),
    *(
        Kernel("mcuq_rows_f32", MCUQ, named(op), never, lower_rows, per_output(700))
        for op in ("SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION")
    ),
    *(
        Kernel("mcuq_binary_f32", MCUQ, named(op), never, lower_binary, per_output(15))
        for op in (*CLAMPED, *PLAIN, POWER, *COMPARISONS)
    ),
)
