"""Attention masks, whose minus infinity would be all that an int8 range of scores tells apart, made finite.

What hides a score from a SOFTMAX, a large negative constant that is selected or added instead, becomes ``MARGIN`` less
than the least score that the calibration saw: its exponential is nothing in an int8 result. Masks that are computed are
left as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mcuq.quantize.calibrate import Statistics
from mcuq.quantize.flatbuffer import add_constant, constant, operator_name, tensor_name

LARGE = 1e4
"""No score is that large; masks are from 65504 on."""
MARGIN = 10.0
SELECTIONS = ("SELECT", "SELECT_V2")


def bound_masks(model: Any, statistics: Mapping[str, Statistics]) -> bool:
    """Bounds the masks of the float ``ModelT`` tree in place; tells whether there are any (these change statistics)."""
    subgraph, found = model.subgraphs[0], False
    for operator in subgraph.operators:
        if not len(operator.outputs):
            continue
        output = int(operator.outputs[0])
        readers = {operator_name(model, other) for other in subgraph.operators if output in list(other.inputs)}
        if not readers or not readers <= {"SOFTMAX", *SELECTIONS} or output in list(subgraph.outputs):
            continue
        kind = operator_name(model, operator)
        places = {"ADD": (0, 1), "SUB": (1,), "SELECT": (1, 2), "SELECT_V2": (1, 2)}.get(kind, ())
        found |= any(_bound(model, operator, kind, place, sum(places) - place, statistics) for place in places)
    return found


def _bound(model: Any, operator: Any, kind: str, place: int, other: int, statistics: Mapping[str, Statistics]) -> bool:
    """Bounds the mask in ``place``, if it is one, for the scores in the ``other``."""
    tensors = model.subgraphs[0].tensors
    mask, scores = (tensors[operator.inputs[index]] for index in (place, other))
    values = constant(model, mask, np.float32) if mask.type == schema.TensorType.FLOAT32 else None
    seen = statistics.get(tensor_name(scores))
    if values is None or seen is None:
        return False
    sign = -1 if kind == "SUB" else 1
    hides = sign * values <= -LARGE
    if not hides.any():
        return False
    # In the place of a score, or added to the greatest.
    least = seen.low - MARGIN - (0.0 if kind in SELECTIONS else seen.high)
    bounded = np.where(hides, sign * least, values).astype(np.float32)
    operator.inputs[place] = add_constant(model, f"{tensor_name(mask)}/bounded_{len(tensors)}", bounded)
    return True
