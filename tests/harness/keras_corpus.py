"""What people build with Keras: each common layer and activation alone, and small nets of the usual architectures.

``LAYERS`` has the layers by name, each as a function from keras to (shape of the input, what is applied to it);
``NETS`` has whole models. All are seeded by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

IMAGE, SERIES, FLAT = (8, 6, 4), (12, 4), (10,)
ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu"),
    *("hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu"),
    *("relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign"),
    *("sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink"),
)  # fmt: skip

Shape = tuple[int, ...]
Made = tuple[Shape, Callable[[Any], Any]]


def layers_of(keras: Any) -> dict[str, Made]:
    """One layer each, on an input of the shape that comes first."""
    k = keras.layers
    found: dict[str, Made] = {
        "Conv2D": (IMAGE, k.Conv2D(5, 3)),
        "Conv2D_same_strided": (IMAGE, k.Conv2D(5, 3, strides=2, padding="same", activation="relu")),
        "Conv2D_grouped": (IMAGE, k.Conv2D(6, 3, groups=2)),
        "Conv2D_dilated": (IMAGE, k.Conv2D(5, 3, dilation_rate=2)),
        "Conv2D_channels_first": ((4, 8, 6), k.Conv2D(5, 3, data_format="channels_first")),
        "DepthwiseConv2D": (IMAGE, k.DepthwiseConv2D(3, depth_multiplier=2)),
        "SeparableConv2D": (IMAGE, k.SeparableConv2D(5, 3, padding="same")),
        "Conv2DTranspose": (IMAGE, k.Conv2DTranspose(3, 3, strides=2)),
        "Conv2DTranspose_same": (IMAGE, k.Conv2DTranspose(3, 3, strides=2, padding="same")),
        "Conv2DTranspose_valid_1": (IMAGE, k.Conv2DTranspose(3, 2)),
        "Conv1D": (SERIES, k.Conv1D(5, 3)),
        "Conv1D_causal": (SERIES, k.Conv1D(5, 3, padding="causal", dilation_rate=2)),
        "Conv1D_dilated": (SERIES, k.Conv1D(5, 3, dilation_rate=3)),
        "Conv1D_same_strided": (SERIES, k.Conv1D(5, 5, strides=2, padding="same")),
        "DepthwiseConv1D": (SERIES, k.DepthwiseConv1D(3)),
        "SeparableConv1D": (SERIES, k.SeparableConv1D(5, 3)),
        "Conv1DTranspose": (SERIES, k.Conv1DTranspose(3, 3, strides=2)),
        "Conv3D": ((4, 4, 4, 2), k.Conv3D(3, 2)),
        "MaxPooling2D": (IMAGE, k.MaxPooling2D(2)),
        "AveragePooling2D": (IMAGE, k.AveragePooling2D(3, strides=2, padding="same")),
        "MaxPooling1D": (SERIES, k.MaxPooling1D(2)),
        "AveragePooling1D": (SERIES, k.AveragePooling1D(3, strides=2, padding="same")),
        "MaxPooling3D": ((4, 4, 4, 2), k.MaxPooling3D(2)),
        "GlobalMaxPooling2D": (IMAGE, k.GlobalMaxPooling2D()),
        "GlobalMaxPooling2D_keepdims": (IMAGE, k.GlobalMaxPooling2D(keepdims=True)),
        "GlobalAveragePooling2D": (IMAGE, k.GlobalAveragePooling2D()),
        "GlobalMaxPooling1D": (SERIES, k.GlobalMaxPooling1D()),
        "GlobalAveragePooling1D": (SERIES, k.GlobalAveragePooling1D()),
        "AdaptiveAveragePooling2D": (IMAGE, getattr(k, "AdaptiveAveragePooling2D", k.AveragePooling2D)((2, 2))),
        "UpSampling2D": (IMAGE, k.UpSampling2D(2)),
        "UpSampling2D_bilinear": (IMAGE, k.UpSampling2D((2, 3), interpolation="bilinear")),
        "UpSampling2D_bicubic": (IMAGE, k.UpSampling2D(2, interpolation="bicubic")),
        "UpSampling1D": (SERIES, k.UpSampling1D(3)),
        "Cropping2D": (IMAGE, k.Cropping2D(((1, 2), (0, 1)))),
        "Cropping1D": (SERIES, k.Cropping1D((1, 2))),
        "ZeroPadding2D": (IMAGE, k.ZeroPadding2D(((1, 2), (0, 1)))),
        "ZeroPadding1D": (SERIES, k.ZeroPadding1D((1, 2))),
        "ZeroPadding3D": ((4, 4, 4, 2), k.ZeroPadding3D(1)),
        "Resizing": (IMAGE, k.Resizing(5, 7)),
        "Resizing_nearest": (IMAGE, k.Resizing(16, 12, interpolation="nearest")),
        "CenterCrop": (IMAGE, k.CenterCrop(4, 4)),
        "Rescaling": (IMAGE, k.Rescaling(1 / 127.5, offset=-1)),
        "Normalization": (FLAT, k.Normalization(mean=np.linspace(-1, 1, 10), variance=np.linspace(0.5, 2, 10))),
        "Dense": (FLAT, k.Dense(5)),
        "Dense_3d": (SERIES, k.Dense(5, activation="relu")),
        "EinsumDense": (SERIES, k.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")),
        "Flatten": (IMAGE, k.Flatten()),
        "Reshape": (IMAGE, k.Reshape((12, 16))),
        "Permute": (IMAGE, k.Permute((3, 1, 2))),
        "RepeatVector": (FLAT, k.RepeatVector(4)),
        "Dropout": (FLAT, k.Dropout(0.5)),
        "SpatialDropout2D": (IMAGE, k.SpatialDropout2D(0.5)),
        "GaussianNoise": (FLAT, k.GaussianNoise(0.5)),
        "ActivityRegularization": (FLAT, k.ActivityRegularization(0.1)),
        "BatchNormalization": (IMAGE, k.BatchNormalization()),
        "BatchNormalization_flat": (FLAT, k.BatchNormalization()),
        "LayerNormalization": (SERIES, k.LayerNormalization()),
        "LayerNormalization_image": (IMAGE, k.LayerNormalization(axis=(1, 2, 3))),
        "LayerNormalization_flat": (FLAT, k.LayerNormalization()),
        "RMSNormalization": (SERIES, k.RMSNormalization()),
        "GroupNormalization": (IMAGE, k.GroupNormalization(2)),
        "InstanceNormalization": (IMAGE, k.GroupNormalization(-1)),
        "UnitNormalization": (FLAT, k.UnitNormalization()),
        "SpectralNormalization": (IMAGE, k.SpectralNormalization(k.Conv2D(3, 3))),
        "ReLU": (IMAGE, k.ReLU()),
        "ReLU6": (IMAGE, k.ReLU(6.0)),
        "ReLU_of_max_4": (IMAGE, k.ReLU(4.0)),
        "ReLU_of_slope_and_max": (IMAGE, k.ReLU(6.0, negative_slope=0.1)),
        "ReLU_of_threshold": (IMAGE, k.ReLU(threshold=0.5)),
        "LeakyReLU": (IMAGE, k.LeakyReLU()),
        "PReLU": (IMAGE, k.PReLU(alpha_initializer="random_uniform")),
        "PReLU_shared": (IMAGE, k.PReLU(alpha_initializer="random_uniform", shared_axes=[1, 2])),
        "ELU": (IMAGE, k.ELU()),
        "Softmax": (FLAT, k.Softmax()),
        "Softmax_of_axis_1": (SERIES, k.Softmax(axis=1)),
        "Identity": (FLAT, k.Identity()),
        "TimeDistributed": ((3, *IMAGE), k.TimeDistributed(k.Conv2D(3, 3))),
        "TimeDistributed_Dense": (SERIES, k.TimeDistributed(k.Dense(3))),
        "LSTM": (SERIES, k.LSTM(3)),
        "LSTM_both_ways": (SERIES, k.Bidirectional(k.LSTM(3, return_sequences=True))),
        "GRU": (SERIES, k.GRU(4)),
        "GRU_both_ways": (SERIES, k.Bidirectional(k.GRU(3, return_sequences=True, reset_after=False))),
        "SimpleRNN": (SERIES, k.SimpleRNN(3, return_sequences=True, go_backwards=True)),
        "GRU_unrolled": ((4, 3), k.GRU(3, unroll=True)),
        "SimpleRNN_unrolled": ((4, 3), k.SimpleRNN(3, unroll=True)),
        "ConvLSTM2D": ((3, *IMAGE), k.ConvLSTM2D(2, 3)),
        "ConvLSTM1D": ((3, *SERIES), k.ConvLSTM1D(2, 3)),
        "Masking": (SERIES, k.Masking()),
        "Attention": (SERIES, lambda x: k.Attention()([x, x])),
        "AdditiveAttention": (SERIES, lambda x: k.AdditiveAttention()([x, x])),
        "MultiHeadAttention": (SERIES, lambda x: k.MultiHeadAttention(2, 4)(x, x)),
        "MultiHeadAttention_causal": (SERIES, lambda x: k.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)),
        "GroupQueryAttention": (SERIES, lambda x: k.GroupQueryAttention(4, 4, 2)(x, x)),
        "Dot": (SERIES, lambda x: k.Dot(axes=2)([x, k.Dense(4)(x)])),
        "Dot_normalized": (FLAT, lambda x: k.Dot(axes=1, normalize=True)([x, k.Dense(10)(x)])),
        "Add": (FLAT, lambda x: k.Add()([x, k.Dense(10)(x), k.Dense(10)(x)])),
        "Subtract": (FLAT, lambda x: k.Subtract()([x, k.Dense(10)(x)])),
        "Multiply": (IMAGE, lambda x: k.Multiply()([x, k.Conv2D(1, 1, activation="sigmoid")(x)])),
        "Average": (FLAT, lambda x: k.Average()([x, k.Dense(10)(x), k.Dense(10)(x)])),
        "Maximum": (FLAT, lambda x: k.Maximum()([x, k.Dense(10)(x)])),
        "Minimum": (FLAT, lambda x: k.Minimum()([x, k.Dense(10)(x)])),
        "Concatenate": (SERIES, lambda x: k.Concatenate(axis=1)([x, k.Conv1D(4, 3)(x)])),
        "Discretization": (FLAT, k.Discretization([-1.0, 0.0, 1.0])),
        "MelSpectrogram": ((2048,), k.MelSpectrogram(fft_length=256, sequence_stride=128, num_mel_bins=16)),
        "RandomFlip": (IMAGE, k.RandomFlip()),
    }
    for name in ACTIVATIONS:
        found[f"activation_{name}"] = ((7, 12), k.Activation(name))
    return found


OPS: Mapping[str, Callable[[Any, Any], Any]] = {
    "abs": lambda ops, x: ops.abs(x),
    "clip": lambda ops, x: ops.clip(x, -1, 1),
    "cumsum": lambda ops, x: ops.cumsum(x, axis=1),
    "exp": lambda ops, x: ops.exp(x),
    "log": lambda ops, x: ops.log(ops.abs(x) + 0.1),
    "max": lambda ops, x: ops.max(x, axis=1),
    "mean": lambda ops, x: ops.mean(x, axis=2, keepdims=True),
    "min": lambda ops, x: ops.min(x, axis=1),
    "pad_reflect": lambda ops, x: ops.pad(x, ((0, 0), (1, 1), (0, 0)), mode="reflect"),
    "power": lambda ops, x: ops.power(ops.abs(x), 1.5),
    "prod": lambda ops, x: ops.prod(x, axis=1),
    "reciprocal": lambda ops, x: ops.reciprocal(ops.abs(x) + 1),
    "divide": lambda ops, x: x / (ops.abs(x) + 1),
    "roll": lambda ops, x: ops.roll(x, 2, axis=1),
    "rsqrt": lambda ops, x: ops.rsqrt(ops.abs(x) + 0.1),
    "sqrt": lambda ops, x: ops.sqrt(ops.abs(x)),
    "square": lambda ops, x: ops.square(x),
    "std": lambda ops, x: ops.std(x, axis=1),
    "sum": lambda ops, x: ops.sum(x, axis=(1, 2)),
    "tile": lambda ops, x: ops.tile(x, (1, 2, 1)),
    "var": lambda ops, x: ops.var(x, axis=1),
    "where": lambda ops, x: ops.where(x > 0, x, x * 0.1),
    "matmul": lambda ops, x: ops.matmul(x, ops.transpose(x, (0, 2, 1))),
    "einsum": lambda ops, x: ops.einsum("bij,bkj->bik", x, x),
    "norm": lambda ops, x: ops.norm(x, axis=-1),
    "normalize": lambda ops, x: ops.normalize(x, axis=-1),
    "logsumexp": lambda ops, x: ops.logsumexp(x, axis=-1),
    "expand_dims": lambda ops, x: ops.expand_dims(x, 2),
    "split": lambda ops, x: ops.concatenate(ops.split(x, 3, axis=1)[::-1], axis=2),
    "swapaxes": lambda ops, x: ops.swapaxes(x, 1, 2),
    "one_hot": lambda ops, x: ops.one_hot(ops.argmax(x, axis=-1), 4),
    "sin": lambda ops, x: ops.sin(x),
}


def op_models(keras: Any) -> dict[str, Made]:
    def applied(function: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
        return lambda x: function(keras.ops, x)

    return {f"ops_{name}": (SERIES, applied(function)) for name, function in OPS.items()}


UNCHANGED = (
    *("Dropout", "SpatialDropout2D", "GaussianNoise", "ActivityRegularization", "Identity", "RandomFlip"),
    "activation_linear",
)
"""Layers that do nothing when a model is used."""

REFUSED: Mapping[str, str] = {
    "Conv3D": "conv3d: CONV_3D: operator not supported; use Conv2D or Conv1D",
    "MaxPooling3D": "max_pooling3d: CUSTOM FlexMaxPool3D: operator not supported; use pooling in two dimensions",
    "UpSampling2D_bicubic": 'FlexResizeBicubic: operator not supported; use interpolation="bilinear" or "nearest"',
    "ConvLSTM1D": "conv_lstm1d: WHILE: operator not supported; it is a loop",
    "ConvLSTM2D": "conv_lstm2d: WHILE: operator not supported; it is a loop",
    "Discretization": "discretization: BUCKETIZE: operator not supported; compute it before the model",
    "MelSpectrogram": "RFFT2D: operator not supported; compute spectrograms before the model",
    "activation_sparsemax": "TOPK_V2: operator not supported; give the scores out",
    "ops_cumsum": "CUMSUM: litert-quantizer does not quantize it; give an int8 .tflite",
    "ops_prod": "REDUCE_PROD: operator not supported",
}
"""What a model with the layer is told."""


def several(made: Mapping[str, Made]) -> Mapping[Shape, tuple[str, ...]]:
    """The layers that compile, by the shape of the input that they take."""
    found: dict[Shape, tuple[str, ...]] = {}
    for name, (shape, _) in made.items():
        if name not in REFUSED and name not in UNCHANGED:
            found[shape] = (*found.get(shape, ()), name)
    return found


def one_layer(keras: Any, made: Made) -> Any:
    shape, apply = made
    given = keras.Input(shape, name="given")
    return keras.Model(given, apply(given))


def _normed(keras: Any, x: Any, layer: Any, activation: str | None = "relu6") -> Any:
    x = keras.layers.BatchNormalization()(layer(x))
    return x if activation is None else keras.layers.Activation(activation)(x)


def _scores(keras: Any, given: Any, x: Any, classes: int = 4) -> Any:
    return keras.Model(given, keras.layers.Dense(classes, activation="softmax")(x))


def mobilenet_v1(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((16, 16, 3))
    x = _normed(keras, given, k.Conv2D(8, 3, strides=2, padding="same", use_bias=False))
    for filters, stride in ((12, 1), (16, 2)):
        x = _normed(keras, x, k.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False))
        x = _normed(keras, x, k.Conv2D(filters, 1, use_bias=False))
    return _scores(keras, given, k.Dropout(0.1)(k.GlobalAveragePooling2D()(x)))


def _inverted(keras: Any, x: Any, filters: int, stride: int, activation: str, squeeze: bool = False) -> Any:
    """An inverted residual, with squeeze and excitation where asked for."""
    k = keras.layers
    y = _normed(keras, x, k.Conv2D(3 * x.shape[-1], 1, use_bias=False), activation)
    y = _normed(keras, y, k.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False), activation)
    if squeeze:
        z = k.GlobalAveragePooling2D(keepdims=True)(y)
        z = k.Conv2D(y.shape[-1], 1, activation="hard_sigmoid")(k.Conv2D(4, 1, activation="relu")(z))
        y = k.Multiply()([y, z])
    y = _normed(keras, y, k.Conv2D(filters, 1, use_bias=False), None)
    return k.Add()([x, y]) if stride == 1 and filters == x.shape[-1] else y


def mobilenet_v2(keras: Any) -> Any:
    given = keras.Input((12, 12, 3))
    x = _normed(keras, given, keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False))
    for filters, stride in ((8, 1), (12, 2)):
        x = _inverted(keras, x, filters, stride, "relu6")
    return _scores(keras, given, keras.layers.GlobalAveragePooling2D()(x))


def mobilenet_v3(keras: Any) -> Any:
    given = keras.Input((12, 12, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(given)
    x = _normed(keras, x, keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False), "hard_swish")
    x = _inverted(keras, x, 8, 1, "relu", squeeze=True)
    x = _inverted(keras, x, 12, 2, "hard_swish", squeeze=True)
    x = keras.layers.Conv2D(16, 1, activation="hard_swish")(keras.layers.GlobalAveragePooling2D(keepdims=True)(x))
    return _scores(keras, given, keras.layers.Flatten()(x))


def efficientnet_lite_stem(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((16, 16, 3))
    x = k.ZeroPadding2D(((0, 1), (0, 1)))(k.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.2, 0.3, 0.1])(given))
    x = _normed(keras, x, k.Conv2D(8, 3, strides=2, use_bias=False))
    x = _inverted(keras, _inverted(keras, x, 6, 1, "relu6"), 6, 1, "relu6")
    return _scores(keras, given, k.GlobalAveragePooling2D()(x))


def squeezenet(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((17, 17, 3))
    x = k.MaxPooling2D(3, 2)(k.Conv2D(8, 3, strides=2, activation="relu")(given))
    for _ in range(2):
        x = k.Conv2D(4, 1, activation="relu")(x)
        wide = [k.Conv2D(6, size, padding="same", activation="relu")(x) for size in (1, 3)]
        x = k.Concatenate()(wide)
    x = k.GlobalAveragePooling2D()(k.Conv2D(4, 1, activation="relu")(x))
    return keras.Model(given, k.Softmax()(x))


def inception(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((9, 9, 4))
    ways = [
        k.Conv2D(3, 1, activation="relu")(given),
        k.Conv2D(4, 5, padding="same", activation="relu")(k.Conv2D(2, 1)(given)),
        k.Conv2D(3, (1, 7), padding="same")(k.Conv2D(3, (7, 1), padding="same")(given)),
        k.Conv2D(2, 1)(k.MaxPooling2D(3, 1, padding="same")(given)),
        k.AveragePooling2D(3, 1, padding="same")(given),
    ]
    return _scores(keras, given, k.Flatten()(k.MaxPooling2D(3)(k.Concatenate()(ways))))


def densenet(keras: Any) -> Any:
    k = keras.layers
    x = given = keras.Input((8, 8, 4))
    for _ in range(3):
        y = k.Conv2D(4, 3, padding="same")(k.ReLU()(k.BatchNormalization()(x)))
        x = k.Concatenate()([x, y])
    return _scores(keras, given, k.GlobalMaxPooling2D()(k.AveragePooling2D(2)(x)))


def tcn(keras: Any) -> Any:
    k = keras.layers
    x = given = keras.Input((32, 3))
    for dilation in (1, 2, 4):
        y = k.SpatialDropout1D(0.1)(k.Conv1D(6, 3, padding="causal", dilation_rate=dilation, activation="relu")(x))
        y = k.Conv1D(6, 3, padding="causal", dilation_rate=dilation, activation="relu")(y)
        x = k.Activation("relu")(k.Add()([y, k.Conv1D(6, 1)(x)]))
    return _scores(keras, given, x[:, -1, :])


def wavenet(keras: Any) -> Any:
    k = keras.layers
    x = given = keras.Input((24, 4))
    skips = []
    for dilation in (1, 2):
        gated = [k.Conv1D(4, 2, padding="causal", dilation_rate=dilation, activation=a)(x) for a in ("tanh", "sigmoid")]
        y = k.Conv1D(4, 1)(k.Multiply()(gated))
        skips.append(y)
        x = k.Add()([x, y])
    return keras.Model(given, k.Conv1D(3, 1)(k.ReLU()(k.Add()(skips))))


def crnn(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((8, 16, 1))
    x = k.MaxPooling2D((2, 1))(k.Conv2D(4, 3, padding="same", activation="relu")(given))
    x = k.Reshape((16, 16))(k.Permute((2, 1, 3))(x))
    return keras.Model(given, k.Dense(5, activation="softmax")(k.Bidirectional(k.GRU(6, return_sequences=True))(x)))


def lstm_classifier(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((10, 4))
    return _scores(keras, given, k.LSTM(5)(k.LSTM(6, return_sequences=True)(given)))


def gru_classifier(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((30, 4))
    return _scores(keras, given, k.GRU(5)(k.GRU(6, return_sequences=True)(given)))


def autoencoder(keras: Any) -> Any:
    k = keras.layers
    x = given = keras.Input((32,))
    for units in (16, 4, 16):
        x = _normed(keras, x, k.Dense(units), "relu")
    return keras.Model(given, k.Dense(32)(x))


def convolutional_autoencoder(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((12, 12, 1))
    x = k.Conv2D(6, 3, strides=2, padding="same", activation="elu")(given)
    x = k.Conv2D(4, 3, strides=2, padding="same", activation="leaky_relu")(x)
    x = k.Reshape((3, 3, 4))(k.Dense(36, activation="tanh")(k.Flatten()(x)))
    x = k.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(given, k.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid")(x))


def unet(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((16, 16, 2))
    first = k.Conv2D(4, 3, padding="same", activation="relu")(given)
    second = k.Conv2D(6, 3, padding="same", activation="relu")(k.MaxPooling2D()(first))
    x = k.Conv2D(8, 3, padding="same", activation="relu")(k.MaxPooling2D()(second))
    x = k.Concatenate()([second, k.Conv2DTranspose(6, 2, strides=2)(x)])
    x = k.Concatenate()([first, k.UpSampling2D(interpolation="bilinear")(k.Conv2D(4, 3, padding="same")(x))])
    return keras.Model(given, k.Conv2D(1, 1, activation="sigmoid")(x))


def transformer(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((6, 8))
    x = k.LayerNormalization()(given)
    x = k.Add()([given, k.MultiHeadAttention(2, 4)(x, x)])
    y = k.Dense(8)(k.Dense(12, activation="gelu")(k.LayerNormalization()(x)))
    return _scores(keras, given, k.GlobalAveragePooling1D()(k.Add()([x, y])))


def causal_transformer(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((6, 8))
    x = k.Add()([given, k.MultiHeadAttention(2, 4)(given, given, use_causal_mask=True)])
    return keras.Model(given, k.Attention()([x, x, x], use_causal_mask=True))


def text_cnn(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((12,), dtype="int32")
    x = k.Embedding(20, 6)(given)
    found = [k.GlobalMaxPooling1D()(k.Conv1D(4, size, activation="relu")(x)) for size in (2, 3, 4)]
    return _scores(keras, given, k.Concatenate()(found))


def siamese(keras: Any) -> Any:
    k = keras.layers
    twin = keras.Sequential([keras.Input((8, 8, 1)), k.Conv2D(4, 3, activation="relu"), k.Flatten(), k.Dense(6)])
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    distance = keras.ops.abs(k.Subtract()([twin(left), twin(right)]))
    return keras.Model([left, right], k.Dense(1, activation="sigmoid")(distance))


def super_resolution(keras: Any) -> Any:
    k = keras.layers
    given = keras.Input((8, 8, 1))
    x = k.PReLU(shared_axes=[1, 2], alpha_initializer="random_uniform")(k.Conv2D(6, 5, padding="same")(given))
    x = k.Reshape((8, 8, 2, 2))(k.Conv2D(4, 3, padding="same")(x))
    x = k.Reshape((16, 16, 1))(keras.ops.transpose(x, (0, 1, 3, 2, 4)))
    return keras.Model(given, keras.ops.clip(x, 0, 1))


def hello_world(keras: Any) -> Any:
    """TFLM's sine."""
    k = keras.layers
    return keras.Sequential([keras.Input((1,)), *(k.Dense(16, activation="relu") for _ in range(2)), k.Dense(1)])


