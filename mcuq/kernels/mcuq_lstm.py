"""mcuq's plain C LSTM: runs every UNIDIRECTIONAL_SEQUENCE_LSTM that the operator allows, on every core."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer
from mcuq.kernels.base import MCUQ, Kernel, Target, never, table
from mcuq.kernels.work import LAYER_CYCLES
from mcuq.ops.unidirectional_sequence_lstm import (
    CELL,
    GATES,
    HIDDEN,
    RECURRENT,
    WEIGHTS,
    Lstm,
    cell_clip,
    cell_exponent,
    hidden_requantization,
    input_product,
    recurrent_product,
    weights_of,
)

INT16 = np.iinfo(np.int16)


def cycles(layer: Layer, _target: Target) -> int:
    steps, cells = layer.output.type.elements // layer.output.shape[2], layer.output.shape[2]
    products = len(GATES) * cells * (layer.input(0).shape[2] + cells)
    return LAYER_CYCLES + steps * (7 * products + 1200 * cells)


def lower(layer: Layer, _target: Target) -> Lowering:
    a: Lstm = layer.attributes
    x, y = layer.input(0), layer.output
    gates = range(len(GATES))
    of_input = [input_product(layer, gate) for gate in gates]
    recurrent = [recurrent_product(layer, gate) for gate in gates]
    batches, steps = a.batches_and_steps(x.shape)
    clip = cell_clip(layer)
    multiplier, shift, zero_point = hidden_requantization(layer)
    params = Struct(
        "mcuq_lstm_s8_params",
        "params",
        (
            ("sequences", batches),
            ("steps", steps),
            ("inputs", x.shape[2]),
            ("cells", y.shape[2]),
            ("sequence_step", 1 if a.time_major else steps),
            ("time_step", batches if a.time_major else 1),
            ("input_multipliers", _array(product.multiplier for product in of_input)),
            ("input_shifts", _array(product.shift for product in of_input)),
            ("recurrent_multipliers", _array(product.multiplier for product in recurrent)),
            ("recurrent_shifts", _array(product.shift for product in recurrent)),
            ("cell_exponent", cell_exponent(layer)),
            ("cell_min", -clip if clip > 0 else int(INT16.min)),
            ("cell_max", clip if clip > 0 else int(INT16.max)),
            ("hidden_multiplier", multiplier),
            ("hidden_shift", shift),
            ("hidden_offset", zero_point),
        ),
    )
    arguments = (
        params,
        TensorPointer(x.name),
        ConstantPointer("input weights"),
        ConstantPointer("input bias"),
        ConstantPointer("recurrent weights"),
        ConstantPointer("recurrent bias"),
        TensorPointer(layer.input(HIDDEN).name),
        TensorPointer(layer.input(CELL).name),
        TensorPointer(y.name),
    )
    return Lowering(
        calls=(KernelCall("mcuq_lstm_s8", arguments, header="mcuq_lstm_s8.h"),),
        constants=(
            Constant(
                "input weights", np.stack([weights_of(layer, WEIGHTS, g) for g in gates]), "gates x cells x inputs"
            ),
            Constant("input bias", table(np.stack([p.bias for p in of_input]), "int32"), "with the data's zero point"),
            Constant("recurrent weights", np.stack([weights_of(layer, RECURRENT, g) for g in gates])),
            Constant(
                "recurrent bias", table(np.stack([p.bias for p in recurrent]), "int32"), "of the zero point alone"
            ),
        ),
        sources=("mcuq_lstm_s8.c",),
    )


def _array(values: Iterable[int]) -> str:
    """The initialiser of an array member."""
    return f"{{{', '.join(map(str, values))}}}"


KERNELS = (Kernel("mcuq_lstm_s8", MCUQ, "UNIDIRECTIONAL_SEQUENCE_LSTM", never, lower, cycles),)
