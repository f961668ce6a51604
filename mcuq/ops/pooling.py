"""What AVERAGE_POOL_2D and MAX_POOL_2D share: attributes, rules and the windows of their references. No operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mcuq.ir import DType, Layer
from mcuq.ops import rules
from mcuq.ops.activation import Activation
from mcuq.ops.base import Array, Case, Constraint, Operand
from mcuq.ops.conv_geometry import SAME, VALID, Axis, axis


@dataclass(frozen=True, slots=True)
class Pool2D:
    """Attributes of a pooling."""

    height: Axis
    width: Axis
    activation: Activation


def attributes(options: Mapping[str, Any], layer: Layer) -> Pool2D:
    _, height, width, _ = layer.input(0).shape
    padding = options.get("padding", SAME)
    return Pool2D(
        axis(height, options.get("filter_height", 0), options.get("stride_h", 0), 1, padding),
        axis(width, options.get("filter_width", 0), options.get("stride_w", 0), 1, padding),
        Activation(options.get("fused_activation_function", 0)),
    )


def windows_are_positive(layer: Layer) -> str | None:
    """window and stride are at least 1"""
    a: Pool2D = layer.attributes
    found = (a.height.window, a.width.window, a.height.stride, a.width.stride)
    return None if min(found) > 0 else f"window {found[:2]} and stride {found[2:]} must be at least 1"


def shapes_agree(layer: Layer) -> str | None:
    """the output has the size that window, stride and padding give, and the input's channels"""
    a: Pool2D = layer.attributes
    batches, _, _, channels = layer.input(0).shape
    expected = (batches, a.height.output, a.width.output, channels)
    return None if layer.output.shape == expected else f"the output is {layer.output.shape}, not {expected}"


def quantization_is_kept(layer: Layer) -> str | None:
    """input and output have one zero point, and scales no further apart than 1e-6: a pooling does not rescale"""
    x, y = layer.input(0).type, layer.output.type
    if x.zero_point == y.zero_point and abs(x.scale - y.scale) <= 1e-6:
        return None
    return f"input and output are quantized by ({x.scale}, {x.zero_point}) and ({y.scale}, {y.zero_point})"


CONSTRAINTS: tuple[Constraint, ...] = (
    rules.int8_or_int16_activations,
    rules.rank(0, (4,), "the input"),
    windows_are_positive,
    shapes_agree,
    quantization_is_kept,
    rules.fused_activation_is_a_clamp,
    rules.clamp_fits_int32,
)


def windows(pool: Pool2D, x: Array) -> Iterator[tuple[int, int, Array]]:
    """(y, x, window) for each output pixel; a window is the part inside the input, NHWC."""
    h, v = pool.height, pool.width
    for row in range(h.output):
        top = row * h.stride - h.pad_before
        for column in range(v.output):
            left = column * v.stride - v.pad_before
            yield row, column, x[:, max(0, top) : top + h.window, max(0, left) : left + v.window]


def _case(
    name: str,
    shape: tuple[int, int, int, int],
    window: tuple[int, int],
    output: tuple[int, int],
    *,
    stride: tuple[int, int] = (1, 1),
    padding: int = SAME,
    activation: Activation = Activation.NONE,
    scale: float = 0.05,
    zero_point: int = -7,
    dtype: DType = DType.INT8,
) -> Case:
    """``window``, ``output`` and ``stride`` are (height, width)."""
    return Case(
        name,
        (Operand(shape, scale, zero_point, dtype),),
        (Operand((shape[0], *output, shape[3]), scale, zero_point, dtype),),
        {
            "filter_height": window[0],
            "filter_width": window[1],
            "stride_h": stride[0],
            "stride_w": stride[1],
            "padding": padding,
            "fused_activation_function": int(activation),
        },
    )


CASES = (
    _case("2x2_stride_2", (1, 8, 6, 5), (2, 2), (4, 3), stride=(2, 2), padding=VALID),
    _case("3x3_same", (1, 7, 6, 3), (3, 3), (7, 6)),
    _case("3x3_same_stride_2", (1, 8, 8, 4), (3, 3), (4, 4), stride=(2, 2), activation=Activation.RELU),
    _case("3x2_valid_stride_2x1", (1, 9, 8, 6), (3, 2), (4, 7), stride=(2, 1), padding=VALID),
    _case("global", (1, 8, 8, 19), (8, 8), (1, 1), padding=VALID),
    _case("global_uneven", (1, 25, 5, 7), (25, 5), (1, 1), padding=VALID, stride=(25, 5)),
    _case("1xn", (1, 1, 21, 6), (1, 3), (1, 7), stride=(1, 3), padding=VALID),
    _case("window_larger_than_input", (1, 2, 3, 4), (5, 5), (2, 3)),
    _case("stride_larger_than_window", (1, 9, 9, 2), (2, 2), (3, 3), stride=(4, 4), padding=SAME),
    _case("one_pixel", (1, 1, 1, 7), (1, 1), (1, 1)),
    _case("many_channels", (1, 4, 4, 67), (3, 3), (4, 4)),
    _case("batch_2", (2, 4, 4, 5), (2, 2), (2, 2), stride=(2, 2)),
    _case("relu", (1, 5, 5, 3), (2, 2), (5, 5), activation=Activation.RELU),
    _case("relu6", (1, 5, 5, 3), (2, 2), (5, 5), activation=Activation.RELU6),
    _case("relu_n1_to_1", (1, 5, 5, 3), (2, 2), (5, 5), activation=Activation.RELU_N1_TO_1),
    _case("lowest_zero_point", (1, 5, 5, 3), (3, 3), (5, 5), zero_point=-128),
    _case("highest_zero_point", (1, 5, 5, 3), (3, 3), (5, 5), zero_point=127),
    *(_case(f"{n}_channels", (1, 5, 7, n), (3, 2), (5, 7)) for n in (4, 6, 8, 11, 12, 16)),
    _case("most_elements_of_int16", (1, 15, 17, 9), (15, 17), (1, 1), padding=VALID),
    _case("too_many_elements_for_int16", (1, 16, 16, 5), (16, 16), (1, 1), padding=VALID),
    _case("relu6_4_channels", (1, 5, 5, 4), (2, 2), (5, 5), activation=Activation.RELU6),
    _case("256_taps", (1, 16, 16, 9), (16, 16), (1, 1), padding=VALID),
    _case("some_windows_of_one_tap", (1, 3, 3, 9), (2, 2), (3, 3)),
    _case("int16_3x2_same", (2, 5, 6, 3), (3, 2), (3, 6), stride=(2, 1), zero_point=0, dtype=DType.INT16),
    _case(
        "int16_relu6",
        (1, 8, 8, 2),
        (8, 8),
        (8, 8),
        scale=5e-4,
        zero_point=0,
        dtype=DType.INT16,
        activation=Activation.RELU6,
    ),
)
