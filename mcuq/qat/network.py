"""A float TFLite graph as a Keras model that computes as its int8 file will: fake-quantized, and trainable.

Weights are levels of their scheme's grid times a trained scale for each output channel; activations have trained scales
about fixed zero points. Rounding passes gradients straight through, and the scales of activations have those of LSQ
(Esser et al., "Learned Step Size Quantization", 2020). Batch normalization has been folded into weights and biases;
what it could learn, the channels' scales and biases can.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mcuq.data import InputSpec
from mcuq.errors import DataError, UsageError
from mcuq.qat.program import Program, Step
from mcuq.qat.roundings import Rounding, rounding
from mcuq.quantize.bias_range import CHANNEL_AXIS
from mcuq.quantize.rounding import Rounded
from mcuq.quantize.scheme import Array

LOWEST, HIGHEST = -128.0, 127.0


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer with weights before training: its ``step``, whose inputs are activations, weights and bias; its
    ``rounded`` weights; its ``bias``, and the ``unit`` that the bias's trained change is counted in.
    """

    step: Step
    rounded: Rounded
    bias: Array
    unit: float


@dataclass(frozen=True, slots=True)
class Range:
    """The scale and zero point that the activations of ``tensors`` (indices) share; ``trained``, or fixed."""

    tensors: tuple[int, ...]
    scale: float
    zero_point: int
    trained: bool


@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """What ``prepare`` made of a model.

    ``teacher`` is the float model; ``program`` the same with corrected biases, ``tflite`` its file; ``constants`` are
    its other constants as the int8 file has them. ``ends`` are outputs of fixed scale.
    """

    teacher: Program
    program: Program
    tflite: bytes
    layers: tuple[Layer, ...]
    ranges: tuple[Range, ...]
    constants: Mapping[int, Array]
    ends: frozenset[int]
    inputs: tuple[InputSpec, ...]


class FakeQuantized(keras.Model):  # type: ignore[misc]
    """A model to ``compile`` and ``fit`` as any other; ``mcuq.qat.export`` gives its integers.

    Takes one tensor, or several in the model's order, with batch, and returns what the int8 file will, as real
    values: float32 (n, ...). All variables are relative to what they change, so one learning rate serves all.

    Raises ``DataError`` for inputs that do not fit the model.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(name="fake_quantized")
        self.architecture = architecture
        self.latents, self.weight_scales, self.biases, self.range_scales = [], [], [], []
        for number, layer in enumerate(architecture.layers):
            start = _latent(layer.rounded)
            self.latents.append(self._variable(f"weights_{number}", start, _within(layer.rounded.grid.levels)))
            self.weight_scales.append(self._variable(f"scales_{number}", np.zeros(len(start))))
            self.weight_scales[-1].trainable = not layer.rounded.scheme.double
            self.biases.append(self._variable(f"bias_{number}", np.zeros(len(start))))
        for number in range(len(architecture.ranges)):
            self.range_scales.append(self._variable(f"range_{number}", np.zeros(())))
        for variable, known in zip(self.range_scales, architecture.ranges, strict=True):
            variable.trainable = known.trained
        self.built = True

    def _variable(self, name: str, start: Array, constraint: Any = None) -> Any:
        variable = self.add_weight(shape=start.shape, initializer="zeros", name=name, constraint=constraint)
        variable.assign(start.astype(np.float32))
        return variable

    @property
    def classes(self) -> bool:
        """Is the first output a probability for each class?"""
        program = self.architecture.program
        return any(step.op == "SOFTMAX" and step.output == program.outputs[0] for step in program.steps)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The model's output, or a list of them. Outputs of a fixed scale are not rounded while ``training``."""
        found = self.activations(inputs, training=bool(training))
        outputs = [found[index] for index in self.architecture.program.outputs]
        return outputs[0] if len(outputs) == 1 else outputs

    def activations(self, inputs: Any, *, training: bool) -> dict[int, Any]:
        """All activations by tensor."""
        architecture = self.architecture
        by_tensor = {
            index: (self.range_scale(number), float(known.zero_point))
            for number, known in enumerate(architecture.ranges)
            for index in known.tensors
        }
        values: dict[int, Any] = dict(architecture.constants)
        of_layers = {}
        for number, layer in enumerate(architecture.layers):
            scales, step = self.scales(number), layer.step
            accumulators = scales * by_tensor[step.inputs[0]][0]
            steps = _steps(layer.rounded.grid.levels, self.latents[number])
            values[step.inputs[1]] = _unrolled(layer, steps * scales[:, None])
            values[step.inputs[2]] = _whole(self.bias(number) / accumulators) * accumulators
            of_layers[step.output] = accumulators
        roundings = self._roundings(by_tensor, of_layers)
        passed = architecture.ends if training else frozenset()

        def quantized(index: int, x: Any) -> Any:
            return x if index in passed else _fake_quantized(x, *by_tensor[index], roundings[index])

        return architecture.program.run(self._given(inputs), values, quantized)

    def _roundings(
        self, by_tensor: Mapping[int, tuple[Any, float]], of_layers: Mapping[int, Any]
    ) -> dict[int, Rounding]:
        """By tensor; ``of_layers`` has the scales of accumulators by output."""
        program = self.architecture.program
        scales = {index: scale for index, (scale, _) in by_tensor.items()}
        sizes = dict(zip(program.inputs, (spec.elements for spec in self.architecture.inputs), strict=True))
        sizes |= {step.output: math.prod(step.shape) for step in program.steps}
        found = dict.fromkeys(program.inputs, Rounding())  # as `mcuq.reference` rounds what goes in
        for step in program.steps:
            elements = sizes.get(step.inputs[0], 1) // sizes[step.output]
            accumulators, zero_point = of_layers.get(step.output), by_tensor[step.output][1]
            found[step.output] = rounding(step, scales, accumulators, zero_point, elements)
        return found

    def float_activations(self, inputs: Any) -> dict[int, Any]:
        """All activations of the float model."""
        return self.architecture.teacher.run(self._given(inputs), {})

    def _given(self, inputs: Any) -> Sequence[Any]:
        given = inputs if isinstance(inputs, list | tuple) else [inputs]
        tensors = [tf.cast(x, tf.float32) for x in given]
        found, taken = [x.shape[1:] for x in tensors], [spec.shape for spec in self.architecture.inputs]
        if found != taken:
            lists = (", ".join(f"(n, {', '.join(map(str, shape))})" for shape in shapes) for shapes in (found, taken))
            raise DataError("inputs of shape {} do not fit the model, which takes {}".format(*lists))
        return tensors

    def integers(self, number: int) -> Any:
        """The levels that the weights (channels, depth) of a layer take."""
        levels = self.architecture.layers[number].rounded.grid.levels
        return _nearest(levels, self.latents[number] * float(np.abs(levels).max()))

    def scales(self, number: int) -> Any:
        """The scales of a layer's weights, one a channel."""
        return _scales(self.architecture.layers[number].rounded) * tf.exp(self.weight_scales[number])

    def bias(self, number: int) -> Any:
        layer = self.architecture.layers[number]
        return self.biases[number] * layer.unit + layer.bias

    def range_scale(self, number: int) -> Any:
        """The scale of activations of ``ranges[number]``."""
        return tf.exp(self.range_scales[number]) * self.architecture.ranges[number].scale


