"""A low-rank residual: what rounding to few bits loses most of, an int8 side branch of a few channels gives back.

``weights = rounded + second · first``, with ``first`` (rank, depth) and ``second`` (channels, rank). The branch is a
layer with the same windows and ``rank`` channels, one of single pixels, and an addition. Rounded weights and branch are
fitted in turns (Li et al., "LoftQ", 2023), for the least error in the layer's output.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.flatbuffer import add_buffer, add_constant, tensor_name, use_operator
from mcuq.quantize.rounding import Branch, Rounded
from mcuq.quantize.scheme import Array


def add_branches(model: Any, rounded: Mapping[str, Rounded]) -> Mapping[str, Rounded]:
    """Makes layers of their own of the branches of ``rounded`` layers in the ``ModelT`` tree, whose weights hold both
    together so far. The result is by the names that the layers' outputs have then.
    """
    subgraph = model.subgraphs[0]
    found: dict[str, Rounded] = {}
    operators: list[Any] = []
    for operator in subgraph.operators:
        names = [tensor_name(subgraph.tensors[index]) for index in operator.outputs]  # none: it sets a variable
        one = rounded.get(names[0]) if names else None
        if one is None or one.branch is None:
            operators.append(operator)
            if one is not None:
                found[names[0]] = one
            continue
        operators += _with_branch(model, operator, one, one.branch)
        found[tensor_name(subgraph.tensors[operator.outputs[0]])] = one
    subgraph.operators = operators
    return found


def _with_branch(model: Any, operator: Any, rounded: Rounded, branch: Branch) -> list[Any]:
    tensors, layer = model.subgraphs[0].tensors, rounded.layer
    output = int(operator.outputs[0])
    name = tensor_name(tensors[output])
    weights = layer.unrolled(rounded.grid.real(rounded.integers)).astype(np.float32)
    tensors[operator.inputs[1]].buffer = add_buffer(model, weights)
    activation = operator.builtinOptions.fusedActivationFunction
    operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE

    rank = len(branch.first)
    first = _like(model, operator, f"{name}/few", layer.unrolled(branch.first), rank)
    second_weights = branch.second if layer.op == "FULLY_CONNECTED" else branch.second[:, None, None, :]
    second = _like(model, operator, f"{name}/side", second_weights, len(branch.second))
    second.inputs[0] = first.outputs[0]
    if layer.op == "CONV_2D":
        o = second.builtinOptions
        o.strideH = o.strideW = o.dilationHFactor = o.dilationWFactor = 1
    operator.outputs = [_activation(model, output, f"{name}/narrow", len(branch.second))]

    options = schema.AddOptionsT()
    options.fusedActivationFunction = activation
    total = schema.OperatorT()
    total.inputs, total.outputs = [int(operator.outputs[0]), int(second.outputs[0])], [output]
    use_operator(model, total, "ADD", schema.BuiltinOptions.AddOptions, options)
    return [operator, first, second, total]


def _like(model: Any, operator: Any, name: str, weights: Array, channels: int) -> Any:
    """A layer as ``operator`` with other ``weights`` and no bias to speak of."""
    made = copy.copy(operator)
    made.builtinOptions = copy.copy(operator.builtinOptions)
    constants = [
        add_constant(model, f"{name}/weights", weights.astype(np.float32)),
        add_constant(model, f"{name}/bias", np.zeros(channels, np.float32)),
    ]
    made.inputs = [int(operator.inputs[0]), *constants]
    made.outputs = [_activation(model, int(operator.outputs[0]), name, channels)]
    return made


def _activation(model: Any, like: int, name: str, channels: int) -> int:
    tensors = model.subgraphs[0].tensors
    made = copy.copy(tensors[like])
    made.name = name.encode()
    made.shape = [*(int(size) for size in tensors[like].shape[:-1]), channels]
    tensors.append(made)
    return len(tensors) - 1
