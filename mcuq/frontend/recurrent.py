"""Keras LSTM layers as one TFLite operator each, where TensorFlow's converter would write a loop.

While a model is traced, a GATHER that could never run stands for the layer; in the converted file it becomes
UNIDIRECTIONAL_SEQUENCE_LSTM with the layer's own weights. Layers that the operator cannot express stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.flatbuffer import add_constant, constant, operator_name, read_tree, use_operator, write_model
from mcuq.quantize.lstm import STATEFUL

MARK = 0x4C53_0000
"""The index that a stand-in gathers, plus its number: far outside any axis."""
GATES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Lstm:
    """Weights as Keras has them: (inputs, 4 units), (units, 4 units), (4 units); gates input, forget, cell, output."""

    kernel: npt.NDArray[np.float32]
    recurrent: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    stateful: bool


def stand_in(model: Any) -> tuple[Lstm, ...]:
    """Puts stand-ins into the LSTM layers of ``model`` and of models in it, and tells what they stand for."""
    found: list[Lstm] = []

    def visit(parent: Any) -> None:
        for layer in _layers_in(parent):
            visit(layer)
            if _expressible(layer):
                layer.call = _standing(MARK + len(found), layer)
                found.append(_weights(layer))

    visit(model)
    return tuple(found)


def _layers_in(parent: Any) -> tuple[Any, ...]:
    """The layers of a model, or the two that Bidirectional runs."""
    both = tuple(getattr(parent, name, None) for name in ("forward_layer", "backward_layer"))
    return tuple(getattr(parent, "layers", ())) or tuple(layer for layer in both if layer is not None)


def _expressible(layer: Any) -> bool:
    """An LSTM of tanh and sigmoid that gives its outputs alone. The operator keeps its states, as a stateful one does;
    whoever runs a stateless one resets them."""
    if type(layer).__name__ != "LSTM" or not type(layer).__module__.startswith(("keras.", "tf_keras.")):
        return False
    activations = (layer.activation.__name__, layer.recurrent_activation.__name__)
    return activations == ("tanh", "sigmoid") and not layer.return_state


def _weights(layer: Any) -> Lstm:
    kernel, recurrent, *bias = (np.asarray(values, np.float32) for values in layer.get_weights())
    return Lstm(kernel, recurrent, bias[0] if bias else np.zeros(kernel.shape[1], np.float32), layer.stateful)


def _standing(mark: int, layer: Any) -> Any:
    units, sequences, backwards = layer.units, layer.return_sequences, layer.go_backwards

    def call(sequence: Any, *_arguments: Any, initial_state: Any = None, mask: Any = None, **_keywords: Any) -> Any:
        import tensorflow  # noqa: PLC0415

        if initial_state is not None or mask is not None:
            raise ValueError("an LSTM with an initial state or a mask has no operator in TFLite")
        if backwards:
            sequence = tensorflow.reverse(sequence, [1])
        outputs = tensorflow.gather(sequence, np.full(units, mark, np.int32), axis=2)
        return outputs if sequences else outputs[:, -1, :]

    return call


def with_lstm(content: bytes, layers: Sequence[Lstm]) -> bytes:
    """``content`` with the operator in the place of each stand-in."""
    if not layers:
        return content
    model = read_tree(content)  # another layer may still be a loop, which is told with its name
    for operator in model.subgraphs[0].operators:
        if operator_name(model, operator) != "GATHER":
            continue
        indices = constant(model, model.subgraphs[0].tensors[operator.inputs[1]], np.int32)
        number = -1 if indices is None or indices.size == 0 else int(indices.flat[0]) - MARK
        if 0 <= number < len(layers):
            _replace(model, operator, layers[number], number)
    return write_model(model)


def _replace(model: Any, operator: Any, layer: Lstm, number: int) -> None:
    units = layer.recurrent.shape[0]

    def add(what: str, values: npt.NDArray[Any]) -> list[int]:
        rows = np.split(values.T if values.ndim == 2 else values, GATES)
        return [add_constant(model, f"lstm_{number}/{what}_{gate}", rows[gate].copy()) for gate in range(GATES)]

    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    use_operator(
        model,
        operator,
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions,
        options,
    )
    operator.inputs = [
        int(operator.inputs[0]),
        *add("kernel", layer.kernel),
        *add("recurrent", layer.recurrent),
        *(-1,) * 3,
        *add("bias", layer.bias),
        *(-1,) * 2,
        _add_state(model, f"lstm_{number}/hidden", units),
        _add_state(model, f"lstm_{number}/{STATEFUL if layer.stateful else 'cell'}", units),
        *(-1,) * 4,
    ]


def _add_state(model: Any, name: str, units: int) -> int:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name.encode(), [1, units], schema.TensorType.FLOAT32
    tensor.isVariable, tensor.hasRank, tensor.buffer = True, True, 0
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1
