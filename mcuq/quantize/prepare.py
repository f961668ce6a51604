"""A float model into the form that the quantizer takes: known shapes, unique tensor names, operators it knows.

The function computed stays the same but for one thing, which ``Prepared.ceilings`` names: RELU6 becomes RELU, and the
caller bounds the range of that tensor at 6, so that int8 saturation does the clamping.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from mcuq.errors import UnsupportedError
from mcuq.frontend.narrow_integers import BITS, unpacked
from mcuq.quantize.flatbuffer import add_buffer, add_constant, constant, operator_name, tensor_name, use_operator
from mcuq.quantize.rewrite import rewrite


@dataclass(frozen=True, slots=True)
class Prepared:
    """A changed ``ModelT`` tree, and upper bounds for the ranges of some of its tensors, by tensor name."""

    model: Any
    ceilings: Mapping[str, float]


def prepare(model: Any) -> Prepared:
    """Prepares the ``ModelT`` tree in place.

    Raises ``UnsupportedError`` for unknown dimensions and for a batch other than one.
    """
    _fix_shapes(model)
    _name_uniquely(model)
    _unfold_half_floats(model)
    _unfold_integer_weights(model)
    _constant_reshapes(model)
    _reshape_instead_of_squeeze(model)
    _reshape_behind_recurrent(model)
    rewrite(model)
    return Prepared(model, _relu_instead_of_relu6(model))


def prepare_real(model: Any) -> None:
    """Prepares the tree of a model whose activations stay real, in place: known shapes, float32 constants, nothing that
    changes what is computed.

    Raises ``UnsupportedError`` as ``prepare`` does.
    """
    _fix_shapes(model)
    _name_uniquely(model)
    _unfold_half_floats(model)
    _constant_reshapes(model)


def _fix_shapes(model: Any) -> None:
    """Drops ``shape_signature``: stock files say -1 for the batch there and 1 in the shape itself."""
    subgraph = model.subgraphs[0]
    for index in subgraph.inputs:
        tensor = subgraph.tensors[index]
        shape = tuple(int(size) for size in (tensor.shape if tensor.shape is not None else ()))
        signature = tuple(tensor.shapeSignature) if tensor.shapeSignature is not None else shape
        unknown = [i for i, size in enumerate(signature) if size < 1 and i > 0]
        if not shape or shape[0] != 1 or unknown or any(size < 1 for size in shape):
            raise UnsupportedError(
                f"input {tensor_name(tensor)!r} has the shape {signature}; "
                "mcuq needs a batch of 1 and known dimensions",
                hint="convert the model with a fixed input shape",
            )
    for tensor in subgraph.tensors:
        tensor.shapeSignature = None


def _name_uniquely(model: Any) -> None:
    """The quantizer keeps its records by tensor name; files from elsewhere repeat names or have none."""
    tensors = model.subgraphs[0].tensors
    taken: set[str] = set()
    for index, tensor in enumerate(tensors):
        name = base = tensor_name(tensor) or f"tensor_{index}"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        tensor.name = name.encode()


def _unfold_half_floats(model: Any) -> None:
    """A model with float16 weights holds a DEQUANTIZE for each: make the weights float32 and drop the operator."""
    subgraph = model.subgraphs[0]
    kept = []
    for operator in subgraph.operators:
        values = None
        if operator_name(model, operator) == "DEQUANTIZE":
            source = subgraph.tensors[operator.inputs[0]]
            if source.type == schema.TensorType.FLOAT16:
                values = constant(model, source, np.float16)
        if values is None:
            kept.append(operator)
        else:
            subgraph.tensors[operator.outputs[0]].buffer = add_buffer(model, values.astype(np.float32))
    subgraph.operators = kept


def _unfold_integer_weights(model: Any) -> None:
    """A model with dynamic-range quantization computes in float with int8 weights: make them float32."""
    subgraph = model.subgraphs[0]
    for operator in subgraph.operators:
        tensors = [subgraph.tensors[index] for index in operator.inputs if index >= 0]
        if not tensors or tensors[0].type != schema.TensorType.FLOAT32:
            continue
        for tensor in tensors[1:]:
            values = _integers(model, tensor)
            scales = np.asarray(tensor.quantization.scale if tensor.quantization else (), np.float32)
            if values is None or scales.size == 0:
                continue
            axes = tuple(-1 if i == tensor.quantization.quantizedDimension else 1 for i in range(values.ndim))
            real = values.astype(np.float32) * (scales.reshape(axes) if scales.size > 1 else scales[0])
            tensor.buffer = add_buffer(model, real.astype(np.float32))
            tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None


def _integers(model: Any, tensor: Any) -> npt.NDArray[np.generic] | None:
    """The values of a constant of int8, or of four or two bits; None for any other tensor."""
    if tensor.type == schema.TensorType.INT8:
        return constant(model, tensor, np.int8)
    bits = next((bits for name, bits in BITS.items() if getattr(schema.TensorType, name, None) == tensor.type), None)
    data = model.buffers[tensor.buffer].data
    if bits is None or data is None:
        return None
    shape = tuple(int(size) for size in tensor.shape)
    return unpacked(np.asarray(data, np.uint8), bits, math.prod(shape)).reshape(shape)


def _constant_reshapes(model: Any) -> None:
    """A RESHAPE to a shape that the model computes (from its unknown batch) becomes one to its output's shape."""
    subgraph = model.subgraphs[0]
    writers = {int(index): op for op in subgraph.operators for index in op.outputs}
    dropped: list[int] = []
    for operator in subgraph.operators:
        if operator_name(model, operator) == "RESHAPE" and len(operator.inputs) > 1 and operator.inputs[1] in writers:
            dropped.append(int(operator.inputs[1]))
            output = subgraph.tensors[operator.outputs[0]]
            name = f"{tensor_name(output)}/shape_{len(subgraph.tensors)}"
            operator.inputs = [operator.inputs[0], add_constant(model, name, np.array(output.shape, np.int32))]
    while dropped:
        index = dropped.pop()
        read = any(index in list(op.inputs) for op in subgraph.operators) or index in list(subgraph.outputs)
        writer = writers.get(index)
        if writer is None or read or writer not in subgraph.operators:
            continue
        subgraph.operators.remove(writer)
        dropped += [int(i) for i in writer.inputs if i >= 0]