def check_prepared(model: Any) -> None:
    """Raises ``UsageError`` for what ``prepare`` did not make."""
    if not isinstance(model, FakeQuantized):
        raise UsageError(f"a {type(model).__name__} is not prepared", hint="give what mcuq.qat.prepare returns")


def _straight_through(values: Any, rounded: Any) -> Any:
    """``rounded``, with the gradient of ``values``."""
    return values + tf.stop_gradient(rounded - values)


def _fake_quantized(x: Any, scale: Any, zero_point: float, rounded: Rounding) -> Any:
    """Rounding passes gradients straight through. They are written out: so they take half the time."""
    low, high = LOWEST - zero_point, HIGHEST - zero_point

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def quantized(x: Any, scale: Any) -> tuple[Any, Any]:
        steps = x / scale
        kept = tf.raw_ops.ClipByValue(t=steps, clip_value_min=low, clip_value_max=high)
        whole = rounded(kept, positive=low >= 0.0)

        def gradients(above: Any) -> tuple[Any, Any]:
            inside = steps == kept
            return tf.where(inside, above, 0.0), _product(above, whole - tf.where(inside, kept, 0.0))

        return scale * whole, gradients

    return quantized(x, scale)


def _product(first: Any, other: Any) -> Any:
    """The sum of all products, without memory for them."""
    return tf.matmul(tf.reshape(first, (1, -1)), tf.reshape(other, (-1, 1)))[0, 0]


def _whole(x: Any) -> Any:
    return _straight_through(x, tf.round(x))


def _steps(levels: Array, latent: Any) -> Any:
    """``latent`` weights, which are in parts of the largest level, as levels."""
    steps = latent * float(np.abs(levels).max())
    return _straight_through(steps, _nearest(levels, steps))


def _nearest(levels: Array, steps: Any) -> Any:
    """As ``Grid.nearest``."""
    if levels[-1] - levels[0] == len(levels) - 1:  # all integers of a span
        return tf.round(tf.clip_by_value(steps, float(levels[0]), float(levels[-1])))
    middles = tf.constant((levels[1:] + levels[:-1]) / 2, tf.float32)
    places = tf.searchsorted(middles, tf.reshape(steps, (-1,)))
    return tf.reshape(tf.gather(tf.constant(levels, tf.float32), places), tf.shape(steps))


def _latent(rounded: Rounded) -> Array:
    """The float weights in parts of the largest level, moved just so far that they round to what they were rounded to.

    A weight that was nearly rounded otherwise is so still.
    """
    levels = rounded.grid.levels
    middles = (levels[1:] + levels[:-1]) / 2
    edges = np.concatenate([[levels[0]], middles, [levels[-1]]])
    place = np.searchsorted(levels, rounded.integers)
    margin = 0.01
    low, high = edges[place] + margin, edges[place + 1] - margin
    steps = rounded.layer.rows() / _scales(rounded)[:, None].astype(np.float64)
    return np.asarray(np.clip(steps, low, high).clip(levels[0], levels[-1]) / np.abs(levels).max())


def _within(levels: Array) -> Any:
    """Keeps latent weights where they can still change their level soon."""
    low, high = levels[[0, -1]] / np.abs(levels).max()
    return lambda latent: tf.clip_by_value(latent, float(low), float(high))


def _scales(rounded: Rounded) -> Array:
    """Those of the grid; a channel without weights, whose scale means nothing, gets the least of the others."""
    scales, alive = rounded.grid.scales, np.abs(rounded.layer.rows()).max(axis=1) > 0.0
    return np.where(alive, scales, scales[alive].min(initial=1.0)).astype(np.float32)


def _unrolled(layer: Layer, rows: Any) -> Any:
    """``WeightedLayer.unrolled`` in TensorFlow."""
    weighted = layer.rounded.layer
    axis = CHANNEL_AXIS[weighted.op]
    shape = weighted.weights.shape
    found = tf.reshape(rows, (shape[axis], *shape[:axis], *shape[axis + 1 :]))
    order = list(range(1, len(shape)))
    order.insert(axis, 0)
    return tf.transpose(found, order)
