"""Trains the motion example: BasicMotions, six-axis recordings of a wrist sensor in four activities, and a Conv1D net.

Writes motion.keras, calibration.npz and test.npz beside this file. Needs tensorflow, and the package aeon (or sktime)
for the recordings that it ships; the package itself is not imported:

    pip install 'mcuq[keras]'
    pip install --no-deps aeon
    python examples/motion/train.py
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import tensorflow as tf

SEED = 3
COPIES = 40  # augmented copies of each of the 40 training recordings
CLASSES = ("Standing", "Running", "Walking", "Badminton")
SCALE = np.float32(32.0)  # the largest reading of either sensor is 34.9: the network sees about -1..1
HERE = Path(__file__).resolve().parent


def find(part: str) -> Path:
    """BasicMotions_TRAIN.ts or _TEST.ts inside an installed aeon or sktime."""
    for package in ("aeon", "sktime"):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin).parent / "datasets" / "data" / "BasicMotions" / f"BasicMotions_{part}.ts"
            if path.is_file():
                return path
    raise SystemExit("BasicMotions not found: pip install --no-deps aeon")


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """x (n, 100, 6) float32 divided by SCALE, y (n,) uint8. A line is six comma lists and the class, colons between."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = lines[lines.index("@data") + 1 :]
    samples, labels = [], []
    for row in rows:
        *axes, label = row.split(":")
        samples.append(np.array([[float(value) for value in axis.split(",")] for axis in axes], np.float32).T)
        labels.append(CLASSES.index(label.strip()))
    return np.stack(samples) / SCALE, np.array(labels, np.uint8)


def augment(x: np.ndarray, y: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Copies shifted in time (cyclically), scaled by 0.8..1.2, and with a little noise."""
    copies = []
    for sample in np.repeat(x, COPIES, axis=0):
        shifted = np.roll(sample, generator.integers(len(sample)), axis=0)
        noise = generator.normal(0.0, 0.01, shifted.shape)
        copies.append(shifted * generator.uniform(0.8, 1.2) + noise)
    return np.concatenate([x, np.stack(copies).astype(np.float32)]), np.concatenate([y, np.repeat(y, COPIES)])


def build() -> keras.Model:
    """Three strided convolutions over time, 100 → 50 → 25 → 13 steps, then the mean over time and four classes."""
    layers = keras.layers
    inputs = keras.Input((100, 6), name="motion")
    x = layers.Conv1D(16, 5, strides=2, padding="same", activation="relu", name="conv1")(inputs)
    x = layers.Conv1D(24, 5, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = layers.Conv1D(32, 3, strides=2, padding="same", activation="relu", name="conv3")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    outputs = layers.Dense(len(CLASSES), activation="softmax", name="activity")(x)
    return keras.Model(inputs, outputs, name="motion_net")


def main() -> None:
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    x_train, y_train = read(find("TRAIN"))
    x_test, y_test = read(find("TEST"))
    x, y = augment(x_train, y_train, np.random.default_rng(SEED))
    model = build()
    rate = keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=15 * (len(x) // 32 + 1))
    model.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=15, verbose=2)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy {accuracy:.4f} on {len(x_test)} recordings, {model.count_params():,} parameters")
    model.save(HERE / "motion.keras", include_optimizer=False)
    np.savez_compressed(HERE / "calibration.npz", x=x_train, y=y_train)
    np.savez_compressed(HERE / "test.npz", x=x_test, y=y_test)


if __name__ == "__main__":
    main()
