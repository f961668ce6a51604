"""UNIDIRECTIONAL_SEQUENCE_LSTM: for each step of a sequence, from the hidden state ``h`` and the cell state ``c``,
``i, f, o = σ(W·x + R·h + b)`` and ``g = tanh(W·x + R·h + b)`` with weights of their own, then ``c = f·c + i·g`` and
``h = o·tanh(c)``, the step's output.

Integer: int8 input and hidden state, int16 cell state whose scale is a power of two, ``2**-k``. A gate's argument is
``requantize(Σ (q_x - z_x)·q_W + b)`` plus ``requantize(Σ (q_h - z_h)·q_R)``, each rounded twice, with a scale of 2^-12
and saturated to int16; factors are computed in single precision. σ and tanh are gemmlowp's, with 15 fractional bits
(``mcuq/fixedpoint_16.py``). Then ``c = saturate(round(f·c / 2^15) + round(i·g / 2^(30-k)))``, clipped, and
``h = clamp(requantize(o·tanh(c), 2^-30 / s_h) + z_h)``, where s_h and z_h are the scale and the zero point of the
fifth intermediate tensor, which have to be the hidden state's. The states keep their values until the next inference.
Inputs: data; weights of the input, forget, cell and output gate; recurrent weights of the same; three that are absent;
biases of the gates; two that are absent; hidden state; cell state; four that are absent.
Source: TFLite ``lstm_eval.cc`` (8x8_16).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.fixedpoint import quantize_multiplier, requantize_double, rounding_divide_by_power_of_two
from mcuq.fixedpoint_16 import logistic_table, tanh_table
from mcuq.ir import DType, Layer, Quantization
from mcuq.ops.activation import Activation
from mcuq.ops.base import Array, Case, Operand, Operator

GATES = ("input", "forget", "cell", "output")
WEIGHTS, RECURRENT, BIASES = 1, 5, 12
HIDDEN, CELL = 18, 19
ABSENT = {9: "peephole weights", 10: "peephole weights", 11: "peephole weights", 16: "a projection", 17: "a projection"}
ABSENT |= dict.fromkeys(range(20, 24), "layer normalization")
GATE_SCALE = np.float32(2.0**-12)
CELL_BITS = range(5)
"""Integer bits that a cell state may have: gemmlowp's tanh is wrong for more."""


@dataclass(frozen=True, slots=True)
class Lstm:
    """Attributes. Of batch-major data the first axis counts sequences, of ``time_major`` data the second."""

    time_major: bool
    cell_clip: float
    activation: Activation
    hidden: Quantization | None

    def batches_and_steps(self, shape: tuple[int, ...]) -> tuple[int, int]:
        return (shape[1], shape[0]) if self.time_major else (shape[0], shape[1])


@dataclass(frozen=True, slots=True)
class Product:
    """Of a gate: multiplier and shift of a sum, and what is added to it, the zero point's share included (int64)."""

    multiplier: int
    shift: int
    bias: Array


def attributes(options: Mapping[str, Any], _layer: Layer) -> Lstm:
    intermediates = options.get("intermediates", ())
    if math.isnan(options.get("cell_clip", 0.0)):
        raise ValueError("the cell state's clip is not a number")
    return Lstm(
        bool(options.get("time_major", False)),
        float(options.get("cell_clip", 0.0)),
        Activation(options.get("fused_activation_function", 0)),
        intermediates[4].quantization if len(intermediates) > 4 else None,
    )


def weights_of(layer: Layer, first: int, gate: int) -> Array:
    """Of one gate, (cells, depth), int8."""
    data = layer.input(first + gate).data
    assert data is not None
    return data


def input_product(layer: Layer, gate: int) -> Product:
    weights, x = weights_of(layer, WEIGHTS, gate), layer.input(0).type
    bias = layer.input(BIASES + gate).data
    assert bias is not None
    return _product(layer, WEIGHTS + gate, x.scale, bias - x.zero_point * weights.astype(np.int64).sum(axis=1))


def recurrent_product(layer: Layer, gate: int) -> Product:
    weights, h = weights_of(layer, RECURRENT, gate), layer.input(HIDDEN).type
    return _product(layer, RECURRENT + gate, h.scale, -h.zero_point * weights.astype(np.int64).sum(axis=1))


def _product(layer: Layer, index: int, scale: float, bias: Array) -> Product:
    factor = np.float32(layer.input(index).type.scale) * np.float32(scale) / GATE_SCALE
    return Product(*quantize_multiplier(float(factor)), bias.astype(np.int64))


def hidden_requantization(layer: Layer) -> tuple[int, int, int]:
    """Multiplier and shift of the output gate times tanh(c), and the zero point."""
    a: Lstm = layer.attributes
    assert a.hidden is not None
    return *quantize_multiplier(float(np.float32(2.0**-15 / a.hidden.scale * 2.0**-15))), a.hidden.zero_point


