"""Passes change graphs, never bytes."""

from __future__ import annotations

import numpy as np
import pytest

from mcuq.frontend.tflite import bind
from mcuq.ir import DType, Graph, Node, Quantization, Tensor, TensorType
from mcuq.passes import DEFAULT_PASSES, run_passes
from mcuq.passes.fold_constants import fold_constants
from mcuq.passes.peel_edges import peel_edges
from mcuq.passes.remove_dead import remove_dead
from tests.harness.ladder import random_input, reference_outputs

SHAPE = (1, 4, 3)
FLOAT = TensorType(SHAPE, DType.FLOAT32)


def int8(scale: float = 0.05, zero_point: int = -7) -> TensorType:
    return TensorType(SHAPE, DType.INT8, Quantization((scale,), (zero_point,)))


def uint8() -> TensorType:
    return TensorType(SHAPE, DType.UINT8, Quantization((0.05,), (121,)))


def graph_of(
    types: dict[str, TensorType],
    nodes: list[tuple[str, str, str]],
    inputs: str,
    outputs: str,
    constants: tuple[str, ...] = (),
) -> Graph:
    """A bound graph; a node is (operator, inputs, outputs), names are separated by spaces."""
    rng = np.random.default_rng(0)
    tensors = {
        name: Tensor(name, type_, random_input(type_.shape, type_.dtype, rng) if name in constants else None)
        for name, type_ in types.items()
    }
    made = tuple(
        Node(f"n{i}", op, {}, tuple(ins.split()), tuple(outs.split())) for i, (op, ins, outs) in enumerate(nodes)
    )
    return bind(Graph("test", tensors, made, tuple(inputs.split()), tuple(outputs.split())))


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def outputs_for(graph: Graph, seed: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return reference_outputs(graph, [random_input(t.shape, t.type.dtype, rng) for t in graph.input_tensors])


def test_constants_fold_through_a_chain() -> None:
    graph = graph_of(
        {"x": int8(), "c": int8(0.1), "d": int8(0.02), "e": int8(0.03), "y": int8(0.06)},
        [("RELU", "c", "d"), ("TANH", "d", "e"), ("ADD", "x e", "y")],
        "x",
        "y",
        constants=("c",),
    )
    folded = run_passes(graph, (fold_constants,))
    assert ops(folded) == ["ADD"]
    assert folded.tensors["e"].constant and not folded.tensors["e"].data.flags.writeable
    np.testing.assert_array_equal(outputs_for(folded), outputs_for(graph))


def test_a_constant_that_is_an_output_is_still_written_by_a_node() -> None:
    graph = graph_of({"x": int8(), "c": int8(), "y": int8(), "z": int8()}, [("RELU", "c", "y"), ("RELU", "x", "z")],
                     "x", "y z", constants=("c",))  # fmt: skip
    assert ops(run_passes(graph)) == ["RELU", "RELU"]


def test_float_edges_are_left_to_the_host() -> None:
    graph = graph_of(
        {"x": FLOAT, "q": int8(), "r": int8(0.04, 3), "y": FLOAT},
        [("QUANTIZE", "x", "q"), ("RELU", "q", "r"), ("DEQUANTIZE", "r", "y")],
        "x",
        "y",
    )
    peeled = run_passes(graph)
    assert ops(peeled) == ["RELU"]
    assert (peeled.inputs, peeled.outputs) == (("q",), ("r",))
    assert set(peeled.tensors) == {"q", "r"}
    x = random_input(SHAPE, DType.FLOAT32, np.random.default_rng(1))
    wanted = reference_outputs(graph, [x])[0]
    quantized = np.clip(np.trunc(x / np.float32(0.05) + np.copysign(0.5, x)) - 7, -128, 127).astype(np.int8)
    found = reference_outputs(peeled, [quantized])[0]
    np.testing.assert_array_equal(np.float32(0.04) * (found.astype(np.float32) - 3), wanted)


def test_inputs_and_outputs_keep_their_order() -> None:
    graph = graph_of(
        {"a": int8(), "x": FLOAT, "q": int8(), "s": int8(), "t": int8(), "y": FLOAT},
        [("QUANTIZE", "x", "q"), ("ADD", "a q", "s"), ("RELU", "s", "t"), ("DEQUANTIZE", "t", "y")],
        "a x",
        "y s",
    )
    peeled = run_passes(graph)
    assert (peeled.inputs, peeled.outputs) == (("a", "q"), ("t", "s"))


def test_a_float_input_with_two_readers_stays() -> None:
    graph = graph_of(
        {"x": FLOAT, "q": int8(), "r": int8(0.1), "y": int8()},
        [("QUANTIZE", "x", "q"), ("QUANTIZE", "x", "r"), ("ADD", "q r", "y")],
        "x",
        "y",
    )
    assert peel_edges(graph) == graph


def test_a_float_output_that_is_read_again_stays() -> None:
    graph = graph_of(
        {"x": int8(), "r": int8(), "y": FLOAT, "z": int8(0.1)},
        [("RELU", "x", "r"), ("DEQUANTIZE", "r", "y"), ("QUANTIZE", "y", "z")],
        "x",
        "y z",
    )
    assert ops(peel_edges(graph)) == ["RELU", "DEQUANTIZE", "QUANTIZE"]


def test_outputs_stay_distinct_tensors() -> None:
    graph = graph_of(
        {"x": int8(), "r": int8(), "y": FLOAT, "z": FLOAT},
        [("RELU", "x", "r"), ("DEQUANTIZE", "r", "y"), ("DEQUANTIZE", "r", "z")],
        "x",
        "y z",
    )
    peeled = run_passes(graph)
    assert peeled.outputs == ("r", "z")
    assert ops(peeled) == ["RELU", "DEQUANTIZE"]


def test_an_input_never_becomes_an_output() -> None:
    graph = graph_of({"x": int8(), "y": FLOAT}, [("DEQUANTIZE", "x", "y")], "x", "y")
    assert ops(run_passes(graph)) == ["DEQUANTIZE"]
    through = graph_of({"x": FLOAT, "q": int8()}, [("QUANTIZE", "x", "q")], "x", "q")
    assert ops(run_passes(through)) == ["QUANTIZE"]


def test_quantize_and_dequantize_alone_keep_one_of_the_two() -> None:
    graph = graph_of(
        {"x": FLOAT, "q": int8(), "y": FLOAT}, [("QUANTIZE", "x", "q"), ("DEQUANTIZE", "q", "y")], "x", "y"
    )
    peeled = run_passes(graph)
    assert ops(peeled) == ["DEQUANTIZE"]
    assert (peeled.inputs, peeled.outputs) == (("q",), ("y",))


def test_quantize_between_bytes_stays() -> None:
    graph = graph_of(
        {"x": uint8(), "q": int8(), "r": int8(), "y": uint8()},
        [("QUANTIZE", "x", "q"), ("RELU", "q", "r"), ("QUANTIZE", "r", "y")],
        "x",
        "y",
    )
    assert ops(run_passes(graph, (peel_edges,))) == ["QUANTIZE", "RELU", "QUANTIZE"]
    fused = run_passes(graph)
    assert ops(fused) == ["TABLE"]
    np.testing.assert_array_equal(outputs_for(fused), outputs_for(graph))


def test_what_no_output_needs_is_removed() -> None:
    graph = graph_of(
        {"x": int8(), "unread": int8(), "c": int8(), "d": int8(), "e": int8(), "y": int8()},
        [("ADD", "x c", "d"), ("RELU", "d", "e"), ("RELU", "x", "y")],
        "x unread",
        "y",
        constants=("c",),
    )
    removed = run_passes(graph, (remove_dead,))
    assert ops(removed) == ["RELU"]
    assert set(removed.tensors) == {"x", "unread", "y"}
    assert removed.inputs == ("x", "unread")


def test_passes_are_done_after_one_round() -> None:
    graph = graph_of(
        {"x": FLOAT, "c": int8(), "k": int8(), "q": int8(), "r": int8(), "y": FLOAT},
        [("QUANTIZE", "x", "q"), ("RELU", "c", "k"), ("ADD", "q k", "r"), ("DEQUANTIZE", "r", "y")],
        "x",
        "y",
        constants=("c",),
    )
    once = run_passes(graph)
    assert str(run_passes(once)) == str(once)
    assert ops(once) == ["ADD"]


def test_a_pass_that_breaks_the_graph_is_named() -> None:
    graph = graph_of({"x": int8(), "y": int8()}, [("RELU", "x", "y")], "x", "y")

    def lose_all_nodes(graph: Graph) -> Graph:
        return Graph(graph.name, graph.tensors, (), graph.inputs, graph.outputs)

    with pytest.raises(ValueError, match=r"after the pass lose_all_nodes: output 'y' is never written"):
        run_passes(graph, (*DEFAULT_PASSES, lose_all_nodes))
