"""Small nets over windows of time, for tests of their step functions. Time is axis 1, unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mcuq.ir import Graph
from mcuq.ops.conv_geometry import VALID, axis
from tests.harness.net_builder import NONE, RELU, NetBuilder
from tests.harness.tflite_writer import write_graph


class TimeNet(NetBuilder):
    """Adds to ``NetBuilder`` windows of another size, stride and dilation over time than over the other axis."""

    def over_time(
        self,
        x: str,
        window: tuple[int, int],
        *,
        filters: int | None = None,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        padding: int = VALID,
        zero: int = -128,
        activation: int = RELU,
    ) -> str:
        """CONV_2D of ``filters``; a depthwise convolution without."""
        n, h, w, channels = self.type(x).shape
        size = (
            axis(edge, k, s, d, padding).output for edge, k, s, d in zip((h, w), window, stride, dilation, strict=True)
        )
        outputs = filters or channels
        scales = tuple(0.002 + 0.0003 * i for i in range(outputs))
        shape = (1, *window, channels) if filters is None else (filters, *window, channels)
        channel_axis = 3 if filters is None else 0
        weights = self.constant(self.weights(shape, channel_axis, 0.0), scales, channel_axis)
        bias = self.bias(outputs, 0.0, 0.0, tuple(self.type(x).scale * s for s in scales))
        options = {
            "stride_h": stride[0], "stride_w": stride[1], "dilation_h_factor": dilation[0],
            "dilation_w_factor": dilation[1], "padding": padding, "fused_activation_function": activation,
        }  # fmt: skip
        op = "CONV_2D"
        if filters is None:
            op, options["depth_multiplier"] = "DEPTHWISE_CONV_2D", 1
        return self.layer(op, options, [x, weights, bias], (n, *size, outputs), zero)

    def pool_over_time(self, x: str, op: str, window: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> str:
        n, h, w, channels = self.type(x).shape
        size = (axis(edge, k, s, 1, VALID).output for edge, k, s in zip((h, w), window, stride, strict=True))
        options = {
            "stride_h": stride[0], "stride_w": stride[1], "filter_height": window[0], "filter_width": window[1],
            "padding": VALID,
        }  # fmt: skip
        return self.layer(op, options, [x], (n, *size, channels), self.type(x).zero_point, self.type(x).scale)

    def frames(self, x: str, begin: int, end: int | None = None, step: int = 1) -> str:
        """STRIDED_SLICE of the frames ``begin`` to ``end``."""
        type_ = self.type(x)
        count = len(range(*slice(begin, end, step).indices(type_.shape[1])))
        table = [[0, begin, 0, 0], [0, end or 0, 0, 0], [1, step, 1, 1]]
        inputs = [x, *(self.constant(np.array(row, np.int32)) for row in table)]
        options = {"begin_mask": 13, "end_mask": 13 if end is not None else 15}
        shape = (type_.shape[0], count, *type_.shape[2:])
        return self.layer("STRIDED_SLICE", options, inputs, shape, type_.zero_point, type_.scale)

    def last_frame(self, x: str) -> str:
        """STRIDED_SLICE that takes the newest frame, as ``x[:, -1]`` does."""
        type_ = self.type(x)
        table = [[0, -1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
        inputs = [x, *(self.constant(np.array(row, np.int32)) for row in table)]
        options = {"begin_mask": 13, "end_mask": 15, "shrink_axis_mask": 2}
        shape = (type_.shape[0], *type_.shape[2:])
        return self.layer("STRIDED_SLICE", options, inputs, shape, type_.zero_point, type_.scale)

    def pad_before(self, x: str, frames: int) -> str:
        """PAD as Keras's causal convolutions have it."""
        type_ = self.type(x)
        n, h, *rest = type_.shape
        table = self.constant(np.array([[0, 0], [frames, 0], [0, 0], [0, 0]], np.int32))
        return self.layer("PAD", {}, [x, table], (n, h + frames, *rest), type_.zero_point, type_.scale)

    def mean_over(self, x: str, axes: tuple[int, ...]) -> str:
        type_ = self.type(x)
        shape = tuple(size for index, size in enumerate(type_.shape) if index not in axes)
        inputs = [x, self.constant(np.array(axes, np.int32))]
        return self.layer("MEAN", {"keep_dims": 0}, inputs, shape, type_.zero_point, 0.04)

    def dense_on_frames(self, x: str, units: int) -> str:
        """FULLY_CONNECTED on the last axis of each frame."""
        type_ = self.type(x)
        weights = self.weights((units, type_.shape[-1]), 0, 0.0)
        bias = self.bias(units, 0.0, 0.0, (type_.scale * 0.002,))
        inputs = [x, self.constant(weights, (0.002,)), bias]
        return self.layer("FULLY_CONNECTED", {"keep_num_dims": True}, inputs, (*type_.shape[:-1], units), 3)


