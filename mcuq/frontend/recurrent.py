"""Keras's recurrent layers as one TFLite operator or one plain loop each, where TensorFlow's converter would write a
loop that nobody quantizes.

While a model is traced, a GATHER that could never run stands for the layer; in the converted file it becomes
UNIDIRECTIONAL_SEQUENCE_LSTM, or a WHILE over a cell (``quantize.loops``), with the layer's own weights. Layers that
these cannot express stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.cells import CELLS, Cell
from mcuq.quantize.flatbuffer import (
    add_constant,
    constant,
    operator_name,
    read_tree,
    tensor_name,
    use_operator,
    write_model,
)
from mcuq.quantize.loops import loop_operators
from mcuq.quantize.lstm import STATEFUL
from mcuq.quantize.subgraph import Writer

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


def stand_in(model: Any) -> tuple[Lstm | Cell, ...]:
    """Puts stand-ins into the recurrent layers of ``model`` and of models in it, and tells what they stand for."""
    found: list[Lstm | Cell] = []

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


def _kind(layer: Any) -> str:
    """LSTM, a key of ``CELLS``, or what else the layer is."""
    name = type(layer).__name__
    return "GRU, reset after" if name == "GRU" and layer.reset_after else name


def _expressible(layer: Any) -> bool:
    """A recurrent layer of tanh and sigmoid that gives its outputs alone. An LSTM's operator keeps its states, as a
    stateful layer does; whoever runs a stateless one resets them."""
    if _kind(layer) not in ("LSTM", *CELLS) or not type(layer).__module__.startswith(("keras.", "tf_keras.")):
        return False
    gates = getattr(layer, "recurrent_activation", None)
    squashes = layer.activation.__name__ == "tanh" and (gates is None or gates.__name__ == "sigmoid")
    return squashes and not layer.return_state


def _weights(layer: Any) -> Lstm | Cell:
    kernel, recurrent, *bias = (np.asarray(values, np.float32) for values in layer.get_weights())
    if _kind(layer) != "LSTM":
        none = np.zeros(kernel.shape[1], np.float32)
        first, second = (*np.reshape(bias, (-1, kernel.shape[1])), none, none)[:2]
        return Cell(_kind(layer), kernel.T.copy(), recurrent.T.copy(), first, second, layer.stateful)
    return Lstm(kernel, recurrent, bias[0] if bias else np.zeros(kernel.shape[1], np.float32), layer.stateful)


def _standing(mark: int, layer: Any) -> Any:
    units, sequences, backwards = layer.units, layer.return_sequences, layer.go_backwards
    usual = layer.call

    def call(sequence: Any, *_arguments: Any, initial_state: Any = None, mask: Any = None, **_keywords: Any) -> Any:
        import tensorflow  # noqa: PLC0415

        if initial_state is not None or mask is not None:  # unrolled it still compiles, as what it is made of
            return usual(sequence, *_arguments, initial_state=initial_state, mask=mask, **_keywords)
        if backwards:
            sequence = tensorflow.reverse(sequence, [1])
        marks = np.full(units, mark, np.int32)
        if _kind(layer) != "LSTM" and not sequences:
            return tensorflow.gather(tensorflow.reshape(sequence, (1, -1)), marks, axis=1)
        outputs = tensorflow.gather(sequence, marks, axis=2)
        return outputs if sequences else outputs[:, -1, :]

    return call


def with_recurrent(content: bytes, layers: Sequence[Lstm | Cell]) -> bytes:
    """``content`` with an LSTM operator, or a loop over a cell, in the place of each stand-in."""
    if not layers:
        return content
    model = read_tree(content)  # another layer may still be a loop, which is told with its name
    operators: list[Any] = []
    for operator in model.subgraphs[0].operators:
        layer = _stands_for(model, operator, layers)
        if isinstance(layer, Cell):
            operators += _loop(model, operator, layer)
            continue
        if layer is not None:
            _replace(model, operator, layer, layers.index(layer))
        operators.append(operator)
    model.subgraphs[0].operators = operators
    return write_model(model)


def _stands_for(model: Any, operator: Any, layers: Sequence[Lstm | Cell]) -> Lstm | Cell | None:
    if operator_name(model, operator) != "GATHER":
        return None
    indices = constant(model, model.subgraphs[0].tensors[operator.inputs[1]], np.int32)
    number = -1 if indices is None or indices.size == 0 else int(indices.flat[0]) - MARK
    return layers[number] if 0 <= number < len(layers) else None


def _loop(model: Any, operator: Any, cell: Cell) -> list[Any]:
    main = Writer(model, model.subgraphs[0])
    given, output = int(operator.inputs[0]), int(operator.outputs[0])
    tensors, features = model.subgraphs[0].tensors, cell.kernel.shape[1]
    shape = [1, int(np.prod(tensors[given].shape)) // features, features]
    sequence = main.like(f"{tensor_name(tensors[output])}/steps", tensors[given], shape)
    options = schema.ReshapeOptionsT()
    options.newShape = shape
    of_shape = main.constant(f"{tensor_name(tensors[output])}/steps_shape", np.array(shape, np.int32))
    main.operator("RESHAPE", [given, of_shape], [sequence], options)
    return [*main.operators, *loop_operators(model, cell, sequence, output)]


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
