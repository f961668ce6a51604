"""How time goes through an operator: which frames of its inputs an output frame is made of. No graph is changed here.

A frame is what a tensor holds at one index of its time axis. When the window moves on, a frame of a sliding tensor gets
a lower index and keeps its bytes; only new ones have to be computed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.ir import Layer, Tensor
from mcuq.ops import operators
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.elementwise import Elementwise, broadcast_loops, broadcast_shape
from mcuq.ops.floats import FLOAT32
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.mean import Mean
from mcuq.ops.pad import Pad, merged_axes
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.split import Split
from mcuq.ops.strided_slice import Index, StridedSlice
from mcuq.ops.transpose import Transpose

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Frames:
    """A sliding tensor: ``count`` frames along ``axis``, one for each ``stride`` frames of the model's input. Those
    before ``clean`` depend on where the window begins (on padding), and do not slide."""

    axis: int
    count: int
    stride: int
    clean: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """Output frame i is made of the input frames ``i * stride - before + j * dilation``, j from 0 to ``window`` - 1."""

    stride: int = 1
    before: int = 0
    window: int = 1
    dilation: int = 1

    def first(self, output: int) -> int:
        return output * self.stride - self.before

    def last(self, output: int) -> int:
        return self.first(output) + (self.window - 1) * self.dilation


Shorter = Callable[[Layer], Any]
"""The layer's attributes when it runs on fewer frames: the layer is given with its new shapes."""


@dataclass(frozen=True, slots=True)
class Way:
    """How time goes through a layer.

    ``axis`` is that of the outputs; None where the output is one frame, and has no such axis. ``constants`` are inputs
    that hold a value for each frame, all alike, by the axis.
    """

    axis: int | None
    reach: Reach
    shorter: Shorter
    constants: Mapping[int, int] = dataclasses.field(default_factory=dict)


class WholeWindowError(Exception):
    """The layer does not work frame by frame; the reason, in words."""


_EACH_FRAME = Reach()
_IMAGES = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D")
_OF_THE_LAST_AXIS = ("SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION")


def way(layer: Layer, axes: Mapping[str, int]) -> Way:
    """How time goes through ``layer``; ``axes`` has the time axis of each input that slides, by name.

    Raises ``WholeWindowError``.
    """
    others = [t.name for t in layer.inputs if t is not None and not t.constant and t.name not in axes]
    if others:
        raise WholeWindowError(f"it reads {others[0]!r}, which is made of the whole window")
    rule = _RULES.get(layer.op.removesuffix(f" {FLOAT32}"))
    if rule is None and (operators()[layer.op].of_a_byte or layer.op == "DEQUANTIZE"):
        rule = _unchanged
    if rule is None and operators()[layer.op].aliases:
        rule = _reshape
    if rule is None and isinstance(layer.attributes, Elementwise):
        rule = _elementwise
    if rule is None:
        raise WholeWindowError(f"{layer.op} is computed on the whole window")
    return rule(layer, axes)


def _axis(layer: Layer, axes: Mapping[str, int], index: int = 0) -> int:
    tensor = layer.input(index)
    if tensor.name not in axes:
        raise WholeWindowError(f"input {index} is constant")
    return axes[tensor.name]


def _unchanged(layer: Layer, axes: Mapping[str, int]) -> Way:
    return Way(_axis(layer, axes), _EACH_FRAME, lambda short: short.attributes)


def _of_the_last_axis(layer: Layer, axes: Mapping[str, int]) -> Way:
    if _axis(layer, axes) == len(layer.input(0).shape) - 1:
        raise WholeWindowError(f"{layer.op} goes over time")
    return _unchanged(layer, axes)


def _image(layer: Layer, axes: Mapping[str, int]) -> Way:
    axis = _axis(layer, axes)
    if axis not in (1, 2) or any(t is not None and not t.constant for t in layer.inputs[1:]):
        raise WholeWindowError("time is neither height nor width of the image")
    name = "height" if axis == 1 else "width"
    along: Axis = getattr(layer.attributes, name)
    if along.pad_after:
        raise WholeWindowError(f"it pads {along.pad_after} frames behind the window's end (padding SAME)")
    reach = Reach(along.stride, along.pad_before, along.window, along.dilation)

    def shorter(short: Layer) -> Any:
        read, made = short.input(0).shape[axis], short.output.shape[axis]
        if made == 1 or along.window == 1:  # it is given what it reads, frame by frame
            found = Axis(read, made, along.window, 1, 1, 0)
        else:
            found = Axis(read, made, along.window, along.stride, along.dilation, 0)
        return dataclasses.replace(short.attributes, **{name: found})

    return Way(axis, reach, shorter)


