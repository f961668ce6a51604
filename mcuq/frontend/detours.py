"""What Keras computes beside the operator that is meant, taken out of the converted file again.

Keras 3 counts negative indices of an Embedding from its end, and tells -0.0 from 0.0 in argmax, by its bits. The
first takes operators of int32, the second one that TFLite lacks. Embeddings are for indices from 0 on: the firmware
stops at a negative input as it does at one past the end. In int8 there is one zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.flatbuffer import constant, operator_name, read_tree, write_model

_TINY = float(np.finfo(np.float32).tiny)


def without_detours(content: bytes) -> bytes:
    """``content`` without them, or ``content`` itself where there are none."""
    model = read_tree(content)
    subgraph = model.subgraphs[0]
    writers = {int(index): operator for operator in subgraph.operators for index in operator.outputs}
    meant = {}  # what SELECT writes → what is meant
    for operator in subgraph.operators:
        if operator_name(model, operator) in {"SELECT", "SELECT_V2"}:
            _, instead, usual = (int(index) for index in operator.inputs)
            if _is_negative_zero(model, instead):
                meant[int(operator.outputs[0])] = usual
    changed = bool(meant)
    for operator in subgraph.operators:
        operator.inputs = [meant.get(int(index), int(index)) for index in operator.inputs]
        if operator_name(model, operator) == "GATHER" and _wraps(model, operator, writers):
            operator.inputs = [operator.inputs[0], writers[operator.inputs[1]].inputs[2]]
            changed = True
    if not changed:
        return content
    _remove_unread(subgraph)
    return write_model(model)


def _wraps(model: Any, gather: Any, writers: Mapping[int, Any]) -> bool:
    """Are its indices ``i < 0 ? i + size : i`` of an input ``i`` of the model?"""
    tensors = model.subgraphs[0].tensors
    selected = writers.get(gather.inputs[1])
    if selected is None or operator_name(model, selected) not in {"SELECT", "SELECT_V2"}:
        return False
    condition, instead, indices = (int(index) for index in selected.inputs)
    size = tensors[gather.inputs[0]].shape[gather.builtinOptions.axis]
    for operator, name, number in ((writers.get(condition), "LESS", 0), (writers.get(instead), "ADD", size)):
        if operator is None or operator_name(model, operator) != name or int(operator.inputs[0]) != indices:
            return False
        found = constant(model, tensors[operator.inputs[1]], np.int32)
        if found is None or (found != number).any():
            return False
    return indices in list(model.subgraphs[0].inputs)


def _is_negative_zero(model: Any, index: int) -> bool:
    """Does tensor ``index`` hold what stands for -0.0 alone, the least float32 below it?"""
    tensor = model.subgraphs[0].tensors[index]
    found = constant(model, tensor, np.float32) if tensor.type == schema.TensorType.FLOAT32 else None
    return found is not None and bool((found == -_TINY).all())


def _remove_unread(subgraph: Any) -> None:
    for operator in reversed(list(subgraph.operators)):
        read = {int(index) for other in subgraph.operators for index in other.inputs} | set(map(int, subgraph.outputs))
        if len(operator.outputs) and not read & set(map(int, operator.outputs)):
            subgraph.operators.remove(operator)