def micro_speech(keras: Any) -> Any:
    """TFLM's keywords in 49 spectra of 40 bands."""
    k = keras.layers
    given = keras.Input((1960,))
    x = k.Conv2D(8, (10, 8), strides=2, padding="same", activation="relu")(k.Reshape((49, 40, 1))(given))
    return _scores(keras, given, k.Flatten()(k.Dropout(0.5)(x)))


def person_detection(keras: Any) -> Any:
    """TFLM's MobileNetV1 of a quarter of the channels, for 96x96 grey pixels."""
    k = keras.layers
    given = keras.Input((96, 96, 1))
    x = _normed(keras, given, k.Conv2D(8, 3, strides=2, padding="same", use_bias=False))
    blocks = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *((128, 1),) * 5, (256, 2), (256, 1))
    for filters, stride in blocks:
        x = _normed(keras, x, k.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False))
        x = _normed(keras, x, k.Conv2D(filters, 1, use_bias=False))
    x = k.Conv2D(2, 1)(k.AveragePooling2D(3)(x))
    return keras.Model(given, k.Softmax()(k.Reshape((2,))(x)))


def mnist_lstm(keras: Any) -> Any:
    """TFLM's digits, row by row."""
    k = keras.layers
    given = keras.Input((28, 28))
    return _scores(keras, given, k.Flatten()(k.LSTM(20, return_sequences=True)(given)), 10)