def cell_exponent(layer: Layer) -> int:
    """k, where the cell state's scale is 2^-k."""
    return -int(math.log2(layer.input(CELL).type.scale))


def cell_clip(layer: Layer) -> int:
    """The clip in steps of the cell state's scale; 0: none."""
    a: Lstm = layer.attributes
    return int(min(max(np.float32(a.cell_clip) / np.float32(layer.input(CELL).type.scale), -32768.0), 32767.0))


def the_usual_gates(layer: Layer) -> str | None:
    """all four gates have their weights and biases; peephole, projection and normalization are absent; tanh is fused"""
    for index, what in ABSENT.items():
        if layer.optional_input(index) is not None:
            return f"it has {what} (input {index})"
    needed = (*range(WEIGHTS, RECURRENT + 4), *range(BIASES, BIASES + 4), HIDDEN, CELL)
    if any(layer.optional_input(index) is None for index in needed):
        return "weights, biases or states of a gate are missing (coupled input and forget gates?)"
    a: Lstm = layer.attributes
    return None if a.activation is Activation.TANH else f"the activation is {a.activation.name}, not TANH"


def int8_with_a_cell_state_of_int16(layer: Layer) -> str | None:
    """data, weights and hidden state are int8, the cell state int16 with a scale of 2^-15 to 2^-11, biases int32"""
    needed = dict.fromkeys((0, *range(WEIGHTS, RECURRENT + 4), HIDDEN), DType.INT8)
    needed |= dict.fromkeys(range(BIASES, BIASES + 4), DType.INT32) | {CELL: DType.INT16}
    for index, dtype in needed.items():
        type_ = layer.input(index).type
        if type_.dtype is not dtype:
            return f"input {index} is {type_.dtype.value}, {dtype.value} is needed"
        if dtype is not DType.INT32 and (type_.quantization is None or type_.quantization.per_channel):
            return f"input {index} is not quantized with one scale"
        if index not in (0, HIDDEN) and type_.quantization is not None and any(type_.quantization.zero_points):
            return f"input {index} has a zero point other than 0"
    if layer.output.type.dtype is not DType.INT8:
        return f"the output is {layer.output.type.dtype.value}, int8 is needed"
    scale = layer.input(CELL).type.scale
    if math.frexp(scale)[0] != 0.5 or 15 - cell_exponent(layer) not in CELL_BITS:
        return f"the cell state's scale {scale:g} is no power of two from 2^-15 to 2^-11"
    return None


def weights_are_constant(layer: Layer) -> str | None:
    """weights and biases are constant; the states are variables"""
    for index in (*range(WEIGHTS, RECURRENT + 4), *range(BIASES, BIASES + 4)):
        if not layer.input(index).constant:
            return f"input {index} must be constant"
    states = tuple(t.name for t in layer.outputs[1:])
    wanted = (layer.input(HIDDEN).name, layer.input(CELL).name)
    return None if states == wanted and wanted[0] != wanted[1] else "the states are no variables of its own"


def hidden_scale_is_known(layer: Layer) -> str | None:
    """the file says the hidden state's scale in the fifth intermediate tensor"""
    a: Lstm = layer.attributes
    return None if a.hidden is not None else "no intermediate tensor says the hidden state's scale"


def shapes_agree(layer: Layer) -> str | None:
    """data of three dimensions, weights of cells x inputs and cells x cells, an output with a value for each cell"""
    x, y = layer.input(0).shape, layer.output.shape
    if len(x) != 3 or len(y) != 3 or y[:2] != x[:2]:
        return f"data {x} and output {y}: sequences of three dimensions are needed"
    cells = y[2]
    a: Lstm = layer.attributes
    batches, _ = a.batches_and_steps(x)
    for gate in range(len(GATES)):
        found = layer.input(WEIGHTS + gate).shape, layer.input(RECURRENT + gate).shape
        if found != ((cells, x[2]), (cells, cells)) or layer.input(BIASES + gate).shape != (cells,):
            return f"weights of {found[0]} and {found[1]} do not fit {x[2]} inputs and {cells} cells"
    for index in (HIDDEN, CELL):
        if layer.input(index).type.elements != batches * cells:
            return f"a state of {layer.input(index).shape} for {batches} x {cells} values"
    return None


def accumulators_fit_int32(layer: Layer) -> str | None:
    """the sums stay within int32 for every input, also when shifted left for their scaling"""
    for gate in range(len(GATES)):
        for first, product in ((WEIGHTS, input_product(layer, gate)), (RECURRENT, recurrent_product(layer, gate))):
            size = np.abs(weights_of(layer, first, gate).astype(np.int64)).sum(axis=1)
            reach = float((256 * size + np.abs(product.bias)).max(initial=0)) * 2.0 ** max(product.shift, 0)
            if reach >= 2**31:
                return f"a sum of the {GATES[gate]} gate may reach {reach:.0f} before its scaling, past int32"
    _, shift, _ = hidden_requantization(layer)
    return None if shift <= 0 else "the hidden state's scale is too fine"


