"""The MLPerf Tiny architectures with seeded random weights, as int8 TFLite files: the same work as the trained models.

Times depend on shapes, not on values, with one exception: trained models may have channels that cannot change. ``sww``
is a net of the streaming wake word's size, not its exact layers.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mcuq.data import Dataset
from mcuq.frontend.keras import to_float_tflite
from mcuq.quantize.int8 import quantize_int8

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

SEED = 1
CALIBRATION_SAMPLES = 16


def _conv_block(keras: Any, x: Any, filters: int, window: Any, strides: Any = 1) -> Any:
    x = keras.layers.Conv2D(filters, window, strides=strides, padding="same", use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization()(x))


def _separable(keras: Any, x: Any, filters: int, strides: Any = 1, window: Any = 3, padding: str = "same") -> Any:
    x = keras.layers.DepthwiseConv2D(window, strides=strides, padding=padding, use_bias=False)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return _conv_block(keras, x, filters, 1)


def image_classification(keras: Any) -> Any:
    """ResNet-8 on 32x32x3."""
    inputs = keras.Input((32, 32, 3))
    x = _conv_block(keras, inputs, 16, 3)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        y = _conv_block(keras, x, filters, 3, strides)
        y = keras.layers.BatchNormalization()(keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
        if strides != 1:
            x = keras.layers.Conv2D(filters, 1, strides=strides, padding="same")(x)
        x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(x))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def keyword_spotting(keras: Any) -> Any:
    """DS-CNN on 49x10x1."""
    inputs = keras.Input((49, 10, 1))
    x = _conv_block(keras, inputs, 64, (10, 4), 2)
    for _ in range(4):
        x = _separable(keras, x, 64)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D((25, 5))(x))
    return keras.Model(inputs, keras.layers.Dense(12, activation="softmax")(x))


def visual_wake_words(keras: Any) -> Any:
    """MobileNetV1, a quarter as wide, on 96x96x3."""
    inputs = keras.Input((96, 96, 3))
    x = _conv_block(keras, inputs, 8, 3, 2)
    plan = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *((128, 1),) * 5, (256, 2), (256, 1))
    for filters, strides in plan:
        x = _separable(keras, x, filters, strides)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(3)(x))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))


def anomaly_detection(keras: Any) -> Any:
    """A fully connected autoencoder on 640 values."""
    inputs = x = keras.Input((640,))
    for units in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Dense(units)(x)))
    return keras.Model(inputs, keras.layers.Dense(640)(x))


def streaming_wake_word(keras: Any) -> Any:
    """Separable convolutions over 30 frames of 40 features."""
    inputs = keras.Input((30, 1, 40))
    x = inputs
    for window in (3, 5, 10):
        x = _separable(keras, x, 128, window=(window, 1), padding="valid")
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x)))


MODELS: dict[str, Callable[[Any], Any]] = {
    "ic": image_classification,
    "kws": keyword_spotting,
    "vww": visual_wake_words,
    "vww-constant": visual_wake_words,
    "ad": anomaly_detection,
    "sww": streaming_wake_word,
}


def decay_channels(keras: Any, model: Any) -> None:
    """Batch normalization as training with weight decay leaves it: most channels constant, exactly or nearly.

    Every channel of a convolution and of the depthwise convolution behind it is drawn to be used; dead (always 0);
    constant in both; constant and greater than 0 in front of a depthwise convolution that still has weights, so that
    it depends on the border; or nearly constant.
    """
    rng = np.random.default_rng(SEED)
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for first, second in zip(normalizations[::2], [*normalizations[1::2], None], strict=True):
        channels = first.gamma.shape[0]
        share = USED_SHARES[channels]
        kinds = rng.choice(5, channels, p=(share, *((1 - share) * kind for kind in UNUSED_KINDS)))
        used, dead, constant, bordered, nearly = (kinds == kind for kind in range(5))
        for layer in (first, second):
            if layer is None:
                continue
            shrunk = np.where(rng.random(channels) < 0.5, 0.0, 1e-6)
            sign = np.where(dead, -1.0, np.where(constant, rng.choice([-1.0, 1.0], channels), 1.0))
            keeps_gamma = used | bordered if layer is second else used
            layer.gamma.assign(np.select([keeps_gamma, nearly], [np.ones(channels), np.full(channels, 0.01)], shrunk))
            layer.beta.assign(np.where(used, 0.0, sign * (np.abs(rng.normal(0, 0.3, channels)) + 0.02)))


USED_SHARES = {8: 1.0, 16: 0.9, 32: 0.8, 64: 0.75, 128: 0.42, 256: 0.2}
"""Of so many channels of a layer, what share is used: the late and wide layers of trained nets lose most."""

UNUSED_KINDS = (0.5, 0.35, 0.1, 0.05)
"""Shares of the unused channels: dead, constant, constant before the depthwise convolution only, nearly constant."""

DECAYED = ("vww-constant",)


def write_models(folder: Path) -> dict[str, Path]:
    """The quantized models in ``folder``, made when they are not there yet (TensorFlow is needed then)."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.tflite" for name in MODELS}
    for name, path in paths.items():
        if not path.is_file():
            temporary = path.with_suffix(".part")
            temporary.write_bytes(_quantized(MODELS[name], decayed=name in DECAYED))
            temporary.replace(path)
    return paths


def _quantized(make: Callable[[Any], Any], *, decayed: bool) -> bytes:
    import keras

    keras.utils.set_random_seed(SEED)
    model = make(keras)
    rng = np.random.default_rng(SEED)
    samples = rng.normal(0, 1, (CALIBRATION_SAMPLES, *model.inputs[0].shape[1:])).astype(np.float32)
    if decayed:
        decay_channels(keras, model)
    _settle_statistics(keras, model, samples)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return quantize_int8(to_float_tflite(path), Dataset((samples,), None, "random numbers"))


def _settle_statistics(keras: Any, model: Any, samples: np.ndarray) -> None:
    """Batch normalization that matches the random weights, so that activations use their whole range."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            values = np.asarray(keras.Model(model.inputs, layer.input)(samples))
            axes = tuple(range(values.ndim - 1))
            layer.moving_mean.assign(values.mean(axes))
            layer.moving_variance.assign(values.var(axes) + 1e-3)