def noise_suppression(keras: Any) -> Any:
    """RNNoise for one frame of 42 features; the states of its three GRUs are inputs and outputs."""
    k = keras.layers
    given = keras.Input((1, 42), name="features")
    states = [keras.Input((units,), name=f"state_{units}") for units in (24, 48, 96)]
    x = k.Dense(24, activation="tanh")(given)

    def remembering(data: Any, state: Any) -> Any:
        made = k.GRU(state.shape[1], activation="tanh", return_sequences=True, unroll=True)
        return made(data, initial_state=state)

    speech = remembering(x, states[0])
    noise = remembering(k.Concatenate()([x, speech, given]), states[1])
    cleaned = remembering(k.Concatenate()([speech, noise, given]), states[2])
    gains = k.Dense(22, activation="sigmoid")(cleaned)
    voice = k.Dense(1, activation="sigmoid")(speech)
    return keras.Model([given, *states], [gains, voice, *(k.Flatten()(state) for state in (speech, noise, cleaned))])


def seanet(keras: Any) -> Any:
    """The layers of a codec for speech, which run with int16 activations."""
    k = keras.layers
    given = keras.Input((16, 4))
    x = k.LeakyReLU(negative_slope=0.3)(k.Conv1D(6, 3)(k.ZeroPadding1D((2, 0))(given)))
    x = k.Add()([x, k.Conv1D(6, 1)(k.LeakyReLU(negative_slope=0.3)(k.Conv1D(4, 3, padding="causal")(x)))])
    y = k.Conv1DTranspose(4, 4, strides=2)(k.Conv1D(8, 4, strides=2)(k.ZeroPadding1D((2, 0))(x)))
    return keras.Model(given, k.Subtract()([k.Conv1D(4, 3)(y[:, :-2]), given[:, 2:]]))


NETS: Mapping[str, Callable[[Any], Any]] = {
    build.__name__: build
    for build in (
        *(mobilenet_v1, mobilenet_v2, mobilenet_v3, efficientnet_lite_stem, squeezenet, inception, densenet),
        *(tcn, wavenet, crnn, lstm_classifier, gru_classifier, autoencoder, convolutional_autoencoder, unet),
        *(transformer, causal_transformer, text_cnn, siamese, super_resolution),
        *(hello_world, micro_speech, person_detection, mnist_lstm, noise_suppression, seanet),
    )
}
