"""Keras's recurrent layers: one operator or one loop each, what Keras computes, and LiteRT's bytes as int8,
by the integer reference, in C on the host and in QEMU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcuq.board import board_named
from mcuq.core import core_named
from mcuq.data import Dataset
from mcuq.errors import UnsupportedError
from mcuq.frontend.blockers import BlockedError, unsupported_operators
from mcuq.frontend.keras import to_float_tflite
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.ir import DType, Graph
from mcuq.kernels.base import Target
from mcuq.model import recurrent_note
from mcuq.ops import operators
from mcuq.ops.base import Case
from mcuq.passes import run_passes
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower
from mcuq.quantize import quantize, quantize_int8
from mcuq.quantize.flatbuffer import read_tree, write_model
from mcuq.quantize.request import Request
from mcuq.quiet import quiet_stderr
from mcuq.reference import run_float
from tests.harness.ladder import litert_outputs, random_input, reference_outputs, runs_of
from tests.harness.loop_nets import FEATURES, STEPS, loop_net
from tests.harness.suite import SuiteCase, differences_in_qemu, differences_on_the_host

SHAPE = (7, 5)
LSTM, LOOP = "UNIDIRECTIONAL_SEQUENCE_LSTM", "LOOP"
Branches = Callable[[Any], list[list[Any]]]
"""Chains of layers, each from the model's input to an output."""


def lstms(layers: Any) -> list[list[Any]]:
    two = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum")
    return [
        [layers.LSTM(6, name="memory"), layers.Dense(3)],
        [layers.LSTM(4, return_sequences=True, use_bias=False), layers.LSTM(6, return_sequences=True, unroll=True)],
        [layers.LSTM(4, go_backwards=True, return_sequences=True)],
        [two, layers.Bidirectional(layers.LSTM(3))],
    ]


def others(layers: Any) -> list[list[Any]]:
    two = layers.Bidirectional(layers.GRU(5, return_sequences=True))
    seen = [layers.Reshape((7, 5, 1)), layers.Conv2D(4, 3, padding="same", activation="relu"), layers.Reshape((7, 20))]
    return [
        [layers.GRU(6), layers.Dense(3)],
        [layers.GRU(4, reset_after=False, return_sequences=True)],
        [layers.GRU(8, go_backwards=True, use_bias=False)],
        [two, layers.Bidirectional(layers.GRU(3, reset_after=False), merge_mode="ave")],
        [layers.SimpleRNN(4, return_sequences=True), layers.SimpleRNN(9)],
        [layers.Reshape((1, 35)), layers.GRU(3, return_sequences=True)],
        [*seen, layers.GRU(8, return_sequences=True), layers.TimeDistributed(layers.Dense(3, activation="softmax"))],
    ]


def stateful(layers: Any) -> list[list[Any]]:
    return [[getattr(layers, name)(6, stateful=True), layers.Dense(3)] for name in ("LSTM", "GRU", "SimpleRNN")]


