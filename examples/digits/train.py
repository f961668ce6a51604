"""Trains the digits example: scikit-learn's handwritten digits (8x8 grey pixels) and a small CNN.

Writes digits.h5, calibration.npz and test.npz beside this file. Needs tensorflow and scikit-learn:

    pip install 'mcuq[keras]' scikit-learn
    python examples/digits/train.py
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

SEED = 7
TEST_SAMPLES = 400
CALIBRATION_SAMPLES = 100
HERE = Path(__file__).resolve().parent


def load() -> tuple[np.ndarray, np.ndarray]:
    """All 1797 digits in a fixed random order: x (n, 8, 8, 1) float32 in 0..1 (pixels divided by 16), y (n,) uint8."""
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    x = (digits.images[order] / 16.0).astype(np.float32)[..., np.newaxis]
    return x, digits.target[order].astype(np.uint8)


def build() -> keras.Model:
    """Two convolutions with batch normalization, 8x8 → 4x4 → 10 classes."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 1), name="image"),
            layers.Conv2D(16, 3, padding="same", use_bias=False, name="conv1"),
            layers.BatchNormalization(name="norm1"),
            layers.ReLU(name="relu1"),
            layers.Conv2D(24, 3, padding="same", strides=2, use_bias=False, name="conv2"),
            layers.BatchNormalization(name="norm2"),
            layers.ReLU(name="relu2"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.3, name="dropout"),
            layers.Dense(10, activation="softmax", name="scores"),
        ],
        name="digits",
    )


def main() -> None:
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    x, y = load()
    x_train, y_train = x[:-TEST_SAMPLES], y[:-TEST_SAMPLES]
    x_test, y_test = x[-TEST_SAMPLES:], y[-TEST_SAMPLES:]
    model = build()
    rate = keras.optimizers.schedules.CosineDecay(3e-3, decay_steps=40 * (len(x_train) // 32 + 1))
    model.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=32, epochs=40, verbose=2)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy {accuracy:.4f} on {len(x_test)} images, {model.count_params():,} parameters")
    model.save(HERE / "digits.h5", include_optimizer=False)
    np.savez_compressed(HERE / "calibration.npz", x=x_train[:CALIBRATION_SAMPLES], y=y_train[:CALIBRATION_SAMPLES])
    np.savez_compressed(HERE / "test.npz", x=x_test, y=y_test)


if __name__ == "__main__":
    main()
