"""What it costs a model's output to quantize one layer alone: its weights by a scheme, its output to int8, or both.

Everything else stays float, so the costs of layers add up to about what quantizing them together costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from threadpoolctl import threadpool_limits

from mcuq.quantize.flatbuffer import operator_name, tensor_name
from mcuq.quantize.moments import moments
from mcuq.quantize.rounding import Rounded, round_layer
from mcuq.quantize.roundings import Rounding
from mcuq.quantize.scheme import Array, Scheme
from mcuq.quantize.segments import Values, run_segment
from mcuq.quantize.variants import Variant, run_variants
from mcuq.quantize.weighted_layer import WeightedLayer
from mcuq.reference import agreement

MOST_SAMPLES = 64
MOST_BYTES = 1 << 27
"""Of activations that are alive together; for more, fewer samples are used."""

AT_ONCE = 2
"""Layers looked at at the same time."""

_SQUASHING = ("SOFTMAX", "LOG_SOFTMAX", "LOGISTIC")


@dataclass(frozen=True, slots=True)
class Alone:
    """A layer quantized alone.

    ``scheme`` is that of its weights (None: they stay float), ``output`` says whether its output becomes int8.
    ``noise`` is the power of what changes in the model's output, in parts of the output's variance; before a last
    softmax or sigmoid, which would hide it. ``agreement`` is the share of samples that stay in their class, None where
    outputs name no classes.
    """

    layer: str
    op: str
    scheme: str | None
    output: bool
    noise: float
    agreement: float | None

    @property
    def sqnr_db(self) -> float:
        """How far the model's output stands above what the layer adds to it."""
        return -10 * math.log10(self.noise) if self.noise else math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """An operator to look at: ``layer`` if it has weights, its ``output`` as the int8 model has it, and what to try:
    (scheme or None, output as int8 or float).
    """

    index: int
    name: str
    op: str
    layer: WeightedLayer | None
    output: tuple[float, int] | None
    trials: tuple[tuple[Scheme | None, bool], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Of a place: what each trial cost, and the rounded weights of those that have a scheme, by its name."""

    alone: tuple[Alone, ...]
    rounded: Mapping[str, Rounded]


def sensitivities(
    model: Any, places: Sequence[Place], samples: Sequence[Array], progress: Callable[[int, int], None]
) -> tuple[Found, ...]:
    """For each of ``places`` of the ``ModelT`` tree, in the order of execution.

    ``samples`` has one array (n, ...) for each input; the first of them are used.
    """
    pool = ThreadPoolExecutor(AT_ONCE)
    waiting: list[Future[Found]] = []
    found: list[Found] = []
    with threadpool_limits(1, "blas"):
        try:
            for place, values in zip(places, _values_before(model, places, samples), strict=True):
                waiting.append(pool.submit(_tried, model, place, values))
                if len(waiting) > AT_ONCE:
                    found.append(waiting.pop(0).result())
                    progress(len(found), len(places))
            for future in waiting:
                found.append(future.result())
                progress(len(found), len(places))
        finally:
            pool.shutdown(cancel_futures=True)
    return tuple(found)


def _values_before(model: Any, places: Sequence[Place], samples: Sequence[Array]) -> Iterator[Values]:
    """What is alive before each place in the float model."""
    biggest = max(_bytes(tensor) for tensor in model.subgraphs[0].tensors)
    count = max(1, min(MOST_SAMPLES, len(samples[0]), MOST_BYTES // max(1, 4 * AT_ONCE * biggest)))
    values: Values = {
        int(index): [np.asarray(array[number : number + 1], np.float32) for number in range(count)]
        for index, array in zip(model.subgraphs[0].inputs, samples, strict=True)
    }
    position = 0
    for place in places:
        values, position = run_segment(model, position, place.index, values), place.index
        yield values


def _bytes(tensor: Any) -> int:
    return 4 * math.prod(int(size) for size in (() if tensor.shape is None else tensor.shape))


def _tried(model: Any, place: Place, values: Values) -> Found:
    rounded: dict[str, Rounded] = {}
    shifts: dict[str, Array] = {}
    if place.layer is not None:
        inputs = values[int(place.layer.operator.inputs[0])]
        known = moments(place.layer, inputs, inputs)
        for name, one in {scheme.name: scheme for scheme, _ in place.trials if scheme is not None}.items():
            rounded[name] = round_layer(place.layer, one, known, Rounding())
            shifts[name] = rounded[name].bias_shift(known)
    variants = [Variant()]
    for scheme, output in place.trials:
        weights, shift = (rounded[scheme.name].real_weights(), shifts[scheme.name]) if scheme else (None, None)
        variants.append(Variant(weights, shift, place.output if output else None))
    last, scores = int(model.subgraphs[0].outputs[0]), scores_of(model)
    if scores not in values and not any(
        scores in map(int, op.outputs) for op in model.subgraphs[0].operators[place.index :]
    ):
        scores = last  # done with before this layer, which only other outputs read
    plain, *varied = run_variants(model, place.index, variants, values, (scores, last))
    elements = sum(array[0].size for array in (values.get(int(i), [np.zeros(0)]) for i in model.subgraphs[0].inputs))
    alone = tuple(
        Alone(
            place.name,
            place.op,
            None if scheme is None else scheme.name,
            output,
            noise(plain[0], found[0]),
            agreement(plain[1], found[1], input_elements=elements),
        )
        for (scheme, output), found in zip(place.trials, varied, strict=True)
    )
    return Found(alone, rounded)


def noise(plain: Array, changed: Array) -> float:
    """The mean square of the difference, in parts of the variance of ``plain``."""
    error = float(((changed - plain).astype(np.float64) ** 2).mean())
    return error / float(plain.astype(np.float64).var() or 1.0)


def scores_of(model: Any) -> int:
    """The tensor that the ``ModelT`` tree's first output is made from: before a softmax or a sigmoid."""
    subgraph = model.subgraphs[0]
    last = int(subgraph.outputs[0])
    writer = next((op for op in subgraph.operators if last in map(int, op.outputs)), None)
    return int(writer.inputs[0]) if writer is not None and operator_name(model, writer) in _SQUASHING else last


def int8_outputs(quantized: Any) -> Mapping[str, tuple[float, int]]:
    """Scale and zero point of the int8 activations of a quantized ``ModelT`` tree, by tensor name."""
    found = {}
    for tensor in quantized.subgraphs[0].tensors:
        known = tensor.quantization
        scales = [] if known is None or known.scale is None else list(known.scale)
        if tensor.type == schema.TensorType.INT8 and len(scales) == 1:
            found[tensor_name(tensor)] = (float(scales[0]), int(known.zeroPoint[0]))
    return found
