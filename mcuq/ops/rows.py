"""Which operators compute an image row by row, and a layer's share of it: a stripe of rows. No operator.

A stripe is the layer itself on a lower image: the same constants, fewer rows, and padding only where the image ends.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from mcuq.ir import Layer, Tensor
from mcuq.ops import operators
from mcuq.ops.conv_geometry import Axis
from mcuq.ops.elementwise import Elementwise, broadcast_loops, broadcast_shape
from mcuq.ops.pad import Pad, merged_axes

WINDOWED = frozenset(("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"))
PADDING = frozenset(("PAD", "PADV2"))
_IMAGE_AXES = 4


@dataclass(frozen=True, slots=True)
class Stripe:
    """Rows of a layer: how many it reads and writes, and the rows of padding above those that it reads."""

    input_rows: int
    output_rows: int
    pad_top: int


def rows(layer: Layer) -> Axis | None:
    """How the layer's output rows come from its input rows; None where it does not work row by row."""
    activations = [tensor for tensor in layer.inputs if tensor is not None and not tensor.constant]
    if len(layer.outputs) != 1 or not all(_is_image(tensor) for tensor in (*activations, layer.output)):
        return None
    height = layer.output.shape[1]
    if layer.op in WINDOWED:
        axis: Axis = layer.attributes.height
        return axis if len(activations) == 1 and _every_window_has_rows(axis) else None
    if layer.op in PADDING:
        (_, _), (before, _), _, channels = layer.attributes.paddings
        return Axis(layer.input(0).shape[1], height, 1, 1, 1, before) if channels == (0, 0) else None
    two = isinstance(layer.attributes, Elementwise)
    if operators()[layer.op].of_a_byte or (two and _is_row_by_row(layer)):
        return Axis(height, height, 1, 1, 1, 0)
    return None


def input_rows(axis: Axis, first: int, end: int) -> tuple[int, int]:
    """The input rows, first and one past the last, that the output rows ``first`` to ``end`` (excluded) need.

    None for rows of PAD that are padding.
    """
    begin = min(axis.input, max(0, first * axis.stride - axis.pad_before))
    reach = (end - 1) * axis.stride - axis.pad_before + (axis.window - 1) * axis.dilation + 1
    return begin, max(begin, min(axis.input, reach))


def stripe(axis: Axis, first: int, end: int) -> Stripe:
    """What the output rows ``first`` to ``end`` (excluded) take."""
    begin, stop = input_rows(axis, first, end)
    return Stripe(stop - begin, end - first, max(0, axis.pad_before - first * axis.stride))


def stripe_layer(layer: Layer, part: Stripe) -> Layer:
    """``layer`` on the rows of ``part``; its tensors keep their names."""
    inputs = tuple(
        tensor if tensor is None or tensor.constant else _with_rows(tensor, part.input_rows) for tensor in layer.inputs
    )
    output = _with_rows(layer.output, part.output_rows)
    attributes = layer.attributes
    if layer.op in WINDOWED:
        height = dataclasses.replace(
            attributes.height, input=part.input_rows, output=part.output_rows, pad_before=part.pad_top
        )
        attributes = dataclasses.replace(attributes, height=height)
    if layer.op in PADDING:
        top = min(part.pad_top, part.output_rows)
        bottom = part.output_rows - part.input_rows - top
        batch, _, columns, channels = attributes.paddings
        paddings = (batch, (top, bottom), columns, channels)
        attributes = Pad(paddings, merged_axes(_with_rows(layer.input(0), part.input_rows).shape, paddings))
    if isinstance(attributes, Elementwise):
        one, other = (tensor.shape for tensor in inputs if tensor is not None)
        attributes = Elementwise(broadcast_loops(one, other), broadcast_shape(one, other), attributes.activation)
    return Layer(layer.name, layer.op, attributes, inputs, (output,))


def _is_image(tensor: Tensor) -> bool:
    return len(tensor.shape) == _IMAGE_AXES and tensor.shape[0] == 1


def _every_window_has_rows(axis: Axis) -> bool:
    spans = (input_rows(axis, row, row + 1) for row in range(axis.output))
    return all(begin < stop for begin, stop in spans)


def _is_row_by_row(layer: Layer) -> bool:
    """Has each activation the output's rows, and each constant the same values for all rows?"""
    for index in range(2):
        tensor = layer.input(index)
        height = tensor.shape[-3] if len(tensor.shape) >= _IMAGE_AXES - 1 else 1
        if height != (1 if tensor.constant else layer.output.shape[1]):
            return False
    return True


def _with_rows(tensor: Tensor, count: int) -> Tensor:
    batch, _, *rest = tensor.shape
    return Tensor(tensor.name, dataclasses.replace(tensor.type, shape=(batch, count, *rest)))