def _saturate(value: Array) -> Array:
    clipped: Array = np.clip(value, -32768, 32767)
    return clipped


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Lstm = layer.attributes
    x, hidden, cell = inputs[0], inputs[HIDDEN], inputs[CELL]
    assert x is not None and hidden is not None and cell is not None
    sequence = x if a.time_major else np.swapaxes(x, 0, 1)
    batches, cells = sequence.shape[1], layer.output.shape[2]
    h = hidden.reshape(batches, cells).astype(np.int64)
    c = cell.reshape(batches, cells).astype(np.int64)
    rows = []
    for step in sequence.astype(np.int64):
        h, c = _step(layer, step, h, c)
        rows.append(h)
    output = np.stack(rows) if a.time_major else np.stack(rows, axis=1)
    return output.astype(np.int8), h.reshape(hidden.shape).astype(np.int8), c.reshape(cell.shape).astype(np.int16)


def _step(layer: Layer, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    i, f, g, o = (_gate(layer, gate, x, h) for gate in range(len(GATES)))
    sigmoid, exponent = logistic_table(), cell_exponent(layer)
    kept = rounding_divide_by_power_of_two(sigmoid[f] * c, 15)
    added = rounding_divide_by_power_of_two(sigmoid[i] * tanh_table(3)[g], 30 - exponent)
    c = _saturate(kept + added)
    if (clip := cell_clip(layer)) > 0:
        c = np.clip(c, -clip, clip)
    multiplier, shift, zero_point = hidden_requantization(layer)
    scaled = requantize_double(sigmoid[o] * tanh_table(15 - exponent)[c + 32768], multiplier, shift)
    return np.clip(scaled + zero_point, -128, 127), c


def _gate(layer: Layer, gate: int, x: Array, h: Array) -> Array:
    """The gate's argument as an index of the tables."""
    of_input, recurrent = input_product(layer, gate), recurrent_product(layer, gate)
    total = x @ weights_of(layer, WEIGHTS, gate).astype(np.int64).T + of_input.bias
    value = _saturate(requantize_double(total, of_input.multiplier, of_input.shift))
    total = h @ weights_of(layer, RECURRENT, gate).astype(np.int64).T + recurrent.bias
    return _saturate(value + requantize_double(total, recurrent.multiplier, recurrent.shift)) + 32768


def case(
    name: str,
    shape: tuple[int, int, int],
    cells: int,
    *,
    time_major: bool = False,
    clip: float = 10.0,
    zero_points: tuple[int, int] = (-7, 5),
    exponent: int = 13,
    weight_scale: float = 0.01,
    hidden_scale: float = 1 / 140,
) -> Case:
    """``zero_points`` are the data's and the hidden state's."""
    batches = shape[1] if time_major else shape[0]
    hidden = Operand((batches, cells), hidden_scale, zero_points[1])
    scales = [weight_scale * (1 + 0.3 * gate) for gate in range(len(GATES))]
    return Case(
        name,
        (
            Operand(shape, 0.03, zero_points[0]),
            *(Operand((cells, shape[2]), scale, data="random") for scale in scales),
            *(Operand((cells, cells), 1.1 * scale, data="random") for scale in scales),
            *(None,) * 3,
            *(Operand((cells,), 0.03 * scale, dtype=DType.INT32, data="random") for scale in scales),
            *(None,) * 2,
            Operand(hidden.shape, hidden_scale, zero_points[1], data="state"),
            Operand((batches, cells), 2.0**-exponent, dtype=DType.INT16, data="state"),
            *(None,) * 4,
        ),
        (Operand((*shape[:2], cells), hidden_scale, zero_points[1]),),
        {
            "fused_activation_function": int(Activation.TANH),
            "cell_clip": clip,
            "time_major": time_major,
            "intermediates": (*(Operand((0,), dtype=DType.FLOAT32),) * 4, Operand((0,), hidden_scale, zero_points[1])),
        },
    )


CASES = (
    case("symmetric", (1, 4, 5), 6, zero_points=(0, 0)),
    case("zero_points", (1, 3, 7), 5, zero_points=(13, -20)),
    case("batch_2_clipped", (2, 3, 4), 9, clip=0.5, zero_points=(-128, 0)),
    case("time_major", (4, 2, 3), 3, time_major=True, zero_points=(127, 3)),
    case("one_cell", (1, 9, 1), 1, clip=0.0, exponent=15, weight_scale=0.1),
    case("steep_gates", (1, 12, 16), 32, weight_scale=0.03, exponent=11, zero_points=(3, 0)),
    case("flat_gates", (1, 3, 8), 16, weight_scale=0.0005, exponent=12, hidden_scale=1 / 500),
)

OPERATORS = (
    Operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        attributes,
        (
            the_usual_gates,
            int8_with_a_cell_state_of_int16,
            weights_are_constant,
            hidden_scale_is_known,
            shapes_agree,
            accumulators_fit_int32,
        ),
        reference,
        CASES,
        keeps_state=True,
    ),
)
