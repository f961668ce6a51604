"""A float model run piece by piece: what a piece computes depends on what the pieces before it became meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from mcuq.errors import UnsupportedError
from mcuq.litert import LiteRT
from mcuq.quantize.flatbuffer import write_model
from mcuq.quantize.scheme import Array

Values = dict[int, list[Array]]
"""By tensor: one array with batch for each sample."""


def run_layers(
    model: Any, wanted: Sequence[int], samples: Sequence[Array], samples_most: int, bytes_most: int
) -> tuple[Values, Values]:
    """The ``ModelT`` tree's inputs, and its tensors ``wanted``, for the first of ``samples``.

    ``samples`` has one array (n, ...) for each input. At least one is taken, and no more when there are
    ``samples_most`` or when more than ``bytes_most`` are kept.
    """
    litert = runnable(write_model(model), all_tensors=True)
    inputs: Values = {int(index): [] for index in model.subgraphs[0].inputs}
    kept: Values = {index: [] for index in wanted}
    kept_bytes = 0
    for number in range(min(len(samples[0]), samples_most)):
        arrays = [np.asarray(array[number : number + 1], np.float32) for array in samples]
        litert.run(arrays)
        for lists, found in ((inputs, arrays), (kept, litert.tensors(list(kept)))):
            for rows, array in zip(lists.values(), found, strict=True):
                rows.append(array)
                kept_bytes += array.nbytes
        if kept_bytes > bytes_most:
            break
    return inputs, kept


def run_segment(model: Any, first: int, last: int, values: Values) -> Values:
    """What is alive behind the operators ``first`` to ``last`` - 1 of the ``ModelT`` tree, given what is before them.

    Tensors that no later operator reads, and that are no outputs of the model, are left out.
    """
    operators = model.subgraphs[0].operators
    later = {int(index) for operator in operators[last:] for index in operator.inputs}
    later |= {int(index) for index in model.subgraphs[0].outputs}
    alive = {index: arrays for index, arrays in values.items() if index in later}
    inner = operators[first:last]
    inputs = sorted({int(index) for operator in inner for index in operator.inputs} & set(values))
    outputs = sorted({int(index) for operator in inner for index in operator.outputs} & later)
    if not outputs:
        return alive
    part = copy.copy(model)
    part.subgraphs = [copy.copy(model.subgraphs[0]), *model.subgraphs[1:]]
    part.subgraphs[0].operators, part.subgraphs[0].inputs, part.subgraphs[0].outputs = inner, inputs, outputs
    part.signatureDefs = part.metadata = part.metadataBuffer = None
    litert = runnable(write_model(part), all_tensors=False)
    rows = [litert.run(sample) for sample in zip(*(values[index] for index in inputs), strict=True)]
    return alive | {index: [row[place] for row in rows] for place, index in enumerate(outputs)}


def runnable(content: bytes, *, all_tensors: bool) -> LiteRT:
    """A model on the optimized kernels, for speed; on the reference kernels should those refuse it."""
    try:
        return LiteRT(content, exact=False, all_tensors=all_tensors)
    except UnsupportedError:
        return LiteRT(content, exact=True, all_tensors=all_tensors)