@dataclass(frozen=True)
class Made:
    """A Keras model in float and int8; the bound and the simplified graph of the latter."""

    keras: Any
    real: bytes
    quantized: bytes
    bound: Graph
    graph: Graph

    def wanted(self, one: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(output) for output in self.keras(one[np.newaxis], training=False)]

    def quantize(self, x: np.ndarray) -> np.ndarray:
        given = self.graph.input_tensors[0].type
        return np.clip(np.round(x[np.newaxis] / given.scale) + given.zero_point, -128, 127).astype(np.int8)

    def steps_off(self, found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
        """How far int8 outputs are from real ones, in steps; beyond an output's range nobody can be."""
        off = []
        for tensor, q, real in zip(self.graph.output_tensors, found, wanted, strict=True):
            ideal = np.clip(real / tensor.type.scale + tensor.type.zero_point, -128, 127)
            off.append(float(np.abs(q - ideal).max()))
        return max(off)


def keras_model(branches: Branches, folder: Path) -> tuple[Any, Path]:
    with quiet_stderr():
        import keras

        keras.utils.set_random_seed(5)
        x = keras.Input(batch_shape=(1, *SHAPE))
        ends = []
        for chain in branches(keras.layers):
            ends.append(x)
            for layer in chain:
                ends[-1] = layer(ends[-1])
        model = keras.Model(x, ends)
        model.save(folder / "model.keras")
    return model, folder / "model.keras"


def made(branches: Branches, folder: Path) -> Made:
    model, file = keras_model(branches, folder)
    real = to_float_tflite(file)
    quantized = quantize_int8(real, Dataset((samples(8),), None, "made up"))
    bound = bind(read_tflite(quantized, "model"))
    return Made(model, real, quantized, bound, run_passes(bound))


def samples(count: int) -> np.ndarray:
    return np.random.default_rng(2).normal(0, 1, (count, *SHAPE)).astype(np.float32)


def suite_case(model: Made) -> SuiteCase:
    """The model beside its answers to random inputs."""
    rng, rounds = np.random.default_rng(1), []
    tensor, runs = model.graph.input_tensors[0], runs_of(model.graph)
    for _ in range(2):
        x = random_input(tensor.shape, tensor.type.dtype, rng)
        wanted = litert_outputs(model.quantized, [x], runs)
        for found, want in zip(reference_outputs(model.graph, [x], runs), wanted, strict=True):
            np.testing.assert_array_equal(found, want)
        rounds.append((x.tobytes(), b"".join(output.tobytes() for output in wanted)))
    program = lower(model.graph, Target(core_named("cortex-m4")), KernelPolicy.MCUQ)
    return SuiteCase("ADD", operators()["ADD"].cases[0], model.graph, plan(program), tuple(rounds))


@pytest.mark.parametrize(("branches", "counts"), [(lstms, {LSTM: 8}), (others, {LOOP: 11})], ids=["LSTM", "others"])
def test_recurrent_layers_compute_what_keras_does_in_litert_bytes(
    branches: Branches, counts: Mapping[str, int], tmp_path: Path
) -> None:
    model, data = made(branches, tmp_path), samples(4)
    wanted = [model.wanted(one) for one in data]
    for real, want in zip(run_float(model.real, [data]), zip(*wanted, strict=True), strict=True):
        np.testing.assert_allclose(real, np.concatenate(want).reshape(real.shape), atol=1e-5)
    ops = [node.op for node in model.bound.nodes]
    assert {op: ops.count(op) for op in (LSTM, LOOP) if op in ops} == counts
    for one, want in zip(data, wanted, strict=True):
        assert model.steps_off(reference_outputs(model.bound, [model.quantize(one)]), want) < 8
    real = read_tflite(model.real, "model")
    (note,) = recurrent_note(real, Request("w4a8"))
    assert "keep weights of eight bits" in note
    assert note.count(",") == sum(counts.values()) - 1
    assert recurrent_note(real, Request()) == ()
    case = suite_case(model)
    assert differences_on_the_host([case], tmp_path / "host") == []
    assert differences_in_qemu(board_named("mps2-an386"), [case], tmp_path / "qemu") == []


def test_a_stateful_layer_goes_on_where_it_stopped(tmp_path: Path) -> None:
    model = made(stateful, tmp_path)
    (one,) = samples(1)
    for runs in (1, 2, 3):
        wanted = model.wanted(one)
        found = reference_outputs(model.graph, [model.quantize(one)], runs)
        assert model.steps_off(found, wanted) < 8, runs
        for mine, theirs in zip(found, litert_outputs(model.quantized, [model.quantize(one)], runs), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert differences_on_the_host([suite_case(model)], tmp_path / "host") == []
    assert_narrow_weights_beside_loops(model)


def assert_narrow_weights_beside_loops(model: Made) -> None:
    """Layers behind recurrent ones are rounded for what these give them."""
    data = samples(8)
    narrow = quantize(model.real, Dataset((data,), None, "made up"), Request("w4a8", {"*": "w4a8"}))
    assert [layer.op for layer in narrow.layers] == ["FULLY_CONNECTED"] * len(model.graph.output_tensors)
    for found, want in zip(run_float(narrow.tflite, [data]), run_float(model.real, [data]), strict=True):
        assert np.abs(found - want).max() < 0.15 * np.ptp(want)


def test_a_layer_that_no_operator_expresses_stays_a_loop(tmp_path: Path) -> None:
    from mcuq import qat

    def relus(layers: Any) -> list[list[Any]]:
        return [[layers.LSTM(4, activation="relu", return_sequences=True, name="relus"), layers.GRU(3)]]

    content = to_float_tflite(keras_model(relus, tmp_path)[1])
    (found,) = unsupported_operators(read_tflite(content, "model"))
    assert (found.layer.split(":")[0], found.op) == ("relus", "WHILE")
    with pytest.raises(UnsupportedError, match="control flow"):
        quantize_int8(content, Dataset((samples(1),), None, "made up"))
    with pytest.raises(UnsupportedError, match="has a loop, as of a GRU or SimpleRNN layer"):
        qat.prepare(content, data=samples(1))


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m55"])
def test_loops_over_every_kind_of_cell_give_litert_bytes(core: str, tmp_path: Path) -> None:
    cases = []
    for number in range(12):
        content = loop_net(number)
        graph = run_passes(bind(read_tflite(content, "loop")))
        x = random_input((1, STEPS, FEATURES), DType.INT8, np.random.default_rng(number))
        (wanted,) = litert_outputs(content, [x], runs_of(graph))
        (found,) = reference_outputs(graph, [x], runs_of(graph))
        np.testing.assert_array_equal(found, wanted)
        planned = plan(lower(graph, Target(core_named(core)), KernelPolicy.MCUQ))
        rounds = ((x.tobytes(), wanted.tobytes()),)
        cases.append(SuiteCase("LOOP", Case(f"loop_{number}", (), ()), graph, planned, rounds))
    assert differences_on_the_host(cases, tmp_path) == []


def counts_from_one(model: Any) -> None:
    loop = next(operator for operator in model.subgraphs[0].operators if len(operator.inputs) > 2)
    set_value(model, model.subgraphs[0].tensors[loop.inputs[0]], 1)


def never_runs(model: Any) -> None:
    set_value(model, model.subgraphs[1].tensors[-1], 0)


def counts_by_two(model: Any) -> None:
    (one,) = (tensor for tensor in model.subgraphs[2].tensors if tensor.name == b"one")
    set_value(model, one, 2)


def steps_fewer_than_the_sequence_has(model: Any) -> None:
    set_value(model, model.subgraphs[1].tensors[-1], STEPS - 1)


def gives_the_step_out(model: Any) -> None:
    loop = next(operator for operator in model.subgraphs[0].operators if len(operator.inputs) > 2)
    model.subgraphs[0].outputs = [*model.subgraphs[0].outputs, loop.outputs[0]]


def set_value(model: Any, tensor: Any, value: int) -> None:
    model.buffers[tensor.buffer].data = np.array([value], np.int32).view(np.uint8)


@pytest.mark.parametrize(
    "change",
    [counts_from_one, never_runs, counts_by_two, steps_fewer_than_the_sequence_has, gives_the_step_out],
)
def test_a_loop_that_counts_otherwise_is_refused_by_name(change: Callable[[Any], None]) -> None:
    model = read_tree(loop_net(0))
    change(model)
    with pytest.raises(BlockedError, match="y: WHILE: operator not supported"):
        bind(read_tflite(write_model(model), "loop"))