@dataclass(frozen=True)
class TimeCase:
    """A net: ``step`` input frames of a step, and what is computed on the whole window, by operator."""

    name: str
    net: TimeNet
    inputs: str
    outputs: str
    step: int
    whole: tuple[str, ...]
    time_axis: int = 1

    @property
    def graph(self) -> Graph:
        return self.net.graph(self.inputs, self.outputs)

    @property
    def tflite(self) -> bytes:
        return write_graph(self.net.raw(self.inputs, self.outputs))


def dilated() -> TimeCase:
    """Residual blocks of dilated convolutions without padding; the residual is cropped."""
    net = TimeNet(1)
    x = inputs = net.activation((1, 33, 1, 6))
    for dilation in (1, 2, 4, 8):
        made = net.over_time(x, (3, 1), filters=6, dilation=(dilation, 1), activation=NONE)
        x = net.add(made, net.frames(x, 2 * dilation), activation=RELU)
    return TimeCase("dilated", net, inputs, net.dense(net.flatten(net.last_frame(x)), 4), 1, ())


def causal() -> TimeCase:
    """Dilated convolutions padded in front; only the newest frame is used, which no padding reaches."""
    net = TimeNet(2)
    x = inputs = net.activation((1, 16, 1, 5), zero_point=-3)
    for dilation in (1, 2, 4):
        padded = net.pad_before(x, 2 * dilation)
        made = net.over_time(padded, (3, 1), filters=5, dilation=(dilation, 1), zero=-3)
        x = net.add(made, x, zero=-3)
    return TimeCase("causal", net, inputs, net.dense(net.flatten(net.last_frame(x)), 3), 1, ())


def spectrogram() -> TimeCase:
    """DS-CNN on 41 frames of 10 bands: stride 2, a mean over all at the end."""
    net = TimeNet(3)
    inputs = net.activation((1, 41, 10, 1), zero_point=83)
    x = net.over_time(inputs, (7, 4), filters=8, stride=(2, 2))
    for _ in range(2):
        x = net.over_time(net.over_time(x, (3, 2)), (1, 1), filters=8)
    return TimeCase("spectrogram", net, inputs, net.dense(net.mean(x), 5), 2, ())


def wake_word() -> TimeCase:
    """Depthwise over time, pointwise, and a dense layer over the features of the whole window."""
    net = TimeNet(4)
    x = inputs = net.activation((1, 21, 1, 12), zero_point=5)
    for window in (3, 5):
        x = net.over_time(net.over_time(x, (window, 1)), (1, 1), filters=8)
    return TimeCase("wake word", net, inputs, net.same(net.dense(net.flatten(x), 3), "LOGISTIC", -128, 1 / 256), 1,
                    ("RESHAPE",))  # fmt: skip


def strided() -> TimeCase:
    """Strides of 2 and 3 over 37 frames, which are no whole number of steps; frames left over at the end; a maximum."""
    net = TimeNet(5)
    inputs = net.activation((1, 37, 2, 3))
    x = net.over_time(inputs, (3, 1), filters=6, stride=(2, 1))
    x = net.pool_over_time(x, "MAX_POOL_2D", (3, 2), (3, 1))
    x = net.over_time(x, (2, 1), filters=4)
    return TimeCase("strided", net, inputs, net.mean(x), 6, ())


def each_frame() -> TimeCase:
    """Two outputs for each frame: classes, and sums over the bands."""
    net = TimeNet(6)
    inputs = net.activation((1, 12, 4, 3))
    x = net.over_time(inputs, (4, 3), filters=5, activation=NONE, zero=4)
    classes = net.same(net.dense_on_frames(net.mean_over(x, (2,)), 4), "SOFTMAX", -128, 1 / 256, {"beta": 1.0})
    return TimeCase("each frame", net, inputs, f"{classes} {x}", 1, ())


def two_inputs() -> TimeCase:
    """Branches of other lengths, one behind the other in time, concatenated; a third input has no time."""
    net = TimeNet(7)
    one, other, fixed = (net.activation(shape) for shape in ((1, 14, 2, 4), (1, 14, 2, 3), (1, 7)))
    left = net.frames(net.over_time(one, (3, 1), filters=4), 0, -2)
    right = net.over_time(other, (5, 1), filters=4)
    x = net.pool_over_time(net.concatenate(left, right), "AVERAGE_POOL_2D", (4, 2))
    x = net.add(x, net.channel_constant(8))
    x = net.dense(net.flatten(x), 7)
    return TimeCase("two inputs", net, f"{one} {other} {fixed}", net.add(x, fixed), 1, ("RESHAPE",))


def across() -> TimeCase:
    """Time is the width; over the height there is padding. Every second frame is dropped along the way."""
    net = TimeNet(8)
    inputs = net.activation((1, 5, 30, 2))
    x = net.over_time(inputs, (3, 3), filters=4, dilation=(1, 2), stride=(1, 1))
    x = net.over_time(x, (3, 5), stride=(3, 2))
    return TimeCase("across", net, inputs, net.dense(net.flatten(x), 3), 2, ("RESHAPE",), time_axis=2)


NETS: tuple[Callable[[], TimeCase], ...] = (
    dilated, causal, spectrogram, wake_word, strided, each_frame, two_inputs, across,
)  # fmt: skip
