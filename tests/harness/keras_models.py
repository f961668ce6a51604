"""Small seeded models of every kind that mcuq takes, written by TensorFlow and Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mcuq.quiet import quiet_stderr


def write_models(folder: Path) -> Mapping[str, Path]:
    """All models by name: Keras 3 and 2 files, a SavedModel, float and int8 TFLite files as users make them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    with quiet_stderr():
        import keras
        import tf_keras

        keras.utils.set_random_seed(11)
        made = {
            "mobile": save(keras, mobile(keras), folder / "mobile.keras"),
            "wide": save(keras, wide(keras), folder / "wide.keras"),
            "residual": save(keras, residual(keras), folder / "residual.keras"),
            "series": save(keras, series(keras), folder / "series.keras"),
            "moving": save(keras, moving(keras), folder / "moving.keras"),
            "several": save(keras, several(keras), folder / "several.keras"),
            "unsupported": save(keras, unsupported(keras), folder / "unsupported.keras"),
            "recurrent": save(keras, recurrent(keras), folder / "recurrent.keras"),
        }
        tf_keras.utils.set_random_seed(12)
        made["keras2"] = save(tf_keras, wise(tf_keras), folder / "keras2.h5")
        dilated(keras).export(folder / "exported", verbose=False)
        made["exported"] = folder / "exported"
        for name, content in tflite_files(plain(keras)).items():
            made[name] = folder / f"{name}.tflite"
            made[name].write_bytes(content)
    return made


def save(keras: Any, model: Any, path: Path) -> Path:
    """Batch normalization is given statistics: untrained it would do nothing."""
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.get_weights()[0].shape
            layer.set_weights(
                [rng.uniform(0.5, 2, size), rng.normal(0, 1, size), rng.normal(0, 1, size), rng.uniform(0.5, 2, size)]
            )
    with quiet_stderr():
        model.save(path)
    return path