def _reshape_instead_of_squeeze(model: Any) -> None:
    """SQUEEZE and EXPAND_DIMS only rename dimensions; the quantizer knows RESHAPE, and leaves those two float."""
    subgraph = model.subgraphs[0]
    for operator in subgraph.operators:
        if operator_name(model, operator) not in {"SQUEEZE", "EXPAND_DIMS"}:
            continue
        output = subgraph.tensors[operator.outputs[0]]
        shape = np.array(output.shape, np.int32)
        options = schema.ReshapeOptionsT()
        options.newShape = [int(size) for size in shape]
        use_operator(model, operator, "RESHAPE", schema.BuiltinOptions.ReshapeOptions, options)
        name = f"{tensor_name(output)}/shape_{len(subgraph.tensors)}"
        operator.inputs = [operator.inputs[0], add_constant(model, name, shape)]


def _reshape_behind_recurrent(model: Any) -> None:
    """The quantizer does not know LSTM, nor loops: a RESHAPE to the same shape, which it does, gives their outputs, the
    last ones where there are several, a scale."""
    subgraph = model.subgraphs[0]
    operators = []
    for operator in subgraph.operators:
        operators.append(operator)
        if operator_name(model, operator) not in {"UNIDIRECTIONAL_SEQUENCE_LSTM", "WHILE"}:
            continue
        output = subgraph.tensors[operator.outputs[-1]]
        computed = copy.copy(output)
        computed.name = f"{tensor_name(output)}/computed".encode()
        subgraph.tensors.append(computed)
        reshape, options, shape = schema.OperatorT(), schema.ReshapeOptionsT(), np.array(output.shape, np.int32)
        options.newShape = shape.tolist()
        use_operator(model, reshape, "RESHAPE", schema.BuiltinOptions.ReshapeOptions, options)
        reshape.inputs = [len(subgraph.tensors) - 1, -1]
        reshape.outputs = [operator.outputs[-1]]
        operator.outputs = [*operator.outputs[:-1], len(subgraph.tensors) - 1]
        reshape.inputs[1] = add_constant(model, f"{tensor_name(output)}/shape", shape)
        operators.append(reshape)
    subgraph.operators = operators


def _relu_instead_of_relu6(model: Any) -> dict[str, float]:
    """The quantizer does not know RELU6. With the output's range cut at 6, RELU saturates where RELU6 clamps."""
    subgraph = model.subgraphs[0]
    ceilings = {}
    for operator in subgraph.operators:
        if operator_name(model, operator) == "RELU6":
            use_operator(model, operator, "RELU", schema.BuiltinOptions.NONE, None)
            ceilings[tensor_name(subgraph.tensors[operator.outputs[0]])] = 6.0
    return ceilings
