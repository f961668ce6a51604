"""Training a fake-quantized model to answer as its float model does, which needs samples and no labels.

Hinton et al., "Distilling the Knowledge in a Neural Network", 2015. Besides the answers, activations are compared
layer by layer: few samples teach more so.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mcuq.errors import DataError, McuqError, UsageError
from mcuq.qat.augment import augmentation, own_parts
from mcuq.qat.network import FakeQuantized, check_prepared
from mcuq.qat.operators import FIXED_SCALE, SAME_SCALE
from mcuq.qat.samples import arrays_for
from mcuq.quantize.scheme import Array

BATCH = 64
STEPS = 2000
LEARNING_RATE = 2e-3
TEMPERATURE = 2.0


@dataclass(frozen=True, slots=True)
class Epoch:
    """What has been reached after ``number`` epochs of ``of``; ``done`` is how much of the training is over, 0 to 1, by
    epochs or by time.

    ``loss`` is the mean over the epoch. ``agreement`` is the share of its samples, as they were changed, that were put
    into the same class as by the float model; None where outputs are no classes.
    """

    number: int
    of: int
    done: float
    loss: float
    agreement: float | None


def distill(
    prepared: FakeQuantized,
    samples: Any,
    labels: Any = None,
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    batch_size: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    augment: bool = True,
    seed: int = 0,
    progress: Callable[[Epoch], None] | None = None,
) -> FakeQuantized:
    """Trains ``prepared`` in place, and returns it.

    ``samples`` (an array (n, ...), a list of such arrays for several inputs) are changed a little each time unless
    ``augment`` is off. ``labels`` (n,), one class a sample, negative where it is not known, count beside the float
    model's answers where the first output is a probability for each class.
    ``epochs`` are by default so many as make 2,000 batches. With ``minutes`` training ends after so long if that is
    sooner; until then ``learning_rate`` falls to nothing, in half a cosine. ``progress`` is called after each
    epoch. The same ``seed`` gives the same model on one machine, unless time ends it.

    Raises ``UsageError`` for a model that ``prepare`` did not make, ``DataError`` for samples or labels that do not fit
    it, ``McuqError`` when the loss is no finite number any more.
    """
    check_prepared(prepared)
    if min(1 if epochs is None else epochs, batch_size, learning_rate, 1.0 if minutes is None else minutes) <= 0:
        raise UsageError("epochs, minutes, batch_size and learning_rate are above zero")
    arrays = arrays_for(prepared.architecture.inputs, samples)
    count = len(arrays[0])
    labelled = _one_hot(prepared, labels, count)
    lesson = _Lesson(prepared, arrays, labelled, batch_size, learning_rate, augment, seed)
    batches = -(-count // batch_size)
    of = epochs or -(-STEPS // batches)
    begin, random = time.monotonic(), np.random.default_rng(seed)

    def done(epochs: float) -> float:
        spent = 0.0 if minutes is None else (time.monotonic() - begin) / (60 * minutes)
        return max(spent, epochs / of)

    for number in range(of):
        order = np.resize(random.permutation(count), (batches, batch_size))
        reached = []
        for batch, chosen in enumerate(order):
            if (share := done(number + batch / batches)) >= 1.0:
                return prepared
            reached.append(lesson.learn(chosen, share))
        loss, agreement = np.mean(reached, axis=0)
        if progress is not None:
            classes = float(agreement) if prepared.classes else None
            progress(Epoch(number + 1, of, min(1.0, done(number + 1)), float(loss), classes))
    return prepared


def _one_hot(prepared: FakeQuantized, labels: Any, count: int) -> Array:
    """A row for each sample, zeros where its class is not known."""
    program = prepared.architecture.program
    classes = next(step.shape[-1] for step in program.steps if step.output == program.outputs[0])
    known = np.full(count, -1) if labels is None else np.asarray(labels).reshape(-1)
    if known.dtype.kind not in "iu":
        raise DataError(f"labels are class numbers, and of type {known.dtype}", hint="labels.argmax(axis=1)?")
    if len(known) != count:
        raise DataError(f"{len(known)} labels do not fit {count} samples")
    if known.max() >= classes:
        raise DataError(f"a label is class {known.max()}, but the model has {classes} classes, from 0 on")
    return np.asarray(known[:, None] == np.arange(classes), np.float32)


class _Lesson:
    """One step of training, compiled: a batch changed, the float model asked, and the variables moved."""

    def __init__(
        self,
        model: FakeQuantized,
        arrays: Sequence[Array],
        labels: Array,
        batch_size: int,
        learning_rate: float,
        augment: bool,
        seed: int,
    ) -> None:
        self._model = model
        self._size, self._rate = batch_size, learning_rate
        self._samples = [tf.constant(array, tf.float32) for array in arrays]
        self._labels = tf.constant(labels)
        self._random = tf.random.Generator.from_seed(seed)
        self._augment = [augmentation(array, self._random) for array in arrays] if augment else []
        self._optimizer = keras.optimizers.Adam(learning_rate)
        self._optimizer.build(model.trainable_variables)
        program = model.architecture.program
        self._compared = [s.output for s in program.steps if s.op not in SAME_SCALE | FIXED_SCALE]
        self._first = program.outputs[0]
        self._ends = [s for s in program.steps if s.output in program.outputs]
        chosen = tf.TensorSpec((batch_size,), tf.int64)
        self._step = tf.function(self._learn, autograph=False).get_concrete_function(chosen)

    def learn(self, chosen: Array, done: float) -> tuple[float, float]:
        """Loss and agreement of a batch of the samples ``chosen``, when ``done`` of the training, 0 to 1, is over."""
        self._optimizer.learning_rate = self._rate * (1.0 + math.cos(math.pi * done)) / 2.0
        loss, agreement = (float(found) for found in self._step(tf.constant(chosen)))
        if not math.isfinite(loss):
            raise McuqError(
                "training diverged: the loss is no finite number any more",
                hint=f"give a learning rate below {self._rate:g}",
            )
        return loss, agreement

    def _learn(self, chosen: Any) -> tuple[Any, Any]:
        batch = [tf.gather(x, chosen) for x in self._samples]
        labels = tf.gather(self._labels, chosen)
        if self._augment:
            own = own_parts(self._size, self._random)
            batch = [changed(x, own) for changed, x in zip(self._augment, batch, strict=True)]
            labels = own[:, None] * labels + (1.0 - own[:, None]) * tf.roll(labels, 1, 0)
        teacher = self._model.float_activations(batch)
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            student = self._model.activations(batch, training=True)
            loss = self._loss(student, teacher, labels)
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        same = tf.argmax(student[self._first], axis=-1) == tf.argmax(teacher[self._first], axis=-1)
        return loss, tf.reduce_mean(tf.cast(same, tf.float32))

    def _loss(self, student: Mapping[int, Any], teacher: Mapping[int, Any], labels: Any) -> Any:
        apart = [_apart(student[i], teacher[i]) for i in self._compared]
        loss = 4.0 * tf.add_n(apart) / len(apart)
        for step in self._ends:
            if step.op == "SOFTMAX":
                scores, wanted = student[step.inputs[0]], teacher[step.inputs[0]]
                loss += 4.0 * tf.reduce_mean(_divergence(scores / TEMPERATURE, wanted / TEMPERATURE))
                if step.output == self._first:
                    loss -= tf.reduce_mean(tf.reduce_sum(labels * tf.nn.log_softmax(scores), -1))
        return loss


def _apart(found: Any, wanted: Any) -> Any:
    """The mean square of the difference, in parts of the variance."""
    spread = tf.nn.l2_loss(wanted - tf.reduce_mean(wanted)) + 1e-9 * tf.cast(tf.size(wanted), tf.float32)
    return tf.nn.l2_loss(found - wanted) / spread


def _divergence(scores: Any, wanted: Any) -> Any:
    """Kullback and Leibler's, of what softmax makes of ``scores`` from what it makes of ``wanted``."""
    return tf.reduce_sum(tf.nn.softmax(wanted) * (tf.nn.log_softmax(wanted) - tf.nn.log_softmax(scores)), -1)
