"""GATHER, GATHER_ND and EMBEDDING_LOOKUP: parts of a tensor by their indices, which may be computed.

GATHER takes slices along one axis, GATHER_ND parts by the first coordinates, EMBEDDING_LOOKUP rows. Bytes are copied.
An index that is negative or too large stops the inference with an error, as it does in LiteRT; where indices are
constants, such a layer is refused. Source: TFLite ``gather.cc``, ``gather_nd.cc``, ``embedding_lookup.cc``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.base import Array, Case, Operand, Operator
from mcuq.ops.moves import INTEGERS, axis_of, case, same_type, shapes_as_computed


@dataclass(frozen=True, slots=True)
class Gather:
    """Attributes of the three operators: ``data`` and ``indices`` are numbers of inputs.

    The data is ``batches`` times ``outer`` blocks of shape ``sizes``, of runs of ``run`` elements; a row of indices, as
    many as there are ``sizes``, names a run. Each batch has ``rows`` of them.
    """

    data: int
    indices: int
    batches: int
    outer: int
    sizes: tuple[int, ...]
    run: int
    rows: int
    shapes: tuple[tuple[int, ...], ...]


def gather_attributes(options: Mapping[str, Any], layer: Layer) -> Gather:
    data, indices = layer.input(0).shape, layer.input(1).shape
    axis = axis_of(int(options.get("axis", 0)), len(data))
    batch = int(options.get("batch_dims", 0))
    batch += len(indices) if batch < 0 else 0
    if not 0 <= batch <= min(axis, len(indices)) or data[:batch] != indices[:batch]:
        raise ValueError(f"{batch} batch dimensions of {data} and {indices}, axis {axis}")
    return Gather(
        0,
        1,
        math.prod(data[:batch]),
        math.prod(data[batch:axis]),
        (data[axis],),
        math.prod(data[axis + 1 :]),
        math.prod(indices[batch:]),
        ((*data[:axis], *indices[batch:], *data[axis + 1 :]),),
    )


def gather_nd_attributes(_options: Mapping[str, Any], layer: Layer) -> Gather:
    data, indices = layer.input(0).shape, layer.input(1).shape
    depth = indices[-1]
    if not 1 <= depth <= len(data):
        raise ValueError(f"{depth} coordinates in a tensor of {len(data)} dimensions")
    shape = (*indices[:-1], *data[depth:])
    return Gather(0, 1, 1, 1, data[:depth], math.prod(data[depth:]), math.prod(indices[:-1]), (shape,))


def lookup_attributes(_options: Mapping[str, Any], layer: Layer) -> Gather:
    (count,), (rows, *rest) = layer.input(0).shape, layer.input(1).shape
    return Gather(1, 0, 1, 1, (rows,), math.prod(rest), count, ((count, *rest),))


def indices_are_integers(layer: Layer) -> str | None:
    """the indices are int32 or int64"""
    found = layer.input(layer.attributes.indices).type.dtype
    return None if found in INTEGERS else f"the indices are {found.value}"


def indices_are_int32(layer: Layer) -> str | None:
    """the indices are int32"""
    found = layer.input(layer.attributes.indices).type.dtype
    return None if found is DType.INT32 else f"the indices are {found.value}"


def constant_indices_are_inside(layer: Layer) -> str | None:
    """constant indices lie inside the tensor"""
    a: Gather = layer.attributes
    values = layer.input(a.indices).data
    if values is None or _inside(a, values):
        return None
    return f"the indices go from {values.min()} to {values.max()}, the sizes are {a.sizes}"


def _inside(a: Gather, indices: Array) -> bool:
    rows = indices.reshape(-1, len(a.sizes))
    return bool(((rows >= 0) & (rows < np.array(a.sizes))).all())


def reference(layer: Layer, inputs: Sequence[Array | None]) -> tuple[Array, ...]:
    a: Gather = layer.attributes
    data, indices = inputs[a.data], inputs[a.indices]
    assert data is not None and indices is not None
    if not _inside(a, indices):
        raise ValueError(f"an index is outside of {a.sizes}")
    blocks = data.reshape(a.batches, a.outer, *a.sizes, a.run)
    rows = indices.reshape(a.batches, a.rows, len(a.sizes))
    # For each batch all outer blocks at the rows' coordinates, side by side.
    parts = [np.moveaxis(blocks[i], 0, -2)[tuple(np.moveaxis(rows[i], -1, 0))] for i in range(a.batches)]
    gathered = np.swapaxes(np.stack(parts), 1, 2)
    return (np.ascontiguousarray(gathered).reshape(a.shapes[0]),)


def _computed(
    name: str, data: tuple[int, ...], indices: tuple[int, ...], output: tuple[int, ...], most: int, **options: Any
) -> Case:
    """A case whose indices are an input of the model."""
    dtype = options.pop("dtype", DType.INT32)
    x, y = (Operand(shape, 0.05, 3) for shape in (data, output))
    return Case(name, (x, Operand(indices, dtype=dtype, least=0, most=most)), (y,), options)


GATHER_CASES = (
    case("rows", [(6, 5)], [(4, 5)], [(3, 0, 5, 3)], axis=0),
    case("channels", [(1, 4, 3, 5)], [(1, 4, 3, 2)], [(4, 1)], axis=-1),
    case("one_row", [(2, 6, 3)], [(2, 3)], [4], axis=1),
    case("table_of_indices", [(5, 2)], [(2, 2, 2)], [((4, 0), (1, 1))], integers=DType.INT64, axis=0),
    case("batches", [(2, 3, 4)], [(2, 2, 4)], [((2, 0), (1, 1))], axis=1, batch_dims=1),
    case("batches_and_outer", [(2, 3, 4, 2)], [(2, 3, 2, 2)], [((3, 0), (1, 1))], axis=2, batch_dims=1),
    _computed("computed", (6, 5), (3,), (3, 5), 5, axis=0),
    _computed("computed_64_bits", (4, 6, 5), (3,), (4, 3, 5), 5, axis=1, dtype=DType.INT64),
    case("floats", [(4, 3)], [(2, 3)], [(3, 1)], dtype=DType.FLOAT32, axis=0),
)
GATHER_ND_CASES = (
    case("elements", [(3, 4)], [(2,)], [((2, 3), (0, 1))]),
    case("parts", [(3, 4, 5)], [(2, 2, 5)], [(((2, 3), (0, 1)), ((1, 1), (2, 0)))]),
    case("rows", [(3, 4)], [(2, 4)], [((2,), (0,))], integers=DType.INT64),
    _computed("computed", (4, 5, 3), (6, 2), (6, 3), 3),
)
LOOKUP_CASES = (
    case("rows", [(6, 5)], [(3, 5)], [(3, 0, 5)], first=True),
    case("matrices", [(4, 2, 3)], [(2, 2, 3)], [(1, 3)], first=True),
    case("floats", [(4, 3)], [(2, 3)], [(3, 1)], dtype=DType.FLOAT32, first=True),
)

OPERATORS = tuple(
    Operator(
        name,
        attributes,
        (*first, integers, same_type(data), shapes_as_computed, constant_indices_are_inside),
        reference,
        cases,
    )
    for name, attributes, first, integers, data, cases in (
        ("GATHER", gather_attributes, (), indices_are_integers, 0, GATHER_CASES),
        ("GATHER_ND", gather_nd_attributes, (), indices_are_integers, 0, GATHER_ND_CASES),
        (
            "EMBEDDING_LOOKUP",
            lookup_attributes,
            (rules.rank(0, (1,), "the indices"),),
            indices_are_int32,
            1,
            LOOKUP_CASES,
        ),
    )
)
