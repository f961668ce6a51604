"""Quantized recurrent layers without Keras: one loop over a random cell as a TFLite file."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.cells import CELLS, Cell
from mcuq.quantize.flatbuffer import write_model
from mcuq.quantize.loops import loop_operators
from mcuq.quantize.subgraph import Writer

STEPS, FEATURES, UNITS = 5, 3, 4


def loop_net(seed: int) -> bytes:
    """A kind of cell, all outputs or the last, stateful or not: each in turn."""
    rng = np.random.default_rng(seed)
    kind, all_steps, stateful = list(CELLS)[seed % 3], seed // 3 % 2 == 1, seed // 6 % 2 == 1
    rows = UNITS if kind == "SimpleRNN" else 3 * UNITS

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    cell = Cell(kind, weights(rows, FEATURES), weights(rows, UNITS), weights(rows), weights(rows), stateful)
    model, main = schema.ModelT(), schema.SubGraphT()
    main.tensors, main.operators = [], []
    model.version, model.operatorCodes, model.buffers, model.subgraphs = 3, [], [schema.BufferT()], [main]
    writer = Writer(model, main)
    x = writer.tensor("x", (1, STEPS, FEATURES), np.int8, (0.03,), -5)
    y = writer.tensor("y", (1, STEPS, UNITS) if all_steps else (1, UNITS), np.int8, (1 / 128,), 0)
    main.inputs, main.outputs, main.operators = [x], [y], loop_operators(model, cell, x, y)
    return write_model(model)
