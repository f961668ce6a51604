"""Operators that the quantizer does not know, quantized as one that it does: each has a stand-in while it works.

The ranges come from the model before, so only the form of the quantization is the stand-in's: which tensors are int8,
and whether scales are one's own, shared or fixed. ARG_MAX and ARG_MIN need none: of real numbers and of their int8 the
answer is the same, so they read the int8 itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.flatbuffer import add_constant, operator_name, tensor_name, use_operator

_NONE = schema.BuiltinOptions.NONE
_STAND_INS: Mapping[str, str] = {
    **dict.fromkeys(("LEAKY_RELU", "EXP", "LOG", "ABS", "RELU_N1_TO_1", "RELU_0_TO_1"), "RELU"),
    "PRELU": "MUL",
    "MINIMUM": "MAXIMUM",
    "REDUCE_MAX": "REDUCE_MIN",
    "L2_NORMALIZATION": "TANH",
    "REVERSE_V2": "RESHAPE",
    "LOG_SOFTMAX": "SOFTMAX",
    **dict.fromkeys(("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"), "EQUAL"),
}
_OPTIONS: Mapping[str, tuple[int, Any]] = {
    "MUL": (schema.BuiltinOptions.MulOptions, schema.MulOptionsT),
    "MAXIMUM": (schema.BuiltinOptions.MaximumMinimumOptions, schema.MaximumMinimumOptionsT),
    "SOFTMAX": (schema.BuiltinOptions.SoftmaxOptions, schema.SoftmaxOptionsT),
    "EQUAL": (schema.BuiltinOptions.EqualOptions, schema.EqualOptionsT),
}
"""Of stand-ins that need options other than the operator's own."""

_FIXED = {"LOG_SOFTMAX": (1 / 16, 127)}
"""Scale and zero point of outputs where the operator's are fixed and not those of its stand-in."""

_OF_THE_GREATEST = ("ARG_MAX", "ARG_MIN")


@dataclass(frozen=True, slots=True)
class Replaced:
    """An operator as it was, with the name of its second input, which the stand-in may lack."""

    name: str
    options_type: int
    options: Any
    second: str | None


def use_stand_ins(model: Any) -> Mapping[str, Replaced]:
    """Changes the ``ModelT`` tree in place; returns what was replaced, by the name of its output."""
    subgraph = model.subgraphs[0]
    replaced = {}
    for operator in subgraph.operators:
        name = operator_name(model, operator)
        stand_in = _STAND_INS.get(name)
        if stand_in is None:
            continue
        output = tensor_name(subgraph.tensors[operator.outputs[0]])
        second = tensor_name(subgraph.tensors[operator.inputs[1]]) if len(operator.inputs) > 1 else None
        replaced[output] = Replaced(name, operator.builtinOptionsType, operator.builtinOptions, second)
        kind, options = _OPTIONS.get(stand_in, (_NONE, None))
        if stand_in == "REDUCE_MIN":
            kind, options = operator.builtinOptionsType, operator.builtinOptions
        if stand_in == "RESHAPE":
            shape = np.array(subgraph.tensors[operator.outputs[0]].shape, np.int32)
            operator.inputs = [operator.inputs[0], add_constant(model, f"{output}/shape", shape)]
        use_operator(model, operator, stand_in, kind, options() if callable(options) else options)
    return replaced


def restore(model: Any, replaced: Mapping[str, Replaced]) -> None:
    """Gives the operators of the quantized model back their kinds, and lets ARG_MAX and ARG_MIN read int8."""
    subgraph = model.subgraphs[0]
    by_name = {tensor_name(tensor): index for index, tensor in enumerate(subgraph.tensors)}
    whole = {}  # what a DEQUANTIZE writes → what it reads
    for operator in subgraph.operators:
        name = operator_name(model, operator)
        if name == "DEQUANTIZE":
            whole[int(operator.outputs[0])] = int(operator.inputs[0])
            continue
        output = subgraph.tensors[operator.outputs[0]]
        before = replaced.get(tensor_name(output))
        if before is not None and name == _STAND_INS[before.name]:
            use_operator(model, operator, before.name, before.options_type, before.options)
            if _STAND_INS[before.name] == "RESHAPE" and before.second is not None:
                operator.inputs = [operator.inputs[0], by_name[before.second]]
            if before.name in _FIXED and output.quantization is not None:
                scale, zero_point = _FIXED[before.name]
                output.quantization.scale = np.array([scale], np.float32)
                output.quantization.zeroPoint = np.array([zero_point], np.int64)
        if name in _OF_THE_GREATEST and int(operator.inputs[0]) in whole:
            operator.inputs = [whole[int(operator.inputs[0])], *operator.inputs[1:]]
    read = {int(index) for operator in subgraph.operators for index in operator.inputs}
    read |= {int(index) for index in subgraph.outputs}
    subgraph.operators = [
        operator
        for operator in subgraph.operators
        if operator_name(model, operator) != "DEQUANTIZE" or int(operator.outputs[0]) in read
    ]
