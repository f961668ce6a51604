"""What follows of a float model when one of its layers computes otherwise, for several variants of the layer at once.

The operators from the layer on are laid side by side in one model, a copy for each variant: one process runs all.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.bias_correction import add_to_bias
from mcuq.quantize.flatbuffer import add_constant, tensor_name, use_operator, write_model
from mcuq.quantize.scheme import Array
from mcuq.quantize.segments import Values, runnable


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """``weights`` in place of the layer's, ``shift`` added to its bias; its output as int8 with (scale, zero point)
    ``output`` and back. None: as in the float model.
    """

    weights: Array | None = None
    shift: Array | None = None
    output: tuple[float, int] | None = None


def run_variants(
    model: Any, index: int, variants: Sequence[Variant], values: Values, wanted: Sequence[int]
) -> list[list[Array]]:
    """For each of ``variants`` of operator ``index`` of the ``ModelT`` tree, the tensors ``wanted``: (n, ...) each.

    ``values`` are alive before the operator. A tensor that is computed before it is taken from them.
    """
    part = copy.copy(model)
    part.buffers, part.operatorCodes = list(model.buffers), list(model.operatorCodes)
    subgraph = copy.copy(model.subgraphs[0])
    subgraph.tensors = [copy.copy(tensor) for tensor in subgraph.tensors]
    part.subgraphs, part.signatureDefs, part.metadata, part.metadataBuffer = [subgraph], None, None, None
    later, subgraph.operators = subgraph.operators[index:], []
    renamed = [_copied(part, later, variant, number) for number, variant in enumerate(variants)]
    computed = [place for place in wanted if place in renamed[0]]
    read = {int(i) for operator in subgraph.operators for i in operator.inputs}
    subgraph.inputs = sorted(read & set(values))
    subgraph.outputs = [names[place] for names in renamed for place in computed]
    litert = runnable(write_model(part), all_tensors=False)
    rows = [litert.run(sample) for sample in zip(*(values[i] for i in subgraph.inputs), strict=True)]
    columns = iter([np.concatenate([row[i] for row in rows]) for i in range(len(subgraph.outputs))])
    known = {place: np.concatenate(values[place]) for place in wanted if place not in computed}
    return [[known[place] if place in known else next(columns) for place in wanted] for _ in variants]


def _copied(part: Any, operators: Sequence[Any], variant: Variant, number: int) -> dict[int, int]:
    """Appends copies of ``operators``, the first as ``variant`` has it; which tensor became which is the result."""
    subgraph = part.subgraphs[0]
    names: dict[int, int] = {}
    for place, operator in enumerate(operators):
        made = copy.copy(operator)
        for tensor in map(int, operator.inputs):
            if tensor >= 0 and subgraph.tensors[tensor].isVariable and tensor not in names:
                names[tensor] = _tensor(subgraph, tensor, number)
        made.inputs = [names.get(int(tensor), int(tensor)) for tensor in operator.inputs]
        names.update({int(tensor): _tensor(subgraph, int(tensor), number) for tensor in operator.outputs})
        made.outputs = [names[int(tensor)] for tensor in operator.outputs]
        subgraph.operators.append(made)
        if place == 0:
            _vary(part, made, variant, number)
            names[int(operator.outputs[0])] = int(subgraph.operators[-1].outputs[0])
    return names


def _tensor(subgraph: Any, like: int, number: int) -> int:
    made = copy.copy(subgraph.tensors[like])
    made.name = f"{tensor_name(made)}/variant_{number}".encode()
    subgraph.tensors.append(made)
    return len(subgraph.tensors) - 1


def _vary(part: Any, operator: Any, variant: Variant, number: int) -> None:
    """Changes the layer ``operator``, the last so far, and appends what its output goes through."""
    subgraph = part.subgraphs[0]
    if variant.weights is not None:
        weights = add_constant(part, f"weights/variant_{number}", variant.weights.astype(np.float32))
        operator.inputs = [operator.inputs[0], weights, *operator.inputs[2:]]
    if variant.shift is not None:
        add_to_bias(part, operator, variant.shift)
    if variant.output is None:
        return
    real = int(operator.outputs[0])
    whole = _tensor(subgraph, real, number)
    tensor = subgraph.tensors[whole]
    tensor.name, tensor.type = f"{tensor_name(tensor)}/int8".encode(), schema.TensorType.INT8
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [variant.output[0]], [variant.output[1]]
    back = _tensor(subgraph, real, number)
    subgraph.tensors[back].name = f"{tensor_name(subgraph.tensors[back])}/back".encode()
    for name, source, target in (("QUANTIZE", real, whole), ("DEQUANTIZE", whole, back)):
        made = schema.OperatorT()
        made.inputs, made.outputs = [source], [target]
        use_operator(part, made, name, schema.BuiltinOptions.NONE, None)
        subgraph.operators.append(made)