def _elementwise(layer: Layer, axes: Mapping[str, int]) -> Way:
    rank = len(layer.output.shape)
    given = [tensor for tensor in layer.inputs if tensor is not None]
    aligned = {rank - len(t.shape) + axes[t.name] for t in given if t.name in axes}
    if len(aligned) != 1:
        raise WholeWindowError("its inputs have their time on different axes")
    (axis,) = aligned
    constants = {}
    for index, tensor in enumerate(layer.inputs):
        own = axis - rank + len(tensor.shape) if tensor is not None else -1
        if tensor is None or own < 0 or tensor.shape[own] == 1:
            continue
        if tensor.constant:
            _check_alike(tensor, own)
            constants[index] = own
        elif tensor.shape[own] != layer.output.shape[axis]:
            raise WholeWindowError("it repeats one frame for all others")
    if any(t.name in axes and t.shape[axes[t.name]] != layer.output.shape[axis] for t in given):
        raise WholeWindowError("it repeats one frame for all others")

    def shorter(short: Layer) -> Any:
        one, other = short.input(0).shape, short.input(1).shape
        return dataclasses.replace(
            short.attributes, loops=broadcast_loops(one, other), shape=broadcast_shape(one, other)
        )

    return Way(axis, _EACH_FRAME, shorter, constants)


def _check_alike(tensor: Tensor, axis: int) -> None:
    """Raises unless the constant is the same for all frames."""
    assert tensor.data is not None
    if not np.array_equal(tensor.data, np.broadcast_to(np.take(tensor.data, [0], axis), tensor.shape)):
        raise WholeWindowError(f"the constant {tensor.name!r} differs from frame to frame")


def _kept_axis(before: Shape, axis: int, after: Shape, what: str) -> int:
    """The axis of ``after`` that ``axis`` of ``before`` is when the elements stay in their order."""
    outside, count = math.prod(before[:axis]), before[axis]
    for found, size in enumerate(after):
        if size == count and math.prod(after[:found]) == outside:
            return found
    raise WholeWindowError(what)


def _reshape(layer: Layer, axes: Mapping[str, int]) -> Way:
    axis = _kept_axis(
        layer.input(0).shape, _axis(layer, axes), layer.output.shape, "it joins the frames of the whole window"
    )
    return Way(axis, _EACH_FRAME, lambda _: Reshape(None))


def _fully_connected(layer: Layer, axes: Mapping[str, int]) -> Way:
    a: FullyConnected = layer.attributes
    x, axis = layer.input(0).shape, _axis(layer, axes)
    if math.prod(x[axis + 1 :]) % a.depth or not all(t is None or t.constant for t in layer.inputs[1:]):
        raise WholeWindowError("it joins the frames of the whole window")
    found = _kept_axis(x, axis, layer.output.shape, "it joins the frames of the whole window")
    return Way(
        found,
        _EACH_FRAME,
        lambda short: dataclasses.replace(
            short.attributes, batches=math.prod(short.input(0).shape) // short.attributes.depth
        ),
    )


def _reduction(layer: Layer, axes: Mapping[str, int]) -> Way:
    a: Mean = layer.attributes
    axis = _axis(layer, axes)
    if axis in a.axes:
        raise WholeWindowError("it goes over all frames of the window")
    found = axis if a.keep_dims else axis - sum(other < axis for other in a.axes)
    return Way(found, _EACH_FRAME, lambda short: short.attributes)


def _concatenation(layer: Layer, axes: Mapping[str, int]) -> Way:
    a: Concatenation = layer.attributes
    given = [tensor for tensor in layer.inputs if tensor is not None]
    found = {axes[tensor.name] for tensor in given if tensor.name in axes}
    if len(found) != 1 or a.axis in found:
        raise WholeWindowError("it puts frames behind each other")
    (axis,) = found
    constants = {index: axis for index, tensor in enumerate(given) if tensor.constant}
    for index in constants:
        _check_alike(given[index], axis)
    return Way(axis, _EACH_FRAME, lambda short: short.attributes, constants)


