"""Each rule of the element-wise, shape and softmax operators, on a layer that breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from mcuq.errors import UnsupportedError
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import DType
from mcuq.ops.base import Case, Operand
from tests.harness.tflite_writer import write_case

SHAPE = (1, 4, 3)
FLOAT = Operand(SHAPE, dtype=DType.FLOAT32)
INT32 = Operand(SHAPE, dtype=DType.INT32)
BOOL = Operand(SHAPE, dtype=DType.BOOL)


def q(*shape: int, scale: float = 0.05, zero_point: int = -7, **rest: Any) -> Operand:
    return Operand(shape or SHAPE, scale, zero_point, **rest)


def ints(values: Any, *shape: int, dtype: DType = DType.INT32) -> Operand:
    return Operand(shape, dtype=dtype, data=values)


SOFT = q(scale=1 / 256, zero_point=-128)
WIDE = q(dtype=DType.INT16, zero_point=0)
PER_CHANNEL = Operand(SHAPE, (0.1, 0.2, 0.3), axis=2, data="random")
NO_PADDING = ints([[0, 0], [0, 0], [0, 0]], 3, 2)

BROKEN: tuple[tuple[str, tuple[Operand, ...], Operand, dict[str, Any], str], ...] = (
    ("ADD", (q(), FLOAT), q(), {}, "input 1 is float32, int8 is needed"),
    ("ADD", (q(), q()), FLOAT, {}, "the output is float32, int8 is needed"),
    ("ADD", (q(), PER_CHANNEL), q(), {}, "input 1 is not quantized with one scale"),
    ("ADD", (q(),), q(), {}, "has no input 1"),
    ("ADD", (q(1, 4, 3), q(4)), q(), {}, "the shapes (1, 4, 3) and (4,) cannot be broadcast"),
    ("ADD", (q(), q()), q(1, 12), {}, "the output is (1, 12), the inputs give (1, 4, 3)"),
    ("ADD", (q(2, 1, 2, 1, 2), q(1, 2, 1, 2, 1)), q(2, 2, 2, 2, 2), {}, "takes 5 nested loops, at most 4"),
    ("ADD", (q(), q()), q(), {"fused_activation_function": 4}, "fused activation TANH is not a clamp"),
    ("ADD", (q(), q()), q(), {"fused_activation_function": 77}, "77 is not a valid Activation"),
    ("ADD", (q(scale=1.0), q(scale=1.0)), q(scale=1e-6), {}, "the output's scale 1e-06 is too fine"),
    ("SUB", (q(scale=1.0), q(scale=1.0)), q(scale=1e-6), {}, "the output's scale 1e-06 is too fine"),
    ("MUL", (q(scale=100.0), q(scale=10.0)), q(scale=0.01), {}, "the product is scaled up by 2**17"),
    ("RELU", (q(),), FLOAT, {}, "the output is float32, int8 or int16 is needed"),
    ("ADD", (FLOAT, INT32), FLOAT, {}, "input 1 is int32"),
    ("ELU", (FLOAT,), FLOAT, {}, "operator not supported"),
    ("SIN", (q(),), q(), {}, "operator not supported for int8; mcuq has it for float32 alone"),
    ("RELU", (q(1, 12),), q(), {}, "the output is (1, 4, 3), the input (1, 12)"),
    ("RELU6", (q(scale=1.0),), q(scale=1e-8), {}, "the input is scaled up by 2**27"),
    ("RELU_0_TO_1", (q(scale=1e-12),), q(scale=1e-12), {}, "1 is past int32 in steps of 1e-12"),
    ("ADD", (q(), q()), q(scale=1e-12), {"fused_activation_function": 3}, "6 is past int32 in steps of 1e-12"),
    ("LEAKY_RELU", (q(),), q(), {"alpha": float("nan")}, "alpha is nan"),
    ("LEAKY_RELU", (q(scale=1.0),), q(), {"alpha": 1e9}, "the input is scaled up by 2**30"),
    ("HARD_SWISH", (q(scale=1.0),), q(scale=0.007), {}, "the input's scale is 2**7 times the output's or more"),
    ("ABS", (q(scale=1.0),), q(scale=1e-8), {}, "the input is scaled up by 2**27"),
    ("NEG", (q(1, 12),), q(), {}, "the output is (1, 4, 3), the input (1, 12)"),
    ("SQRT", (q(scale=1.0),), q(scale=1e-9), {}, "the root reaches 1.6e+10 steps of the output"),
    ("RSQRT", (q(scale=1e-9),), q(scale=1e-9), {}, "the factor to the output's scale has the exponent 30"),
    ("EXP", (q(scale=1.0),), q(), {}, "the function reaches inf steps of the output"),
    ("GELU", (q(),), q(scale=1e-5), {}, "the output's scale is 1e-05, too fine"),
    ("MAXIMUM", (q(), FLOAT), q(), {}, "input 1 is float32, int8 is needed"),
    ("LOGICAL_AND", (BOOL, q()), BOOL, {}, "input 1 is int8, bool is needed"),
    ("LOGICAL_NOT", (BOOL,), q(), {}, "the output is int8, bool is needed"),
    ("SQUARED_DIFFERENCE", (q(scale=1.0), q()), q(scale=1e-4), {}, "the output's scale 0.0001 is too fine"),
    ("PRELU", (q(3), q(1, 4, 3)), q(), {}, "the output is (1, 4, 3), the input (3,)"),
    ("PRELU", (q(scale=1.0), q(scale=9.0)), q(scale=1e-5), {}, "values are scaled up by 2**17 and 2**20"),
    ("EQUAL", (q(), INT32), BOOL, {}, "input 1 is int32, input 0 int8"),
    ("EQUAL", (q(), q(scale=1.0)), BOOL, {}, "the scale of input 1 is 1, less than 1 is needed"),
    ("LESS", (BOOL, BOOL), BOOL, {}, "input 0 is bool, int8 or int32 is needed"),
    ("GREATER", (q(), PER_CHANNEL), BOOL, {}, "input 1 is not quantized with one scale"),
    ("CAST", (FLOAT,), INT32, {}, "input 0 is float32, bool or int8"),
    ("CAST", (q(),), q(1, 12), {}, "the output is (1, 12), the input (1, 4, 3)"),
    ("SELECT", (q(), q(), q()), q(), {}, "the condition is int8, bool is needed"),
    ("SELECT", (BOOL, q(), INT32), q(), {}, "input 2 is int32, input 1 int8"),
    ("SELECT", (BOOL, q(), q(3)), q(), {}, "a shape is (3,), broadcasting gives (1, 4, 3)"),
    ("SELECT_V2", (BOOL, q(), q()), INT32, {}, "the output is int32, the inputs are int8"),
    ("SELECT_V2", (BOOL, q(), q()), q(1, 12), {}, "a shape is (1, 12), broadcasting gives (1, 4, 3)"),
    ("ARG_MAX", (q(), ints(3)), INT32, {"output_type": 2}, "axis 3 of a tensor with 3 dimensions"),
    ("ARG_MAX", (q(), ints(2)), INT32, {"output_type": 2}, "the output is (1, 4, 3), not (1, 4)"),
    ("ARG_MAX", (q(), ints([1, 2], 2)), INT32, {"output_type": 2}, "the axis is int32[2], one int32 number is needed"),
    ("ARG_MIN", (q(), ints(None)), INT32, {"output_type": 2}, "the axis (input 1) must be constant"),
    ("ARG_MIN", (FLOAT, ints(2)), INT32, {"output_type": 2}, "input 0 is float32, int8 or bool is needed"),
    (
        "REDUCE_MAX", (q(), ints([2], 1)), q(1, 4, scale=0.1), {},
        "the input has scale 0.05 and zero point -7, the output 0.1",
    ),
    ("REDUCE_MIN", (q(), ints([2], 1)), q(1, 3), {}, "the output is (1, 3), not (1, 4)"),
    ("REDUCE_ANY", (q(), ints([2], 1)), q(1, 4), {}, "input 0 is int8, bool is needed"),
    ("DIV", (q(), q()), q(), {}, "places, LiteRT defines 0 to 31"),
    ("DIV", (q(), q(1, data=-7)), q(scale=0.001), {}, "a divisor is zero"),
    ("FLOOR_DIV", (q(), q(1, data=0)), q(), {}, "a divisor is 0"),
    ("L2_NORMALIZATION", (q(),), q(), {}, "the output has scale 0.05 and zero point -7"),
    ("L2_NORMALIZATION", (q(),), q(), {"fused_activation_function": 1}, "fused activation RELU"),
    ("L2_NORMALIZATION", (q(33026),), q(33026, scale=1 / 128, zero_point=0), {}, "the last axis has 33026 elements"),
    ("LOG_SOFTMAX", (q(),), q(), {}, "the output has scale 0.05 and zero point -7"),
    ("LOG_SOFTMAX", (q(scale=1e-9),), q(scale=1 / 16, zero_point=127), {}, "beta times the input's scale is 1e-09"),
    ("ADD_N", (INT32, q()), INT32, {}, "input 1 is int8[1x4x3], the output int32[1x4x3]"),
    ("ADD_N", (INT32,), INT32, {}, "there is one input, two are needed"),
    ("CUMSUM", (FLOAT, ints(1)), FLOAT, {}, "input 0 is float32, int32 is needed"),
    ("CUMSUM", (INT32, ints(3)), INT32, {}, "axis 3 of a tensor with 3 dimensions"),
    ("CUMSUM", (INT32, ints(1, dtype=DType.INT64)), INT32, {}, "the axis is int64[]"),
    ("FILL", (ints([1, 4], 2), Operand((), 0.05, -7)), q(), {}, "the output is (1, 4, 3), not (1, 4)"),
    ("FILL", (ints([1, 4, 3], 3), Operand((), 0.05, 3)), q(), {}, "the value is int8[], the output int8[1x4x3]"),
    ("ZEROS_LIKE", (q(),), q(), {}, "input 0 is int8, int32 or int64 is needed"),
    ("SUM", (q(scale=1.0), ints([2], 1)), q(1, 4, scale=1e-8), {}, "the sum may reach"),
    ("LOGISTIC", (q(),), q(), {}, "the output's scale is 0.05, 1/256 is needed"),
    ("TANH", (q(1, 12),), q(), {}, "the output is (1, 4, 3), the input (1, 12)"),
    ("QUANTIZE", (FLOAT,), FLOAT, {}, "the output is float32, int8 or uint8 or int16 is needed"),
    ("QUANTIZE", (INT32,), q(), {}, "input 0 is int32, int8 or uint8 or int16 is needed"),
    ("QUANTIZE", (q(dtype=DType.INT16, zero_point=3),), q(), {}, "an int16 tensor has a zero point other than 0"),
    ("QUANTIZE", (WIDE,), q(dtype=DType.UINT8, zero_point=3), {}, "int16 on one side, uint8 on the other"),
    ("QUANTIZE", (WIDE,), q(scale=1e-6), {}, "the input is scaled up by 2**16"),
    ("LOGISTIC", (WIDE,), WIDE, {}, "the output's scale is 0.05, 1/32768 is needed"),
    ("SOFTMAX", (WIDE,), WIDE, {"beta": 1.0}, "the output has scale 0.05 and zero point 0"),
    ("QUANTIZE", (q(scale=1.0),), q(scale=1e-8), {}, "the input is scaled up by 2**27"),
    ("DEQUANTIZE", (FLOAT,), FLOAT, {}, "the input is float32[1x4x3], int8, uint8 or int16 with"),
    ("DEQUANTIZE", (q(),), q(), {}, "the output is int8, float32 is needed"),
    ("RESHAPE", (q(),), q(1, 13), {}, "the input is int8[1x4x3], the output int8[1x13]"),
    ("RESHAPE", (q(),), FLOAT, {}, "the input is int8[1x4x3], the output float32[1x4x3]"),
    ("RESHAPE", (q(), ints([2, 6], 2)), q(1, 12), {}, "the output is (1, 12), (2, 6) is asked for"),
    ("RESHAPE", (q(), ints([-1, -1], 2)), q(1, 12), {}, "has more than one -1"),
    ("RESHAPE", (q(),), q(1, 12), {"new_shape": [12]}, "the output is (1, 12), (12,) is asked for"),
    ("RESHAPE", (q(), ints([1, 12], 2, dtype=DType.INT64)), q(1, 12), {}, "the shape or axis is int64"),
    ("SQUEEZE", (q(),), q(4, 3), {"squeeze_dims": [1]}, "are not all of size 1"),
    ("SQUEEZE", (q(),), q(4, 3), {"squeeze_dims": [3]}, "axes [3] of a tensor with 3 dimensions"),
    ("EXPAND_DIMS", (q(), ints(5)), q(1, 1, 4, 3), {}, "axis 5 of a tensor with 3 dimensions"),
    ("EXPAND_DIMS", (q(), ints(None)), q(1, 1, 4, 3), {}, "the axis is not one constant"),
    ("CONCATENATION", (q(), q(scale=0.1)), q(1, 4, 6), {"axis": 2}, "input 1 has scale 0.1 and zero point -7"),
    ("CONCATENATION", (q(), q(zero_point=3)), q(1, 4, 6), {"axis": 2}, "input 1 has scale 0.05 and zero point 3"),
    ("CONCATENATION", (q(), FLOAT), q(1, 4, 6), {"axis": 2}, "input 1 is float32"),
    ("CONCATENATION", (q(), q(1, 3, 3)), q(1, 4, 6), {"axis": 2}, "input 1 is (1, 3, 3), the output (1, 4, 6)"),
    ("CONCATENATION", (q(), q()), q(1, 4, 7), {"axis": 2}, "sum to 6, not 7"),
    ("CONCATENATION", (q(), q()), q(1, 4, 6), {"axis": 3}, "axis 3 of a tensor with 3 dimensions"),
    ("CONCATENATION", (q(), q()), q(1, 4, 6), {"axis": 2, "fused_activation_function": 1}, "fused activation RELU"),
    ("PAD", (q(), ints(None, 3, 2)), q(), {}, "the paddings are not int32 or int64 constants"),
    ("PAD", (q(), ints([[0, 0]], 1, 2)), q(), {}, "the paddings have the shape (1, 2)"),
    ("PAD", (q(), ints([[0, 0], [2, -1], [0, 0]], 3, 2)), q(1, 5, 3), {}, "padding of -1 elements"),
    ("PAD", (q(), NO_PADDING), q(1, 5, 3), {}, "the output is (1, 5, 3), the padding gives (1, 4, 3)"),
    ("PAD", (q(1, 1, 1, 1, 1), ints([[1, 0]] * 5, 5, 2)), q(2, 2, 2, 2, 2), {}, "padding along 5 axes"),
    ("PAD", (FLOAT, NO_PADDING), q(), {}, "input 0 is float32"),
    ("PADV2", (q(), NO_PADDING, q(1)), q(), {}, "the value to pad with is not one constant of the"),
    ("PADV2", (q(), NO_PADDING, q(1, scale=1.0, data=3)), q(), {}, "is not quantized like the output"),
    ("SOFTMAX", (q(),), q(), {"beta": 1.0}, "the output has scale 0.05 and zero point -7"),
    ("SOFTMAX", (q(1, 4096),), q(1, 4096, scale=1 / 256, zero_point=-128), {"beta": 1.0}, "has 4096 elements"),
    ("SOFTMAX", (q(),), SOFT, {}, "beta times the input's scale is 0"),
    ("SOFTMAX", (q(scale=1e-9),), SOFT, {"beta": 1.0}, "beta times the input's scale is 1e-09"),
    ("SOFTMAX", (q(1, 12),), SOFT, {"beta": 1.0}, "the output is (1, 4, 3), the input (1, 12)"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "inputs", "output", "options", "rule"), BROKEN, ids=[f"{b[0]}-{b[4][:40]}" for b in BROKEN]
)
def test_a_layer_that_breaks_a_rule_is_refused_in_words(
    operator: str, inputs: tuple[Operand, ...], output: Operand, options: dict[str, Any], rule: str
) -> None:
    content = write_case(operator, Case("broken", inputs, (output,), options))
    with pytest.raises(UnsupportedError) as caught:
        bind(read_tflite(content, "model"))
    (blocker,) = caught.value.details
    assert operator in blocker and rule in blocker, blocker