def wide(keras: Any) -> Any:
    """Large images that soon become small ones."""
    layers = keras.layers
    x = image = keras.Input((40, 40, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="first")(x)
    for index, filters in enumerate((16, 16)):
        x = layers.DepthwiseConv2D(3, strides=1 + index, padding="same", activation="relu", name=f"wise_{index}")(x)
        x = layers.Conv2D(filters, 1, activation="relu", name=f"point_{index}")(x)
    return keras.Model(image, layers.Dense(4, name="scores")(layers.GlobalAveragePooling2D(name="mean")(x)))


def mobile(keras: Any) -> Any:
    """MobileNet in small: strided depthwise separable convolutions, batch normalization, RELU6."""
    layers = keras.layers
    x = image = keras.Input((16, 16, 3), name="image")
    for index, (filters, stride) in enumerate(((8, 2), (12, 1), (16, 2))):
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"pad_{index}")(x) if stride == 2 else x
        padding = "valid" if stride == 2 else "same"
        x = layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False, name=f"wise_{index}")(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1, use_bias=False, name=f"point_{index}")(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(image, layers.Dense(5, activation="softmax", name="scores")(x))


def residual(keras: Any) -> Any:
    """Branches joined by addition, subtraction, product and concatenation; a sigmoid and a tanh head."""
    layers = keras.layers
    image = keras.Input((9, 7, 2), name="image")
    stem = layers.Conv2D(6, 3, padding="same", activation="relu", name="stem")(image)
    side = layers.Conv2D(6, 1, activation="tanh", name="side")(stem)
    x = layers.Add(name="sum")([stem, side])
    x = layers.Concatenate(name="join")(
        [x, layers.Subtract(name="less")([stem, side]), layers.Multiply(name="gate")([x, side])]
    )
    x = layers.Concatenate(name="pools")(
        [layers.MaxPooling2D(2, padding="same")(x), layers.AveragePooling2D(2, padding="same")(x)]
    )
    x = layers.Flatten(name="flat")(x)
    heads = [layers.Dense(1, activation="sigmoid", name="yes")(x), layers.Dense(3, activation="tanh", name="where")(x)]
    return keras.Model(image, heads)


def series(keras: Any) -> Any:
    """Conv1D over time: strided, causal with dilation, pooled, separable."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((40, 3), name="samples"),
            layers.Conv1D(8, 5, strides=2, padding="same", activation="relu", name="first"),
            layers.Conv1D(8, 3, dilation_rate=2, padding="causal", activation="relu6", name="causal"),
            layers.MaxPooling1D(2, name="pool"),
            layers.SeparableConv1D(6, 3, name="separable"),
            layers.GlobalAveragePooling1D(name="mean"),
            layers.Dense(4, name="logits"),
        ]
    )


def moving(keras: Any) -> Any:
    """What moves pixels and channels: enlarged, cropped, turned, mirrored, cut apart, stacked and joined."""
    layers, ops = keras.layers, keras.ops
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    parts = [
        layers.Cropping2D(((4, 4), (3, 5)), name="crop")(layers.UpSampling2D(2, name="enlarge")(x)),
        layers.Cropping2D(4, name="middle")(layers.UpSampling2D(2, interpolation="bilinear", name="smooth")(x)),
        layers.Permute((2, 1, 3), name="turn")(x),
        ops.flip(x, axis=1),
        *ops.unstack(ops.stack(ops.split(x, 2, axis=-1), axis=1), axis=1),
        ops.take(ops.repeat(x[:, ::2, 1::2, 3:], 2, axis=1), [3, 0, 2, 1, 1, 0, 3, 2], axis=2),
    ]
    x = layers.ZeroPadding2D(1, name="border")(layers.Concatenate(name="join")(parts))
    x = ops.reshape(layers.DepthwiseConv2D(3, name="wise")(x), (-1, 8, 8, 7, 3))
    x = ops.reshape(ops.transpose(x, (0, 1, 2, 4, 3)), (-1, 8, 8, 21))
    return keras.Model(image, layers.Dense(4, name="scores")(layers.GlobalAveragePooling2D(name="mean")(x)))


def several(keras: Any) -> Any:
    """Two inputs of different ranks, in an order that is not the alphabet's."""
    layers = keras.layers
    picture, numbers = keras.Input((6, 6, 1), name="picture"), keras.Input((5,), name="numbers")
    x = layers.Flatten()(layers.Conv2D(3, 3, activation="relu", name="look")(picture))
    x = layers.Concatenate(name="both")([x, layers.Dense(4, activation="relu", name="count")(numbers)])
    return keras.Model([picture, numbers], layers.Dense(3, name="out")(x))


def wise(keras: Any) -> Any:
    """Depthwise convolutions with a depth multiplier; saved by Keras 2, whose files Keras 3 refuses."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((10, 10, 2), name="image"),
            layers.DepthwiseConv2D(3, depth_multiplier=3, padding="same", activation="relu", name="three"),
            layers.DepthwiseConv2D((2, 4), depth_multiplier=1, strides=2, name="one"),
            layers.Conv2D(4, 3, strides=(2, 1), padding="same", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="scores"),
        ]
    )


def dilated(keras: Any) -> Any:
    layers = keras.layers
    x = image = keras.Input((12, 12, 2), name="image")
    x = layers.Conv2D(5, 3, dilation_rate=2, activation="relu", name="wide")(x)
    x = layers.DepthwiseConv2D(3, dilation_rate=(2, 2), padding="same", name="wide_wise")(x)
    x = layers.Reshape((64, 5), name="rows")(x)
    return keras.Model(image, layers.Dense(2, name="each_row")(x))


def plain(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="scores"),
        ]
    )


def unsupported(keras: Any) -> Any:
    """Layers that mcuq does not compile, between layers that it does."""
    layers = keras.layers
    x = image = keras.Input((8, 8, 3), name="image")
    x = keras.ops.ceil(layers.Conv2D(4, 3, name="fine")(x))
    x = layers.GlobalAveragePooling2D(name="mean")(keras.ops.round(x))
    return keras.Model(image, keras.ops.ceil(layers.Dense(3, name="last")(x)))


def recurrent(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((10, 4)),
            layers.GRU(6, activation="relu", name="memory"),
            layers.ELU(name="bent"),
            layers.Dense(3),
        ]
    )


def tflite_files(model: Any) -> dict[str, bytes]:
    """TFLite files of one model as TensorFlow's converter makes them, its batch unknown."""
    import tensorflow

    lite = tensorflow.lite
    rng = np.random.default_rng(4)

    def representative() -> Any:
        for _ in range(16):
            yield [rng.uniform(0, 1, (1, 8, 8, 1)).astype(np.float32)]

    def converted(change: Callable[[Any], None]) -> bytes:
        converter = lite.TFLiteConverter.from_keras_model(model)
        change(converter)
        return bytes(converter.convert())

    def half(converter: Any) -> None:
        converter.optimizations = [lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tensorflow.float16]

    def dynamic(converter: Any) -> None:
        converter.optimizations = [lite.Optimize.DEFAULT]

    def full(edge: Any) -> Callable[[Any], None]:
        def change(converter: Any) -> None:
            converter.optimizations = [lite.Optimize.DEFAULT]
            converter.representative_dataset = representative
            converter.target_spec.supported_ops = [lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = edge

        return change

    return {
        "float": converted(lambda _: None),
        "half": converted(half),
        "dynamic": converted(dynamic),
        "int8_float_edges": converted(full(tensorflow.float32)),
        "int8_uint8_edges": converted(full(tensorflow.uint8)),
        "int8_edges": converted(full(tensorflow.int8)),
    }