def _split(layer: Layer, axes: Mapping[str, int]) -> Way:
    a: Split = layer.attributes
    axis = _axis(layer, axes, a.data)
    if a.axis == axis:
        raise WholeWindowError("it cuts the window in parts")
    return Way(
        axis,
        _EACH_FRAME,
        lambda short: dataclasses.replace(short.attributes, shapes=tuple(t.shape for t in short.outputs)),
    )


def _transpose(layer: Layer, axes: Mapping[str, int]) -> Way:
    a: Transpose = layer.attributes
    return Way(
        a.axes.index(_axis(layer, axes)),
        _EACH_FRAME,
        lambda short: dataclasses.replace(short.attributes, shapes=(short.output.shape,)),
    )


def _pad(layer: Layer, axes: Mapping[str, int]) -> Way:
    a: Pad = layer.attributes
    axis = _axis(layer, axes)
    before, after = a.paddings[axis]
    if after:
        raise WholeWindowError(f"it pads {after} frames behind the window's end")
    paddings = tuple((0, 0) if index == axis else pair for index, pair in enumerate(a.paddings))
    return Way(axis, Reach(before=before), lambda short: Pad(paddings, merged_axes(short.input(0).shape, paddings)))


def _slice(layer: Layer, axes: Mapping[str, int]) -> Way:
    a: Slice = layer.attributes
    axis = _axis(layer, axes)
    begins = tuple(0 if index == axis else begin for index, begin in enumerate(a.begins))
    return Way(axis, Reach(before=-a.begins[axis]), lambda short: Slice(begins, (short.output.shape,)))


def _strided_slice(layer: Layer, axes: Mapping[str, int]) -> Way:
    a: StridedSlice = layer.attributes
    axis, shape = _axis(layer, axes), layer.input(0).shape
    indices = (*a.indices, *(slice(None),) * len(shape))
    places = [place for place, index in enumerate(indices) if index is not None]
    place = places[axis]
    taken = indices[place]
    given: tuple[Index, ...] = indices[: places[len(shape) - 1] + 1]

    def shorter(index: Index) -> Shorter:
        changed = (*given[:place], index, *given[place + 1 :])
        return lambda short: StridedSlice(changed, (short.output.shape,))

    if isinstance(taken, int):
        return Way(None, Reach(before=-(taken % shape[axis])), shorter(0))
    assert taken is not None
    begin, _, step = taken.indices(shape[axis])
    if step < 0:
        raise WholeWindowError("it turns time round")
    found = sum(not isinstance(index, int) for index in given[:place])
    return Way(found, Reach(step, -begin), shorter(slice(None)))


_RULES: Mapping[str, Callable[[Layer, Mapping[str, int]], Way]] = {
    **dict.fromkeys(_IMAGES, _image),
    **dict.fromkeys(_OF_THE_LAST_AXIS, _of_the_last_axis),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), _reduction),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), _split),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    "CONCATENATION": _concatenation,
    "FULLY_CONNECTED": _fully_connected,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "TRANSPOSE": _transpose,
}


def output_frames(found: Way, inputs: Mapping[str, Frames], count: int) -> Frames | None:
    """The frames of an output with ``count`` of them; None where it has no time axis.

    Raises ``WholeWindowError`` where time goes through the inputs at different speeds, or no frame is clean.
    """
    strides = {frames.stride for frames in inputs.values()}
    if len(strides) != 1:
        raise WholeWindowError("its inputs move at different speeds")
    (stride,) = strides
    reach = found.reach
    least = max(frames.count for frames in inputs.values()) - 1
    if reach.last(count - 1) > least:
        raise WholeWindowError("it reaches behind the window's end")
    clean = max(0, *(-(-(frames.clean + reach.before) // reach.stride) for frames in inputs.values()))
    if clean >= count:
        raise WholeWindowError("each frame depends on where the window begins (padding before it)")
    if found.axis is None:
        return None
    return Frames(found.axis, count, stride * (reach.stride if count > 1 else 1), clean)
