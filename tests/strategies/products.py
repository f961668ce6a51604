"""Made-up layers of operators that multiply by weights in other ways than a convolution, with memory or without."""

from __future__ import annotations

from hypothesis import strategies as st

from mcuq.ops import batch_matmul, svdf, transpose_conv, unidirectional_sequence_lstm
from mcuq.ops.base import Case
from mcuq.ops.conv_geometry import SAME, VALID
from tests.strategies.drawing import activations, case_names, zero_points

few = st.integers(1, 5)
output_scales = st.sampled_from([0.003, 0.02, 0.05, 0.3])


@st.composite
def transposed_convolutions(draw: st.DrawFn) -> Case:
    data, window = (draw(few), draw(few)), (draw(few), draw(few))
    stride, padding = (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(st.sampled_from([SAME, VALID]))
    reach = (size * step if padding == SAME else (size - 1) * step + w
             for size, step, w in zip(data, stride, window, strict=True))  # fmt: skip
    height, width = (size + draw(st.integers(0, step - 1)) * (1 if padding == VALID else -1)
                     for size, step in zip(reach, stride, strict=True))  # fmt: skip
    depth, channels = draw(st.integers(1, 9)), draw(few)
    scales = tuple(draw(st.lists(st.sampled_from([0.001, 0.0041, 0.01]), min_size=channels, max_size=channels)))
    return transpose_conv.case(
        draw(case_names),
        (draw(st.integers(1, 2)), *data, depth),
        (channels, *window, depth),
        (height, width),
        stride=stride,
        padding=padding,
        activation=draw(activations),
        zero_points=(draw(zero_points), draw(zero_points)),
        output_scale=draw(output_scales),
        weight_scales=scales,
        bias=draw(st.booleans()),
    )


@st.composite
def matrix_products(draw: st.DrawFn) -> Case:
    rows, depth, columns = draw(few), draw(st.integers(1, 20)), draw(few)
    adj_x, adj_y = draw(st.booleans()), draw(st.booleans())
    batches = draw(st.sampled_from([((), ()), ((2,), (2,)), ((1, 3), (2, 1)), ((3,), ()), ((2, 1, 2), (1, 2, 2))]))
    return batch_matmul.case(
        draw(case_names),
        (*batches[0], *((depth, rows) if adj_x else (rows, depth))),
        (*batches[1], *((columns, depth) if adj_y else (depth, columns))),
        adj_x=adj_x,
        adj_y=adj_y,
        zero_points=(draw(zero_points), draw(zero_points), draw(zero_points)),
        scales=(draw(output_scales), draw(output_scales), draw(st.sampled_from([0.0001, 0.01, 0.2, 3.0]))),
        constant=draw(st.booleans()),
    )


@st.composite
def filters_over_time(draw: st.DrawFn) -> Case:
    return svdf.case(
        draw(case_names),
        (draw(st.integers(1, 2)), draw(st.integers(1, 20))),
        draw(few),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 9)),
        zero_points=(draw(zero_points), draw(zero_points)),
        scales=(0.03, draw(st.sampled_from([0.00002, 0.0003, 0.004])), draw(output_scales)),
        bias=draw(st.booleans()),
        time=draw(st.sampled_from([100, 8000, 32767])),
    )


@st.composite
def recurrent_layers(draw: st.DrawFn) -> Case:
    return unidirectional_sequence_lstm.case(
        draw(case_names),
        (draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 12))),
        draw(st.integers(1, 12)),
        time_major=draw(st.booleans()),
        clip=draw(st.sampled_from([0.0, 0.3, 10.0])),
        zero_points=(draw(zero_points), draw(zero_points)),
        exponent=draw(st.integers(11, 15)),
        weight_scale=draw(st.sampled_from([0.0003, 0.004, 0.05, 0.3])),
        hidden_scale=draw(st.sampled_from([1 / 128, 0.004, 0.02])),
    )


STRATEGIES = {
    "BATCH_MATMUL": matrix_products(),
    "SVDF": filters_over_time(),
    "TRANSPOSE_CONV": transposed_convolutions(),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent_layers(),
}
