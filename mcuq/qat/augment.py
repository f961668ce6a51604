"""More samples out of few: shifted, mirrored, tinted, mixed. The float model says what they are, so they may be odd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from mcuq.quantize.scheme import Array

Augment = Callable[[Any, Any], Any]
"""From a batch of one input, and how much of each sample is itself and not the one before it."""


def augmentation(samples: Array, random: Any) -> Augment:
    """For an input with ``samples``; ``random`` is a ``tf.random.Generator``.

    Images (rank 4) are moved by up to an eighth; those with three colours also mirrored and tinted; all are mixed.
    """
    low, high = float(samples.min()), float(samples.max())
    image, colours = samples.ndim == 4, samples.ndim == 4 and samples.shape[3] == 3
    room = [size // 8 for size in samples.shape[1:3]] if image else []

    def changed(x: Any, own: Any) -> Any:
        count = tf.shape(x)[0]
        if image:
            padded = tf.pad(x, [(0, 0), *((size, size) for size in room), (0, 0)], "SYMMETRIC")
            x = _moved(padded, x.shape[1:3], random)
        if colours:
            mirrored = random.uniform((count, 1, 1, 1)) < 0.5
            x = tf.where(mirrored, x[:, :, ::-1], x)
            tint = random.uniform((2, count, 1, 1, 3), -0.2, 0.2)
            x = tf.clip_by_value(x * (1.0 + tint[0]) + tint[1] * ((high - low) / 2), low, high)
        part = tf.reshape(own, (-1, *[1] * (len(x.shape) - 1)))
        return part * x + (1.0 - part) * tf.roll(x, 1, 0)

    return changed


def _moved(padded: Any, size: Sequence[int], random: Any) -> Any:
    """A window of ``size`` from each image of a batch, each from a place of its own."""
    most = [padded.shape[axis + 1] - size[axis] for axis in (0, 1)]
    for axis in (0, 1):
        start = random.uniform((tf.shape(padded)[0], 1), 0, most[axis] + 1, tf.int32)
        padded = tf.gather(padded, start + tf.range(size[axis])[None], axis=axis + 1, batch_dims=1)
    return padded


def own_parts(count: int, random: Any) -> Any:
    """How much of each of ``count`` samples is itself: all, for half of them, and any part for the others."""
    drawn = random.uniform((2, count))
    return tf.where(drawn[0] < 0.5, 1.0, drawn[1])
