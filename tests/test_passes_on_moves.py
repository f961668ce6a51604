"""Passes on layers that move elements: fewer layers, and the bytes of LiteRT, which runs the net as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ir import DType, Graph, Tensor, TensorType
from mcuq.passes import run_passes
from tests.harness.net_builder import RELU, VALID, NetBuilder
from tests.test_passes_on_nets import assert_litert_bytes


class MovesBuilder(NetBuilder):
    """Adds layers that move elements."""

    def ints(self, values: Any) -> str:
        return self.constant(np.asarray(values, np.int32))

    def move(
        self, op: str, x: str, shape: tuple[int, ...], *constants: Any, first: bool = False, **options: Any
    ) -> str:
        """A layer on ``x`` with constants behind (or before) it, all of them integers."""
        type_ = self.type(x)
        inputs = [self.ints(values) for values in constants]
        inputs = [*inputs, x] if first else [x, *inputs]
        if type_.dtype is DType.FLOAT32:
            output = self.layer(op, options, inputs, shape, 0)
            self.tensors[output] = Tensor(output, TensorType(shape, DType.FLOAT32))
            return output
        return self.layer(op, options, inputs, shape, type_.zero_point, type_.scale)

    def transpose(self, x: str, *axes: int) -> str:
        return self.move("TRANSPOSE", x, tuple(self.type(x).shape[axis] for axis in axes), axes)

    def reshape(self, x: str, *shape: int) -> str:
        return self.move("RESHAPE", x, shape, shape)

    def real(self, x: str) -> str:
        """DEQUANTIZE."""
        output = self.layer("DEQUANTIZE", {}, [x], self.type(x).shape, 0)
        self.tensors[output] = Tensor(output, TensorType(self.type(x).shape, DType.FLOAT32))
        return output

    def ends(self, x: str) -> str:
        """A layer that computes, so that what is before it can go."""
        return self.same(x, "TANH", 0, 1 / 128)


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def passed(net: NetBuilder, inputs: str, outputs: str) -> Graph:
    """The net after all passes, with LiteRT's bytes."""
    graph = run_passes(net.graph(inputs, outputs))
    assert_litert_bytes(net.tflite(inputs, outputs), graph, 5)
    return graph


def test_transposes_that_cancel_go() -> None:
    net = MovesBuilder(1)
    x = net.activation((1, 4, 3, 5))
    y = net.ends(net.transpose(net.transpose(x, 0, 3, 1, 2), 0, 2, 3, 1))
    assert ops(passed(net, x, y)) == ["TANH"]


def test_moves_in_a_row_are_one_copy() -> None:
    net = MovesBuilder(1)
    x = net.activation((1, 4, 6, 5))
    y = net.transpose(net.reshape(net.transpose(x, 0, 3, 1, 2), 5, 4, 2, 3), 2, 0, 1, 3)
    y = net.move("SLICE", y, (2, 3, 4, 3), [0, 2, 0, 0], [2, 3, 4, 3])
    assert ops(passed(net, x, net.ends(y))) == ["COPY", "TANH"]


def test_what_others_read_stays() -> None:
    net = MovesBuilder(1)
    x = net.activation((4, 6))
    y = net.transpose(x, 1, 0)
    z = net.transpose(y, 1, 0)
    graph = passed(net, x, f"{net.ends(y)} {net.ends(z)}")
    assert sorted(ops(graph)) == ["TANH", "TANH", "TRANSPOSE", "TRANSPOSE"]


def test_a_transpose_of_sizes_of_one_is_the_same_bytes() -> None:
    net = MovesBuilder(1)
    x = net.activation((1, 4, 1, 5))
    assert ops(passed(net, x, net.ends(net.transpose(x, 1, 2, 0, 3)))) == ["RESHAPE", "TANH"]


