"""The int8 TFLite file of a trained model: the integers and scales that it was trained with."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mcuq.errors import McuqError
from mcuq.qat.network import HIGHEST, LOWEST, FakeQuantized, Layer, check_prepared
from mcuq.quantize.flatbuffer import add_buffer, read_model, write_model
from mcuq.quantize.int8 import assemble
from mcuq.quantize.rounding import Rounded
from mcuq.quantize.scheme import Grid


def export(trained: FakeQuantized) -> bytes:
    """The int8 .tflite of a model that ``prepare`` made, trained or not, to build and to run as any other.

    Raises ``UsageError`` for another model, ``McuqError`` for one whose variables are no finite numbers.
    """
    check_prepared(trained)
    if not all(np.isfinite(variable.numpy()).all() for variable in trained.variables):
        raise McuqError("training diverged: weights are no finite numbers", hint="train with a lower learning rate")
    architecture = trained.architecture
    model = read_model(architecture.tflite)
    rounded, names = {}, architecture.program.names
    for number, layer in enumerate(architecture.layers):
        found = _rounded(trained, number, layer)
        rounded[names[layer.step.output]] = found
        real = found.layer.unrolled(found.grid.real(found.integers))
        _set(model, layer.step.inputs[1], real)
        _set(model, layer.step.inputs[2], trained.bias(number))
    ranges: dict[str, tuple[float, float]] = {}
    for number, known in enumerate(architecture.ranges):
        scale = float(trained.range_scale(number))
        ends = (LOWEST - known.zero_point) * scale, (HIGHEST - known.zero_point) * scale
        ranges.update({names[index]: ends for index in known.tensors})
    return write_model(assemble(model, ranges, rounded))


def _rounded(trained: FakeQuantized, number: int, layer: Layer) -> Rounded:
    grid = Grid(layer.rounded.grid.levels, np.asarray(trained.scales(number), np.float64))
    return dataclasses.replace(layer.rounded, grid=grid, integers=np.asarray(trained.integers(number), np.int64))


def _set(model: Any, index: int, values: Any) -> None:
    model.subgraphs[0].tensors[index].buffer = add_buffer(model, np.asarray(values, np.float32))
