"""Operators that the quantizer does not know, or whose int8 kernels are no good, made of others. Exact in float.

SQUARE is a product with itself, NEG one with -1, SUM the mean times the count (LiteRT's reference SUM reads int8 as
uint8), and ELU, which LiteRT's reference kernels lack, ``relu(x) + (exp(min(x, 0)) - 1)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.flatbuffer import add_constant, operator_name, tensor_name, use_operator

_MUL = schema.BuiltinOptions.MulOptions
_ADD = schema.BuiltinOptions.AddOptions
_EXTREME = schema.BuiltinOptions.MaximumMinimumOptions


def rewrite(model: Any) -> None:
    """Changes the ``ModelT`` tree in place, float32 operators only."""
    subgraph = model.subgraphs[0]
    operators: list[Any] = []
    for operator in subgraph.operators:
        made = _REWRITES.get(operator_name(model, operator))
        real = subgraph.tensors[operator.inputs[0]].type == schema.TensorType.FLOAT32 if made else False
        operators += made(model, operator) if made and real else (operator,)
    subgraph.operators = operators


def _square(model: Any, operator: Any) -> Iterator[Any]:
    operator.inputs = [operator.inputs[0], operator.inputs[0]]
    use_operator(model, operator, "MUL", _MUL, schema.MulOptionsT())
    yield operator


def _negative(model: Any, operator: Any) -> Iterator[Any]:
    operator.inputs = [operator.inputs[0], _number(model, operator, -1.0)]
    use_operator(model, operator, "MUL", _MUL, schema.MulOptionsT())
    yield operator


def _sum(model: Any, operator: Any) -> Iterator[Any]:
    tensors = model.subgraphs[0].tensors
    elements = [int(np.prod(tensors[int(index)].shape)) for index in (operator.inputs[0], operator.outputs[0])]
    output = int(operator.outputs[0])
    product = _operator(model, "MUL", [_number(model, operator, elements[0] / elements[1])], output)
    operator.outputs = [_tensor(model, output, "mean")]
    use_operator(model, operator, "MEAN", operator.builtinOptionsType, operator.builtinOptions)
    product.inputs = [operator.outputs[0], *product.inputs]
    yield operator
    yield product


def _elu(model: Any, operator: Any) -> Iterator[Any]:
    x, output = int(operator.inputs[0]), int(operator.outputs[0])
    below, exponential, less_one, above = (_tensor(model, output, name) for name in ("min", "exp", "expm1", "relu"))
    yield _operator(model, "MINIMUM", [x, _number(model, operator, 0.0)], below)
    yield _operator(model, "EXP", [below], exponential)
    yield _operator(model, "ADD", [exponential, _number(model, operator, -1.0)], less_one)
    yield _operator(model, "RELU", [x], above)
    yield _operator(model, "ADD", [above, less_one], output)


_REWRITES: dict[str, Callable[[Any, Any], Iterator[Any]]] = {
    "ELU": _elu,
    "NEG": _negative,
    "SQUARE": _square,
    "SUM": _sum,
}
REWRITTEN = tuple(_REWRITES)

_OPTIONS = {
    "MUL": (_MUL, schema.MulOptionsT),
    "ADD": (_ADD, schema.AddOptionsT),
    "MINIMUM": (_EXTREME, schema.MaximumMinimumOptionsT),
}


def _operator(model: Any, name: str, inputs: list[int], output: int) -> Any:
    made = schema.OperatorT()
    made.inputs, made.outputs = inputs, [output]
    kind, options = _OPTIONS.get(name, (schema.BuiltinOptions.NONE, None))
    use_operator(model, made, name, kind, options() if options else None)
    return made


def _tensor(model: Any, like: int, name: str) -> int:
    """A tensor between two operators, of the type of tensor ``like``."""
    tensors = model.subgraphs[0].tensors
    made = copy(tensors[like])
    made.name = f"{tensor_name(made)}/{name}_{len(tensors)}".encode()
    tensors.append(made)
    return len(tensors) - 1


def _number(model: Any, operator: Any, value: float) -> int:
    """A constant of one element."""
    tensors = model.subgraphs[0].tensors
    name = f"{tensor_name(tensors[int(operator.outputs[0])])}/number_{len(tensors)}"
    return add_constant(model, name, np.array([value], np.float32))