@settings(max_examples=40, deadline=None, database=None)
@given(st.data())
def test_random_moves_in_a_row_give_litert_bytes(data: st.DataObject) -> None:
    net = MovesBuilder(2)
    x = y = net.activation((2, 3, 4, 2))
    for _ in range(data.draw(st.integers(2, 5))):
        shape = net.type(y).shape
        kind = data.draw(st.sampled_from(["transpose", "reshape", "slice", "reverse", "depth", "repeat"]))
        axis = data.draw(st.integers(0, 3))
        if kind == "transpose":
            y = net.transpose(y, *data.draw(st.permutations(range(4))))
        elif kind == "reshape":
            y = net.reshape(y, *data.draw(st.permutations(shape)))
        elif kind == "slice" and shape[axis] > 1:
            cut = tuple(size - (i == axis) for i, size in enumerate(shape))
            y = net.move("SLICE", y, cut, [int(i == axis) for i in range(4)], cut)
        elif kind == "reverse":
            y = net.move("REVERSE_V2", y, shape, [axis])
        elif kind == "depth" and shape[3] % 4 == 0:
            y = net.move("DEPTH_TO_SPACE", y, (shape[0], 2 * shape[1], 2 * shape[2], shape[3] // 4), block_size=2)
        elif kind == "repeat":
            y = net.move("TILE", y, (2 * shape[0], *shape[1:]), [2, 1, 1, 1])
    passed(net, x, net.ends(y))


def test_float_moves_between_conversions_move_bytes() -> None:
    net = MovesBuilder(1)
    x = net.activation((1, 3, 4, 2), 5)
    repeated = net.move("TILE", net.real(net.ends(x)), (1, 6, 4, 2), [1, 2, 1, 1])
    turned = net.move("REVERSE_V2", repeated, (1, 6, 4, 2), [2])
    y = net.layer("QUANTIZE", {}, [turned], (1, 6, 4, 2), 0, 1 / 128)
    graph = passed(net, x, net.ends(y))
    assert ops(graph) == ["TANH", "TILE", "REVERSE_V2", "TABLE"]
    assert all(tensor.type.dtype is not DType.FLOAT32 for tensor in graph.tensors.values())


def test_conversions_to_another_scale_are_a_table() -> None:
    net = MovesBuilder(1)
    x = net.activation((3, 8), 5)
    y = net.layer("QUANTIZE", {}, [net.real(x)], (3, 8), -9, 0.07)
    assert ops(passed(net, x, y)) == ["TABLE"]


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("op", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_a_convolution_between_space_to_batch_and_back_is_dilated(op: str, same: bool, block: int) -> None:
    net = MovesBuilder(3)
    size = 12
    x = net.activation((2, size, size, 4), -11)
    # As TensorFlow's SAME: the window's reach is padded, and more behind it to whole blocks, which is cropped.
    pad = block if same else 0
    behind = -(size + 2 * pad) % block
    inside = (size + 2 * pad + behind) // block
    batched = net.move(
        "SPACE_TO_BATCH_ND", x, (2 * block * block, inside, inside, 4), [block] * 2, [[pad, pad + behind]] * 2
    )
    conv = net.conv if op == "CONV_2D" else net.depthwise
    y = (
        conv(batched, 5, 3, padding=VALID, activation=RELU, zero=-11)
        if op == "CONV_2D"
        else conv(batched, padding=VALID, zero=-11)
    )
    _, high, _, channels = net.type(y).shape
    left = high * block - behind
    y = net.move("BATCH_TO_SPACE_ND", y, (2, left, left, channels), [block] * 2, [[0, behind]] * 2)
    graph = passed(net, x, y)
    assert ops(graph) == [op]
    assert graph.nodes[0].attributes.height.dilation == block


def test_a_causal_dilated_convolution_over_time_is_one_layer() -> None:
    net = MovesBuilder(4)
    x = net.activation((1, 20, 3), 4)
    batched = net.move("SPACE_TO_BATCH_ND", x, (2, 12, 3), [2], [[4, 0]])
    conv = net.conv(net.reshape(batched, 2, 12, 1, 3), 6, 3, columns=1, padding=VALID, zero=4)
    y = net.move("BATCH_TO_SPACE_ND", net.reshape(conv, 2, 10, 6), (1, 20, 6), [2], [[0, 0]])
    graph = passed(net, x, net.ends(y))
    assert ops(graph) == ["RESHAPE", "CONV_2D", "RESHAPE", "TANH"]
    height = graph.nodes[1].attributes.height
    assert (height.dilation, height.pad_before) == (2, 4)


def test_the_padding_of_a_causal_convolution_over_time_is_its_own() -> None:
    net = MovesBuilder(4)
    x = net.activation((1, 20, 3), 4)
    padded = net.layer("PAD", {}, [x, net.ints([[0, 0], [2, 0], [0, 0]])], (1, 22, 3), 4)
    conv = net.conv(net.move("EXPAND_DIMS", padded, (1, 22, 1, 3), 2), 6, 3, columns=1, padding=VALID)
    assert ops(passed(net, x, net.ends(conv))) == ["RESHAPE", "CONV_2D", "TANH"]


def test_a_shape_that_mixes_padded_axes_stays_behind_the_padding() -> None:
    net = MovesBuilder(4)
    x = net.activation((1, 4, 3), 4)
    padded = net.layer("PAD", {}, [x, net.ints([[0, 0], [2, 0], [0, 0]])], (1, 6, 3), 4)
    assert ops(passed(net, x, net.ends(net.reshape(padded, 1, 3, 6)))) == ["PAD", "RESHAPE", "TANH"]
