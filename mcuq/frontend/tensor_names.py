"""Tensor names of a converted model, rewritten so that they begin with the Keras layer that computes the tensor.

TensorFlow's converter calls a fused tensor ``model_1/bn_1/batchnorm/sub;model_1/conv_1/convolution1``: scopes that
Keras numbered, in no useful order. Here it becomes ``conv/convolution1;bn/batchnorm/sub``: real layer paths, in the
order of execution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ai_edge_litert.tools import flatbuffer_utils

_CALL = r"(?:Stateful)?PartitionedCall(?:_\d+)?"
_OUTPUT = re.compile(rf"^(?:{_CALL}|Identity(?:_\d+)?)(?::\d+)?$")
_CALLED = re.compile(rf"^(?:{_CALL}/)+")  # what a function inside a SavedModel puts before the names of its operations


def name_by_layers(
    model: bytes, scopes: Mapping[str, str], order: Sequence[str], inputs: Sequence[str], outputs: Sequence[str]
) -> bytes:
    """``model`` with its tensors renamed.

    ``scopes`` maps graph name scopes to layer paths ("" drops the scope), ``order`` lists the graph's operations as
    executed, ``inputs`` are the names that the model's inputs shall have, ``outputs`` the operations behind its
    outputs.
    """
    tree = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    subgraph = tree.subgraphs[0]
    ranks = _ranks(order)
    taken = set(inputs)
    for index, name in zip(subgraph.inputs, inputs, strict=True):
        subgraph.tensors[index].name = name.encode()
    ends = dict(zip((int(index) for index in subgraph.outputs), outputs, strict=False))
    fixed = {int(index) for index in subgraph.inputs}
    computed = {int(index) for operator in subgraph.operators for index in operator.outputs}
    # Computed tensors first: where a constant shares a name with its layer's output, the output keeps it.
    for index in sorted(range(len(subgraph.tensors)), key=lambda index: index not in computed):
        if index in fixed:
            continue
        tensor = subgraph.tensors[index]
        name = tensor.name.decode("utf-8", "replace")
        if index in ends and _OUTPUT.match(name):
            name = ends[index]
        tensor.name = _unique(_by_layer(name, scopes, ranks), taken).encode()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(tree))


def _ranks(order: Sequence[str]) -> dict[str, int]:
    """Each name scope's place in the order of execution: that of its first operation."""
    ranks: dict[str, int] = {}
    for position, name in enumerate(order):
        scope = name
        while scope:
            ranks.setdefault(scope, position)
            scope = scope.rpartition("/")[0]
    return ranks


def _by_layer(name: str, scopes: Mapping[str, str], ranks: Mapping[str, int]) -> str:
    parts = sorted(dict.fromkeys(name.split(";")), key=lambda part: _rank(part, ranks))
    return ";".join(dict.fromkeys(_layer_path(part, scopes) for part in parts))


def _rank(part: str, ranks: Mapping[str, int]) -> int:
    scope = part
    while scope:
        if scope in ranks:
            return ranks[scope]
        scope = scope.rpartition("/")[0]
    return len(ranks)


def _layer_path(part: str, scopes: Mapping[str, str]) -> str:
    part = _CALLED.sub("", part)
    scope, rest = part, ""
    while scope:
        if scope in scopes:
            return "/".join(piece for piece in (scopes[scope], rest) if piece) or part
        scope, _, last = scope.rpartition("/")
        rest = f"{last}/{rest}" if rest else last
    return part


def _unique(name: str, taken: set[str]) -> str:
    """``name``, or with a number after it when it is taken: two uses of one layer, or two parts that became alike."""
    number, unique = 1, name or "tensor"
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique
